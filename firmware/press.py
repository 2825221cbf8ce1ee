"""What the session button gives: finished presses."""

from dataclasses import dataclass

LONGEST_S = 5.0
"""A press that has lasted this long is finished: who holds the button sees the answer before letting go."""


@dataclass(frozen=True, slots=True)
class Press:
    """One press of the session button, from down to up, or until LONGEST_S."""

    seconds: float
    """How long it was held."""
