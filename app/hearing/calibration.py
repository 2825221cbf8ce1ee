"""Calibration: where people sit, from a sentence each; sound and speech in, seats or a reason why not out."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.hearing.compass import FRAMES_PER_S, WINDOW, Bearing, Compass, Complex
from app.hearing.features import BLOCK, BLOCK_FRAMES, HOP
from app.hearing.seats import MOST, Role, Seat, apart
from firmware.sound import ArrayGeometry

SPEAKING = 0.5
"""Probability of speech from which a frame is taken."""
SENTENCE_S = 4.0
"""Seconds of speech after which a sentence is judged, though it goes on."""
LEAST_S = 1.0
"""Seconds of speech without which nothing is judged."""
BREAK_S = 0.7
"""A silence this long ends a sentence."""
AGREEING = 0.5
"""Share of a sentence's frames that must agree: one talker has 0.6 and more in hard rooms, two have less."""
SECOND = 0.5
"""Frames that agree on another direction, to those that agree on the best: from here on two people have spoken."""
APART_DEG = 35.0
"""Least angle between two seats."""
SAME_DEG = 17.5
"""Nearer than this to a seat it is that seat again."""


class CalibrationError(ValueError):
    """An array whose seats cannot be calibrated; says why in one sentence."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A seat was found."""

    seat: Seat
    agreement: float
    """Share of the frames that agree on its direction."""


@dataclass(frozen=True, slots=True)
class Again:
    """Somebody has spoken whose seat is known."""

    seat: Seat


@dataclass(frozen=True, slots=True)
class Unclear:
    """A sentence that places nobody."""

    reason: str
    """In one sentence, with what to do."""


Step = Placed | Again | Unclear


class Calibration:
    """The stage from sound and speech to seats, one sentence after another; counts frames, knows no clock.

    The first to speak is the therapist. A sentence ends with a silence, or once there is enough of it.
    """

    def __init__(self, geometry: ArrayGeometry, seats: tuple[Seat, ...] = ()) -> None:
        """`seats` are known already. Raises CalibrationError for one microphone."""
        if len(geometry.positions_mm) < 2:
            raise CalibrationError(
                f"the array {geometry.name} has one microphone, which tells no direction: seats need two and more"
            )
        self.seats = seats
        self._compass = Compass(geometry)
        self._recent = np.zeros((len(geometry.positions_mm), WINDOW - HOP + BLOCK), np.float32)
        self._spoken: list[Complex] = []
        self._frames = 0
        self._silent = 0

    @property
    def full(self) -> bool:
        """No room has more seats."""
        return len(self.seats) >= MOST

    def listen(self, samples: NDArray[np.int16], speech: NDArray[np.float32]) -> Step | None:
        """What one more block has brought.

        samples: (microphone, BLOCK); speech: (BLOCK_FRAMES,) P(anybody speaks), of the same stretch
        """
        self._recent[:, :-BLOCK] = self._recent[:, BLOCK:]
        self._recent[:, -BLOCK:] = samples * np.float32(1 / 32768)
        phases = self._compass.phases(self._recent)
        speaking = speech >= SPEAKING
        if speaking.any():
            self._spoken.append(phases[speaking])
        self._frames += int(speaking.sum())
        self._silent = 0 if speaking.any() else self._silent + BLOCK_FRAMES
        if self._frames >= SENTENCE_S * FRAMES_PER_S or self._silent >= BREAK_S * FRAMES_PER_S:
            return self.finish()
        return None

    def finish(self) -> Step | None:
        """What the sentence in hand brings, should no more sound come."""
        phases, frames, self._spoken, self._frames = self._spoken, self._frames, [], 0
        if frames < LEAST_S * FRAMES_PER_S:
            return None
        return self._judge(self._compass.bearing(np.concatenate(phases)))

    def _judge(self, bearing: Bearing | None) -> Step:
        if bearing is None:
            return Unclear("the voice hardly stands out from the room: speak up, come nearer, or stop what makes noise")
        if bearing.swapped:
            one, other = (number + 1 for number in bearing.swapped)
            return Unclear(f"microphones {one} and {other} seem to be swapped: check `channels` in the array's file")
        if bearing.second > SECOND:
            return Unclear("two people seem to have spoken at once: one after the other, please")
        if bearing.agreement < AGREEING:
            return Unclear("it is not clear where the voice comes from: less noise, or a seat nearer to the array")
        return self._place(bearing)

    def _place(self, bearing: Bearing) -> Step:
        """A seat of its own, one that is known, or too near to one."""
        for seat in self.seats:
            away = float(apart(np.array([seat.azimuth]), bearing.azimuth)[0])
            if away <= SAME_DEG:
                return Again(seat)
            if away < APART_DEG:
                return Unclear(
                    f"this seat is only {away:.0f} degrees from the {seat.name}'s: sit at least {APART_DEG:.0f} apart"
                )
        if self.full:
            return Unclear(f"a room has at most {MOST} seats: these are enough")
        seat = Seat(name_of(len(self.seats)), Role.CLIENT if self.seats else Role.THERAPIST, round(bearing.azimuth, 1))
        self.seats = (*self.seats, seat)
        return Placed(seat, bearing.agreement)


def name_of(number: int) -> str:
    """The name of a seat by the order of speaking: therapist, client, client-2 and so on."""
    return ("therapist", "client")[number] if number < 2 else f"client-{number}"
