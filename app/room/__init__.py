"""One room unit: its button and sessions, what they hear, the lamp and the ledger put together."""
