"""What the session button gives: finished presses."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Press:
    """One press of the session button, from down to up."""

    seconds: float
    """How long it was held."""
