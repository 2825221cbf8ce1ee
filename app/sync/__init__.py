"""From the outbox to the hub: the wire, the outbox, the courier."""
