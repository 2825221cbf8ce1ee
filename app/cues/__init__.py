"""The conversation so far to light: when a cue is due, and how it glows."""
