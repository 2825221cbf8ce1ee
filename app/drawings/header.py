"""Where a GPIO number is on the 40-pin header."""

HEADER = {2: 3, 3: 5, 12: 32, 13: 33, 16: 36, 23: 16, 24: 18, 25: 22}
"""GPIO number (BCM) to pin, of those that are wired or may be."""
SUGGESTED_SWITCH = 16
"""A second contact of the privacy switch is not wired unless it is set; this is where it may go."""
