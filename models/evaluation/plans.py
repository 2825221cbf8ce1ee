"""What is rehearsed to fit intervals: usual sessions, short ones, and some with more than two people."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from app.hearing.seats import MOST, Role, Seat
from app.validation.plan import Plan
from firmware.sound import ArrayGeometry

SHORT_MINUTES = (1.5, 10.0)
SEVERAL_MINUTES = (8.0, 20.0)
NEAREST_DEG = 45.0


def plans(
    array: ArrayGeometry,
    people: Mapping[str, tuple[Path, ...]],
    seed: int,
    sessions: int,
    minutes: tuple[float, float],
) -> tuple[Plan, ...]:
    """The usual sessions of two people first, so many in each kind of rooms; half as many short ones; the rest."""
    usual = Plan(array, people, sessions=sessions, minutes=minutes, seed=seed)
    short = replace(usual, sessions=-(-sessions // 2), minutes=SHORT_MINUTES)
    rng = np.random.default_rng(seed)
    several = (
        replace(usual, sessions=1, minutes=SEVERAL_MINUTES, seats=around(count, rng)) for count in range(3, MOST + 1)
    )
    return usual, short, *several


def around(count: int, rng: np.random.Generator) -> tuple[Seat, ...]:
    """A therapist and clients around the array, neighbours at least NEAREST_DEG apart."""
    spare = rng.dirichlet(np.ones(count)) * (360 - count * NEAREST_DEG)
    azimuths = (rng.uniform(0, 360) + np.cumsum(spare + NEAREST_DEG)) % 360
    return tuple(
        Seat("therapist" if number == 0 else f"client-{number}", Role.CLIENT if number else Role.THERAPIST, azimuth)
        for number, azimuth in enumerate(azimuths.tolist())
    )
