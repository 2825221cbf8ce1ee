"""Everything that touches hardware. It knows sound and light, and nothing of people."""
