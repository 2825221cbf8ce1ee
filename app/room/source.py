"""What a session hears: a board's microphones through hearing, or a score in their place."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np

from app.conversation.score import Score
from app.conversation.vocabulary import FRAMES_PER_S
from app.hearing.hearing import Heard, Hearing
from app.room.greeting import Greeting
from firmware.board import Board
from firmware.errors import SoundError
from firmware.sound import SAMPLE_RATE, Block

RETRY_S = 1.0
"""Seconds between two tries to open microphones that have failed in a session."""


class Source(Protocol):
    """What is heard, from `begin` to `end`."""

    over: bool
    """There is no more to hear: a recording or a score has ended."""
    trouble: str | None
    """Why nothing is heard, or nothing can be measured, just now, in a sentence."""

    @property
    def live(self) -> bool:
        """The microphones deliver, as far as is known."""
        ...

    @property
    def is_open(self) -> bool:
        """The microphones are open, whether they deliver or not: what the microphone light says."""
        ...

    def begin(self) -> None:
        """Start listening."""

    def next(self) -> Heard | None:
        """What one more block has brought; None where there is none now, or it brings nothing."""
        ...

    def end(self) -> Iterator[Heard]:
        """Stop listening; what is still to come of the sound there was."""
        ...


class Sound:
    """The microphones. A fault is time that counts as lost, not an end: they are opened again as soon as can be."""

    def __init__(
        self,
        board: Board,
        hearing: Callable[[], Hearing],
        clock: Callable[[], float],
        doubt: Callable[[str | None], str | None] = lambda _: None,
        greeting: Callable[[], Greeting | None] = lambda: None,
    ) -> None:
        """`doubt` says why an array of this identity cannot be believed, in a sentence, or None; `greeting` makes what
        a session begins with, if with anything.
        """
        self.over = False
        self.trouble: str | None = None
        self.live = False
        """The microphones deliver, as far as is known."""
        self._board, self._make_hearing, self._clock, self._doubt = board, hearing, clock, doubt
        self._hearing = hearing()
        self._make_greeting, self._greeting = greeting, greeting()
        self._blocks: Iterator[Block | None] | None = None
        self._missed = False
        """Sound is missing since `_heard_until`."""
        self._heard_until = self._retry_at = clock()

    @property
    def is_open(self) -> bool:
        """Open, or being opened for the first time; after a fault, from when the board says that they are.

        A light that is a moment early does no harm. After a fault it would be on at each vain try, so there the board
        is asked; before the first block has come, which may be seconds.
        """
        return self.live or (self._blocks is not None and self._board.microphones.is_open)

    def begin(self) -> None:
        """Open the microphones; a fault is met in `next`."""
        self.over, self.trouble, self._missed = False, None, False
        self._hearing, self._greeting = self._make_hearing(), self._make_greeting()
        self._heard_until = self._retry_at = self._clock()

    def next(self) -> Heard | None:
        """What one more block has brought; None where there is none now, or it brings nothing."""
        try:
            block = self._block()
        except SoundError as error:
            self._fail(str(error))
            return None
        if block is None:
            return None
        block = replace(block, lost=self._lost(block))
        self._heard_until, self._missed, self.live = self._clock(), False, True
        heard = self._hearing.hear(block)
        if heard.is_empty:
            return None
        doubt = self._doubt(self._board.microphones.identity)
        if self._greeting:
            doubt = doubt or self._greeting.follow(heard.settled)
        if doubt:
            heard = disbelieved(heard, doubt)
        self.trouble = heard.trouble
        return heard

    def end(self) -> Iterator[Heard]:
        """Close the microphones; what a fault has cost until now counts as lost."""
        self._close()
        if self._missed:
            yield self._hearing.hear(self._nothing(round((self._clock() - self._heard_until) * SAMPLE_RATE)))
        yield self._hearing.finish()

    def _block(self) -> Block | None:
        """The next block, None where there is none now. Raises SoundError."""
        if not self._board.privacy.is_open():
            self._fail("the privacy switch is shut: open it to go on", retry_s=0.0)
            return None
        if self._blocks is None:
            if self._clock() < self._retry_at:
                return None
            self._board.microphones.open()
            self._blocks = iter(self._board.microphones)
            self.live = not self._missed
        try:
            return next(self._blocks)
        except StopIteration:
            self.over = True
            return None

    def _lost(self, block: Block) -> int:
        """Samples missing before this block, which has just been taken.

        After a fault they are the time since: what the block says is missing before it is part of that.
        """
        if not self._missed:
            return block.lost
        self._hearing.hear(self._nothing(0))  # a fault before the first sample counts too
        passed = round((self._clock() - self._heard_until) * SAMPLE_RATE)
        return max(block.lost, passed - block.samples.shape[1])

    def _nothing(self, lost: int) -> Block:
        return Block(np.zeros((len(self._board.geometry.positions_mm), 0), np.int16), 0, lost)

    def _fail(self, trouble: str, retry_s: float = RETRY_S) -> None:
        self._close()
        self.trouble, self._missed = trouble, True
        self._retry_at = self._clock() + retry_s

    def _close(self) -> None:
        self._blocks, self.live = None, False
        self._board.microphones.close()


def disbelieved(heard: Heard, trouble: str) -> Heard:
    """What was heard, as time in which nothing could be measured."""
    live, settled = (replace(each, measurable=np.zeros_like(each.measurable)) for each in (heard.live, heard.settled))
    return Heard(live, settled, heard.newest, trouble)


@dataclass(slots=True)
class Staves:
    """A score, as fast as `pace` says: 1 is real time, None as soon as asked for."""

    score: Score
    pace: float | None
    clock: Callable[[], float]
    sleep: Callable[[float], None]
    over: bool = False
    trouble: str | None = None
    _heard: Iterator[Heard] = field(default_factory=lambda: iter(()))
    _begun: float = 0.0

    @property
    def live(self) -> bool:
        """A score never fails."""
        return True

    @property
    def is_open(self) -> bool:
        """It stands for microphones that are."""
        return True

    def begin(self) -> None:
        """Start at the first frame."""
        self.over, self._heard, self._begun = False, heard_from_score(self.score), self.clock()

    def next(self) -> Heard | None:
        """The next block's frames, when they are due."""
        heard = next(self._heard, None)
        if heard is None:
            self.over = True
            return None
        if self.pace is not None:
            due = self._begun + (heard.live.first + len(heard.live)) / FRAMES_PER_S / self.pace
            self.sleep(max(0.0, due - self.clock()))
        self.trouble = heard.trouble
        return heard

    def end(self) -> Iterator[Heard]:
        """Stop; nothing is still to come."""
        self._heard = iter(())
        return iter(())


def heard_from_score(score: Score) -> Iterator[Heard]:
    """A score in place of hearing: live and settled are the same truth."""
    for activity in score.activity():
        measurable = bool(activity.measurable.all())
        trouble = None if measurable else "the score says that nothing can be measured here"
        yield Heard(activity, activity, activity.speech, trouble)
