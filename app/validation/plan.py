"""What is to be rehearsed: which rooms, array, voices and talk, how many sessions and how long."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from app.hearing.seats import Seat, role_of
from app.rehearsal.talk import Spoken
from firmware.sound import ArrayGeometry

NAMES = ("therapist", "client")
"""The seats of drawn talk."""


class PlanError(ValueError):
    """A rehearsal that cannot be; says what to change."""


@dataclass(frozen=True, slots=True)
class Rooms:
    """A kind of rooms; each session draws one."""

    name: str
    rt60_s: tuple[float, float]
    snr_db: tuple[float, float]
    """Reverberant speech against noise at the array, as app/rehearsal/render.py defines it."""
    apart_deg: tuple[float, float]
    """Angle between neighbours as the array sees them."""
    calibration_deg: float
    """How far the calibrated seats are off, degrees rms."""


EASY = Rooms("easy", (0.3, 0.6), (6.0, 25.0), (60.0, 150.0), 3.0)
HARD = Rooms("hard", (0.35, 0.7), (3.0, 18.0), (40.0, 150.0), 9.0)
LEAST_MINUTES, MOST_MINUTES = 1 / 3, 300.0


@dataclass(frozen=True, slots=True)
class Plan:
    """All that makes a validation; the same plan gives the same sessions."""

    array: ArrayGeometry
    people: Mapping[str, tuple[Path, ...]]
    """Clips of dry speech by person."""
    rooms: tuple[Rooms, ...] = (EASY, HARD)
    sessions: int = 1
    """In each kind of rooms."""
    minutes: tuple[float, float] = (10.0, 10.0)
    """Shortest and longest session."""
    seed: int = 1
    seats: tuple[Seat, ...] = ()
    """Where people sit; empty: drawn for each session."""
    turns: tuple[Spoken, ...] = ()
    """Who speaks when; empty: drawn for each session, and the length with it."""

    @property
    def names(self) -> tuple[str, ...]:
        """The seats' names, a therapist's first."""
        if self.seats:
            return tuple(seat.name for seat in self.seats)
        found = dict.fromkeys(unit.seat for unit in self.turns)
        return tuple(sorted(found, key=lambda name: role_of(name) is None)) or NAMES


def check(plan: Plan) -> Plan:
    """The plan, if it can be rehearsed. Raises PlanError."""
    for what, (low, high), least, most in (
        ("minutes", plan.minutes, LEAST_MINUTES, MOST_MINUTES),
        *(("rt60", rooms.rt60_s, 0.1, 1.5) for rooms in plan.rooms),
        *(("snr", rooms.snr_db, -20.0, 60.0) for rooms in plan.rooms),
        *(("apart", rooms.apart_deg, 20.0, 180.0) for rooms in plan.rooms),
    ):
        if not least <= low <= high <= most:
            raise PlanError(
                f"--{what} {low:g} {high:g} cannot be: give the less first, both from {least:.2g} to {most:g}"
            )
    strangers = sorted({unit.seat for unit in plan.turns} - set(plan.names))
    if strangers:
        raise PlanError(
            f"the turns name {', '.join(strangers)}, which is no seat: there are {', '.join(plan.names)}; "
            "name it with --seats or correct the turns"
        )
    if not plan.turns and len(plan.names) < 2:
        raise PlanError("drawn talk needs two seats: name a therapist and a client with --seats, or give --turns")
    if len(plan.people) < len(plan.names):
        raise PlanError(
            f"there are {len(plan.people)} voices for {len(plan.names)} seats: give a folder with a clip or a "
            "sub-folder for each person"
        )
    return plan
