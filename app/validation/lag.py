"""Whether a block takes longer late in a session: in its last minute new hearing and rules take each block as well."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import process_time

import numpy as np

from app.conversation.conversation import Conversation
from app.hearing.features import BLOCK, BLOCK_FRAMES
from app.hearing.hearing import Hearing
from firmware.sound import Block

MINUTE = 60 * 100 // BLOCK_FRAMES
"""Blocks."""
SETTLING = MINUTE // 30
"""The first 2 s of new hearing are no measure: it has nothing settled yet."""
QUICK = 0.25
"""What else the machine does is no lag of ours, and the quicker blocks know least of it."""


class Lag:
    """The same blocks by the session's own hearing and rules and by new ones, in turn, so that load falls on both."""

    def __init__(self, hearing: Hearing, conversation: Conversation, frames: int) -> None:
        """New hearing and rules, and the length of the session that others hear."""
        self._hearing, self._conversation = hearing, conversation
        blocks = frames // BLOCK_FRAMES
        self._first = (blocks - MINUTE) * BLOCK if blocks >= 2 * MINUTE else None
        self._old_s: list[float] = []
        self._new_s: list[float] = []

    @contextmanager
    def beside(self, block: Block) -> Iterator[bool]:
        """Time what is done inside with a block of the last minute; new hearing and rules take it before or after.

        Gives whether it is timed.
        """
        if self._first is None or block.start < self._first:
            yield False
            return
        is_before = len(self._old_s) % 2 == 1
        if is_before:
            self._take(block, self._first)
        begun = process_time()
        yield True
        self._old_s.append(process_time() - begun)
        if not is_before:
            self._take(block, self._first)

    def _take(self, block: Block, first: int) -> None:
        begun = process_time()
        self._conversation.follow(self._hearing.hear(Block(block.samples, block.start - first)).settled)
        self._new_s.append(process_time() - begun)

    @property
    def old_and_new_s(self) -> tuple[float, float] | None:
        """Time of one core for a block, by the session's own and by new; None for less than two minutes."""
        old, new = self._old_s[SETTLING:], self._new_s[SETTLING:]
        return (float(np.quantile(old, QUICK)), float(np.quantile(new, QUICK))) if old else None
