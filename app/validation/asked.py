"""From what was asked on the command line to a plan."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from app.hearing.seats import parse_seats
from app.validation.people import BUNDLED, people
from app.validation.plan import EASY, HARD, Plan, Rooms, check
from app.validation.turns import read_turns
from firmware.geometry import load_array

KINDS = {"easy": (EASY,), "hard": (HARD,), "both": (EASY, HARD)}
USUAL: tuple[int, tuple[float, float]] = (6, (10.0, 50.0))
"""Sessions in each kind of rooms, and their minutes."""
QUICK: tuple[int, tuple[float, float]] = (3, (4.0, 4.0))


def plan_of(asked: Mapping[str, Any]) -> Plan:
    """The plan that was asked for. Raises PlanError, SeatError, ArrayError and VoiceError."""
    sessions, minutes = QUICK if asked["quick"] else USUAL
    return check(
        Plan(
            array=load_array(asked["array"]),
            people=people(asked["voices"] or BUNDLED),
            rooms=rooms_of(asked),
            sessions=asked["sessions"] or sessions,
            minutes=asked["minutes"] or minutes,
            seed=asked["seed"],
            seats=parse_seats(asked["seats"]) if asked["seats"] else (),
            turns=read_turns(asked["turns"]) if asked["turns"] else (),
        )
    )


def rooms_of(asked: Mapping[str, Any]) -> tuple[Rooms, ...]:
    """The kinds of rooms, with what was asked of them."""
    own = {
        field: asked[name]
        for name, field in (
            ("rt60", "rt60_s"),
            ("snr", "snr_db"),
            ("apart", "apart_deg"),
            ("calibration", "calibration_deg"),
        )
        if asked[name] is not None
    }
    return tuple(replace(rooms, **own) for rooms in KINDS[asked["rooms"]])
