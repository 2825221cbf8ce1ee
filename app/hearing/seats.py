"""Seats: the only identity there is, a calibrated direction where one person sits."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise
from math import isfinite

import numpy as np
from numpy.typing import NDArray


class Role(Enum):
    """What a seat is for; role-dependent metrics need both."""

    THERAPIST = "therapist"
    CLIENT = "client"


class SeatError(ValueError):
    """Seats that cannot be; says why in one sentence."""


@dataclass(frozen=True, slots=True)
class Seat:
    """Where one person sits."""

    name: str
    role: Role | None
    azimuth: float
    """Degrees in [0, 360), anticlockwise seen from above, 0 at the array's +x mark."""


def role_of(name: str) -> Role | None:
    """The role that a seat's name begins with, as in `therapist` or `client-2`; None if with neither."""
    return next((role for role in Role if name.lower().startswith(role.value)), None)


def parse_seats(text: str) -> tuple[Seat, ...]:
    """Seats from `NAME[:ROLE]=DEGREES,…`. Raises SeatError."""
    return check_seats(parse_seat(part) for part in text.split(","))


def parse_seat(text: str) -> Seat:
    """One seat from `NAME[:ROLE]=DEGREES`. Raises SeatError."""
    label, equals, degrees = text.strip().partition("=")
    name, _, role = label.partition(":")
    try:
        if not (equals and name and isfinite(float(degrees))):
            raise ValueError(text)  # noqa: TRY301 - the same sentence serves
        return Seat(name, Role(role) if role else role_of(name), float(degrees) % 360.0)
    except ValueError:
        raise SeatError(
            f"'{text}' is not a seat: write NAME=DEGREES or NAME:ROLE=DEGREES, the role therapist or client"
        ) from None


def apart(one: NDArray[np.float64] | float, other: NDArray[np.float64] | float) -> NDArray[np.float64]:
    """The angle between directions, degrees 0..180."""
    return np.asarray(np.abs((one - other + 180.0) % 360.0 - 180.0))


CLOSEST = 20.0
"""Degrees: nearer seats than this no small array can tell apart."""
MOST = 6


def check_seats(seats: Iterable[Seat]) -> tuple[Seat, ...]:
    """The seats as a tuple, if they can be told apart. Raises SeatError."""
    checked = tuple(seats)
    names = [seat.name for seat in checked]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise SeatError(f"the seat '{twice}' is given twice: give each seat a name of its own")
    if len(checked) > MOST:
        raise SeatError(f"{len(checked)} seats are too many: a room has at most {MOST}")
    around = sorted(checked, key=lambda seat: seat.azimuth)
    for one, other in pairwise([*around, *around[:1]] if len(around) > 1 else []):
        if apart(one.azimuth, other.azimuth) < CLOSEST:
            raise SeatError(
                f"the seats '{one.name}' and '{other.name}' are less than {CLOSEST:.0f} degrees apart: move one"
            )
    return checked
