"""How much to make and how long to train."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Amounts:
    """How many streams of 12 s of each kind."""

    scene: int
    speech: int
    noise: int


QUICK = Amounts(scene=200, speech=300, noise=100)
FULL = Amounts(scene=2500, speech=4000, noise=900)


@dataclass(frozen=True, slots=True)
class Course:
    """How long and how fast to train."""

    steps: int
    rate: float = 4e-3
    decay: float = 1e-3
    warm_up: float = 0.04
    """Share of the steps in which the rate rises."""
    mean: float = 0.998
    """How much of the running mean of the weights stays at each step."""
    checkpoint: int = 200
    """Steps between two checkpoints; an interrupted run goes on from the last one."""


AHEAD = Course(steps=2000, rate=5e-3, decay=1e-4, mean=0.98, checkpoint=100)
"""Of what looks ahead and glances: a few thousand parameters on a net that stays as it is."""
