"""What can be wrong with the hardware; each message is one sentence that says what to do.

BoardError
├── ArrayError    an array file or its geometry
├── SoundError    microphones, or a recording in their place
└── WiringError   pins: lamp, button, privacy switch
"""


class BoardError(Exception):
    """Something about the board is not as it should be."""


class ArrayError(BoardError):
    """An array that is not known, or that cannot be."""


class SoundError(BoardError):
    """Sound that cannot be had, or has stopped."""


class WiringError(BoardError):
    """Pins that cannot be used."""
