"""Hearing: blocks of sound in, who is speaking out, live for the light and settled for the numbers.

samples   |--- 40 ms ---|--- 40 ms ---|--- 40 ms ---|
live                    0123          4567          8901     the block's own frames, at its end
newest                  ---3          .!!7          .!!1     at each frame's own end: . told before, ! at a glance
settled                               0             1234     seven frames earlier, with hindsight
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from app.hearing.activity import Activity
from app.hearing.features import BLOCK, BLOCK_FRAMES, HALF, HOP, WINDOW, Ears, Features, Floats
from app.hearing.inputs import Inputs
from app.hearing.model import AHEAD, SETTLED_LAG, Belief, Model, at_rest
from app.hearing.noise import Noise
from app.hearing.rows import hears_around
from app.hearing.seats import Seat
from app.hearing.selfcheck import SelfCheck
from app.hearing.waiting import Waiting
from app.hearing.watch import Astray
from firmware.sound import ArrayGeometry, Block

SPEECH, SILENCE = 0.7, 0.15
"""P(anybody speaks) above which all frames of a block are certainly speech, or below which they are the room's."""
FALL = float(np.exp(0.5))
"""Factor of the odds of speech: told beforehand to fall by less, they are held, or weak syllables would be gaps."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What a block of sound has brought; either activity may have no frames."""

    live: Activity
    settled: Activity
    """At most 100 ms behind, and aligned to the sound of its frames."""
    newest: Floats  # (frame,) of live, P(anybody speaks) as it was known at the end of each
    """The last frame of a block is the first that sees it; those before it were told beforehand, or at a glance."""
    trouble: str | None = None
    """Why nothing can be measured just now, in a sentence."""

    @property
    def is_empty(self) -> bool:
        """Whether it has no frame at all, as half a block brings none."""
        return not (len(self.live) or len(self.settled))


class Hearing:
    """The stage from sound to speech activity. Frame 0 begins with the first sample it is given.

    Sound that was lost counts as time in which nothing could be measured. The block size of the sound changes nothing
    but what is the newest: where sound comes in halves of a block, the first is glanced at.
    """

    def __init__(self, geometry: ArrayGeometry, seats: Sequence[Seat], model: Model) -> None:
        microphones = len(geometry.positions_mm)
        self.seats = tuple(seats) if microphones > 1 else ()
        """The seats that can be told apart: none with one microphone."""
        self._model = model
        self._ears = Ears(geometry, tuple(seat.azimuth for seat in self.seats))
        self._inputs = Inputs()
        self._state = at_rest(max(1, len(self.seats)))
        self._check = SelfCheck(microphones)
        around = self._ears.directions if hears_around(geometry) else None
        self._noise = Noise()
        self._astray = Astray(geometry, self.seats, around) if around else None
        self._trouble: str | None = None
        self._samples = np.zeros((microphones, BLOCK), np.int16)
        self._lost = np.zeros(WINDOW - HOP + BLOCK, np.bool_)  # the same stretch as the features look at
        self._whole = True  # nothing of that stretch is lost
        self._filled = 0
        self._begun = False
        self._settled = 0
        self._waiting = Waiting(len(self.seats))
        self._ahead = UNKNOWN
        self._last = 0.0  # P(anybody speaks) in the last frame of the last block
        self._glanced = False

    def hear(self, block: Block) -> Heard:
        """What one more block of sound brings.

        block: samples of the array's microphones in the geometry's order, 16 kHz. Raises ValueError if it has not as
        many rows as the array has microphones.
        """
        if len(block.samples) != len(self._samples):
            raise ValueError(f"a block of {len(block.samples)} channels for an array of {len(self._samples)}")
        lost = block.lost if self._begun else 0  # what was lost before the first sample is before frame 0
        self._begun = True
        if lost == self._filled == 0 and block.samples.shape[1] == BLOCK and self._whole:
            return self._hear_block(block.samples)
        heard = self._lose(lost)
        heard += self._fill(block.samples, lost=False)
        if self._filled >= HALF:
            self._glance()
        return self._together(heard)

    def finish(self) -> Heard:
        """The frames still to come when no more sound does; what is left of a last frame is dropped."""
        left = self._filled // HOP
        heard = []
        if left:
            self._samples[:, self._filled :] = 0
            heard.append(self._hear_block(self._samples, left))
        self._filled = 0
        heard.append(Heard(nothing(self._next_live(), len(self.seats)), self._give_up_waiting(), UNKNOWN[:0]))
        return self._together(heard)

    def _fill(self, samples: NDArray[np.int16], lost: bool) -> list[Heard]:
        """Adds samples to the block in hand, and hears every block that gets full."""
        heard, at = [], 0
        while at < samples.shape[1]:
            taken = min(BLOCK - self._filled, samples.shape[1] - at)
            self._samples[:, self._filled : self._filled + taken] = samples[:, at : at + taken]
            start = WINDOW - HOP + self._filled
            self._lost[start : start + taken] = lost
            self._whole = self._whole and not lost
            at += taken
            self._filled += taken
            if self._filled == BLOCK:
                heard.append(self._hear_block(self._samples))
                self._filled = 0
        return heard

    def _lose(self, count: int) -> list[Heard]:
        """Lets lost samples pass: zeros in a block of which a part arrived, whole blocks without a step of the net."""
        rest = min(count, -self._filled % BLOCK)
        heard = self._fill(np.zeros((len(self._samples), rest), np.int16), lost=True)
        blocks, rest = divmod(count - rest, BLOCK)
        if blocks:
            settled = self._give_up_waiting()
            gap = nothing(self._settled, len(self.seats), blocks * BLOCK_FRAMES)
            self._settled += len(gap)
            heard.append(Heard(gap, joined([settled, gap]), self._newest(gap.speech)))
            self._ahead = UNKNOWN
            self._lost[:], self._whole = True, False
        return heard + self._fill(np.zeros((len(self._samples), rest), np.int16), lost=True)

    def _hear_block(self, samples: NDArray[np.int16], frames: int = BLOCK_FRAMES) -> Heard:
        """One step of the net on a block, of which so many frames count."""
        features = self._ears.sense(samples)
        belief, self._state = self._model.step(self._inputs.prepare(features), self._state)
        speech = agreed(belief.live_any)
        self._inputs.attend(speech)
        if self._whole and frames == BLOCK_FRAMES:
            self._trouble = self._judge(samples, features, speech)
        live = Activity(self._next_live(), speech, self._by_seat(belief.live_seat), self._measurable(frames))
        if frames < BLOCK_FRAMES:
            live = part(live, 0, frames)
        settled = self._settle(belief)
        self._waiting.add(live)
        newest = self._newest(live.speech)
        self._last = float(speech[-1])
        self._ahead = steadied(agreed(belief.ahead), self._last)
        self._glanced = False
        return Heard(live, settled, newest, self._trouble)

    def _glance(self) -> None:
        """Tells better what is to be told beforehand, by the first half of the block in hand."""
        if self._glanced or self._ahead is UNKNOWN:
            return
        begun = self._inputs.glance(self._ears.glance(self._samples[0, :HALF]))
        self._ahead[1:] = steadied(agreed(self._model.glance(self._state, begun)), self._last)
        self._glanced = True

    def _newest(self, speech: Floats) -> Floats:
        """(frame,) P(anybody speaks) as it was known at the end of each frame of a block, or of whole blocks."""
        newest = speech.copy()
        newest[:AHEAD] = self._ahead[: len(speech)]
        return newest

    def _judge(self, samples: NDArray[np.int16], features: Features, speech: Floats) -> str | None:
        """What keeps a whole block from being measured, in a sentence: the microphones, the room, or people."""
        speaking = certainly(speech)
        astray = None if self._astray is None else self._astray.attend(speaking)
        noise = self._noise.attend(features.mel, speaking)
        return self._check.inspect(samples) or noise or astray

    def _measurable(self, frames: int) -> NDArray[np.bool_]:
        """Which frames of the block in hand are whole and heard without trouble; lets that block pass."""
        given = ALL if self._trouble is None else NONE
        if not self._whole:
            windows = np.lib.stride_tricks.sliding_window_view(self._lost, WINDOW)[::HOP]
            given = given & ~windows.any(1)
            self._lost[: WINDOW - HOP] = self._lost[BLOCK:]
            self._lost[WINDOW - HOP :] = False
            self._whole = not self._lost.any()
        return given[:frames]

    def _settle(self, belief: Belief) -> Activity:
        """The waiting frames that this step has looked back on; frames before a gap in the sound it cannot judge."""
        ready = max(0, len(self._waiting) - (SETTLED_LAG - BLOCK_FRAMES))
        first = BLOCK_FRAMES - ready
        settled = Activity(
            self._settled,
            agreed(belief.settled_any)[first:],
            self._by_seat(belief.settled_seat)[first:],
            self._waiting.take(ready).measurable,
        )
        self._settled += ready
        return settled

    def _give_up_waiting(self) -> Activity:
        """The waiting frames with their live values: the sound that would have settled them never came."""
        left = self._waiting.take(len(self._waiting))
        settled = replace(left, first=self._settled)
        self._settled += len(settled)
        return settled

    def _next_live(self) -> int:
        return self._settled + len(self._waiting)

    def _by_seat(self, believed: Floats) -> Floats:
        """(frame, seat) of the net's rows; without seats its one row says nothing of any."""
        return believed.T if self.seats else np.zeros((BLOCK_FRAMES, 0), np.float32)

    def _together(self, heard: list[Heard]) -> Heard:
        """Several results as one."""
        if len(heard) == 1:
            return heard[0]
        if not heard:
            none = nothing(self._next_live(), len(self.seats))
            return Heard(none, nothing(self._settled, len(self.seats)), none.speech, self._trouble)
        live, settled = joined([h.live for h in heard]), joined([h.settled for h in heard])
        return Heard(live, settled, np.concatenate([h.newest for h in heard]), self._trouble)


def certainly(speech: Floats) -> bool | None:
    """Whether somebody speaks all through a block, or nobody does; None where that is not sure. speech is (frame,)."""
    beliefs = speech.tolist()
    return True if min(beliefs) > SPEECH else False if max(beliefs) < SILENCE else None


def agreed(rows: Floats) -> Floats:
    """(frame,) what the net's rows (row, frame) think on average."""
    mean: Floats = rows[0] if len(rows) == 1 else np.add.reduce(rows) * np.float32(1 / len(rows))
    return mean


def steadied(ahead: Floats, last: float) -> Floats:
    """What is told of the frames after a block, but for slight falls below its last frame, which mostly are none."""
    slight = last / (last + FALL * (1.0 - last))
    return np.array([last if slight < each < last else each for each in ahead.tolist()], np.float32)


def constant(value: bool) -> NDArray[np.bool_]:
    """A block's flags, all alike, for everybody to read."""
    flags = np.full(BLOCK_FRAMES, value)
    flags.setflags(write=False)
    return flags


ALL, NONE = constant(True), constant(False)
UNKNOWN = np.zeros(AHEAD, np.float32)
"""What is told beforehand where nothing was heard."""
UNKNOWN.setflags(write=False)


def nothing(first: int, seats: int, frames: int = 0) -> Activity:
    """Frames of which nothing is known."""
    return Activity(
        first, np.zeros(frames, np.float32), np.zeros((frames, seats), np.float32), np.zeros(frames, np.bool_)
    )


def part(activity: Activity, begin: int, end: int) -> Activity:
    """Some frames of an activity, counted from its first."""
    return Activity(
        activity.first + begin,
        activity.speech[begin:end],
        activity.seats[begin:end],
        activity.measurable[begin:end],
    )


def joined(parts: Sequence[Activity]) -> Activity:
    """Consecutive activities as one; empty ones may lie anywhere."""
    full = [p for p in parts if len(p)] or parts[:1]
    if len(full) == 1:
        return full[0]
    return Activity(
        full[0].first,
        np.concatenate([p.speech for p in full]),
        np.concatenate([p.seats for p in full]),
        np.concatenate([p.measurable for p in full]),
    )
