"""Seating: people sit and say a sentence each, and the room learns where; the microphones are open meanwhile."""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from app.hearing.calibration import SPEAKING, Calibration, CalibrationError, Step, Unclear
from app.hearing.features import BLOCK, BLOCK_FRAMES
from app.hearing.hearing import Hearing
from app.hearing.seats import Seat
from firmware.board import Board
from firmware.errors import SoundError
from firmware.sound import Block


class Seating:
    """One round of calibration, from `begin` to `end`; `hearing` makes one without seats."""

    def __init__(self, board: Board, hearing: Callable[[], Hearing]) -> None:
        self.trouble: str | None = None
        """Why it cannot go on, in a sentence."""
        self.over = False
        """There is no more to hear."""
        self.heard = False
        """Somebody has spoken in the last block."""
        self._board, self._make_hearing = board, hearing
        self._hearing: Hearing | None = None
        self._calibration: Calibration | None = None
        self._blocks: Iterator[Block | None] | None = None
        self._recent = self._silence()

    @property
    def live(self) -> bool:
        """The microphones are open."""
        return self._blocks is not None

    @property
    def seats(self) -> tuple[Seat, ...]:
        """The seats found so far."""
        return self._calibration.seats if self._calibration else ()

    @property
    def array(self) -> str | None:
        """The identity of the array that hears them."""
        return self._board.microphones.identity

    def begin(self, known: tuple[Seat, ...] = ()) -> None:
        """Open the microphones; what is wrong is met in `next`. `known` seats are there already."""
        self.trouble, self.over, self._hearing, self._calibration = None, False, self._make_hearing(), None
        self._recent = self._silence()
        try:
            self._calibration = Calibration(self._board.geometry, known)
            self._board.microphones.open()
            self._blocks = iter(self._board.microphones)
        except (SoundError, CalibrationError) as error:
            self._fail(str(error))

    def next(self) -> Step | None:
        """What one more block has brought; None where there is nothing to say."""
        if self._blocks is None or self._hearing is None or self._calibration is None:
            return None
        try:
            block = next(self._blocks)
        except StopIteration:
            self.over = True
            return self._calibration.finish()
        except SoundError as error:
            self._fail(str(error))
            return None
        if block is None:
            self.heard = False
            return None
        return self._take(block, self._hearing, self._calibration)

    def _take(self, block: Block, hearing: Hearing, calibration: Calibration) -> Step | None:
        """Hear a block of sound; what hearing handles together may come in several."""
        heard = hearing.hear(block)
        self._recent = np.concatenate([self._recent, block.samples], axis=1)[:, -BLOCK:]
        if len(heard.live) < BLOCK_FRAMES:
            return None
        self.heard = False
        if heard.trouble:
            return Unclear(heard.trouble)
        speech = heard.live.speech[-BLOCK_FRAMES:]
        self.heard = bool(speech.max() >= SPEAKING)
        return calibration.listen(self._recent, speech)

    def end(self) -> None:
        """Close the microphones."""
        self._blocks = None
        self._board.microphones.close()

    def _silence(self) -> NDArray[np.int16]:
        """(microphone, BLOCK) of nothing yet."""
        return np.zeros((len(self._board.geometry.positions_mm), BLOCK), np.int16)

    def _fail(self, trouble: str) -> None:
        self.trouble = trouble
        self.end()
