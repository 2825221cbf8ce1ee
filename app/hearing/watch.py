"""The direction watch: whether people still speak from where the seats are; a sentence when not.

It looks at bearings of speech, whoever speaks. Many of them away from every seat and close together are a voice that
has no seat; all of them off by one angle are an array that was turned. It would rather miss than be wrong: half of an
hour that does not count for nothing is worse than a guest noticed late.
"""

from collections import deque
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from app.hearing.bearings import Bearings
from app.hearing.features import Directions
from app.hearing.seats import Seat, apart
from firmware.sound import ArrayGeometry

Degrees = NDArray[np.float64]

AWAY_DEG = 35.0
"""A bearing that far from every seat is nobody's who sits there."""
TOGETHER_DEG = 15.0
"""Bearings of one voice lie within this around it."""
A_MINUTE = 1500
"""Blocks."""
STRANGE = 6
"""Bearings of one voice away from all seats, within a minute, that are a third voice."""
AMONG = 16
"""Of the last bearings; a wall that sends back one in five is no voice."""
GONE = 300
"""Blocks (12 s) without such a bearing after which it is gone."""
KEPT = 60
"""Bearings by which the array's turn is judged: about a minute of speech."""
ENOUGH = 16
NEAR_SEAT_DEG = 30.0
"""Bearings this near to a seat are its own as it was calibrated: that much the hearing forgives."""
ON_SEAT_DEG = 20.0
"""And this near once the array is taken for turned."""
TURNS = np.array([sign * turn for turn in range(25, 180, 5) for sign in (1.0, -1.0)])
"""Degrees; by less the hearing forgives."""
EXPLAINED = 0.75
"""Share of the bearings on the seats, once turned, from which on an array may have been turned."""
BETTER = 0.3
"""How much more of them than as it was calibrated."""
EACH = 0.1
"""Share of each of at least two seats in them."""
RIGHT = 0.7
"""Share of the last ENOUGH bearings on the seats with which it stands right again."""
THIRD_VOICE = "somebody speaks where nobody sits: what is said meanwhile does not count"


class Watch:
    """The stage from bearings to trouble; counts blocks, knows no clock."""

    def __init__(self, seats: Sequence[Seat]) -> None:
        self._seats = np.array([seat.azimuth for seat in seats])
        self._bearings: deque[float] = deque(maxlen=KEPT)
        self._recent: deque[tuple[int, float]] = deque(maxlen=AMONG)  # block, azimuth
        self._block = 0
        self._last_strange = -GONE
        self._guest = False
        self._turn: float | None = None

    def attend(self, bearing: float | None) -> str | None:
        """What is wrong after one more block, which may have brought a bearing, in a sentence; or None."""
        self._block += 1
        if bearing is not None:
            self._bearings.append(bearing)
            self._turn = self._judge_turn()
            self._judge_guest(bearing)
        elif self._guest and self._block - self._last_strange > GONE:
            self._guest = False
            self._recent.clear()
        if self._turn is not None:
            return (
                f"the array seems turned by about {abs(round(self._turn, -1)):.0f} degrees: "
                "turn it back, or calibrate the seats again"
            )
        return THIRD_VOICE if self._guest else None

    def _judge_guest(self, bearing: float) -> None:
        """Whether bearings away from all seats lie close together."""
        self._recent.append((self._block, bearing))
        while self._recent[0][0] < self._block - A_MINUTE:
            self._recent.popleft()
        recent = np.array([azimuth for _, azimuth in self._recent])
        near = recent[apart(recent, bearing) <= TOGETHER_DEG]
        strange = apart(near[:, None], self._seats).min(1) >= AWAY_DEG
        if strange[-1] and strange.sum() >= STRANGE:
            self._guest, self._last_strange = True, self._block

    def _judge_turn(self) -> float | None:
        """By how many degrees the seats must be turned to lie where people speak; None if they lie well."""
        heard = np.array(self._bearings)
        if len(heard) < ENOUGH or len(self._seats) < 2:
            return None
        if self._turn is not None:
            return None if self._near(heard[-ENOUGH:], 0.0, NEAR_SEAT_DEG) >= RIGHT else self._turn
        straight = self._near(heard, 0.0, NEAR_SEAT_DEG)
        if straight > 1.0 - BETTER:
            return None
        shares = np.array([self._near(heard, float(turn), ON_SEAT_DEG) for turn in TURNS])
        equal = TURNS[shares == shares.max()]
        turn = float(equal[np.argsort(np.abs(equal))[len(equal) // 2]])
        spoken = sorted(float((apart(heard, seat + turn) <= ON_SEAT_DEG).mean()) for seat in self._seats)
        convincing = shares.max() >= max(EXPLAINED, straight + BETTER) and spoken[-2] >= EACH
        return turn if convincing else None

    def _near(self, heard: Degrees, turn: float, within: float) -> float:
        """Share of bearings within so many degrees of a seat when the seats are turned."""
        return float((apart(heard[:, None], self._seats + turn).min(1) <= within).mean())


class Astray:
    """Bearings of speech and the watch over them, on the phases that the directions were made of."""

    def __init__(self, geometry: ArrayGeometry, seats: Sequence[Seat], directions: Directions) -> None:
        self._directions = directions
        self._bearings = Bearings(geometry, directions.hz)
        self._watch = Watch(seats)

    def attend(self, speaking: bool | None) -> str | None:
        """What is wrong with the directions after one more block, in a sentence, or None."""
        return self._watch.attend(self._bearings.take(self._directions.phases, speaking=speaking))
