"""The lag of a session: what its last minute costs against new hearing, whatever else the machine does."""

from time import process_time

import numpy as np
import pytest

from app.conversation.conversation import Conversation
from app.conversation.units import HEARD
from app.hearing.activity import Activity
from app.hearing.features import BLOCK, HOP
from app.hearing.hearing import Heard, Hearing
from app.hearing.model import Model
from app.hearing.seats import parse_seats
from app.validation.lag import MINUTE, Lag
from app.validation.stages import Cost, Listening, follow
from firmware.geometry import load_array
from firmware.sound import Block

SEATS = parse_seats("therapist=30,client=150")
ARRAY = load_array("xvf3800")
MODEL = Model()
BLOCK_S = 1e-4


class Ageing(Hearing):
    """Hears nothing, and takes twice as long for it after two minutes as in the beginning."""

    taken = 0

    def hear(self, block: Block) -> Heard:
        self.taken += 1
        until = process_time() + BLOCK_S * (1 + self.taken / (2 * MINUTE))
        while process_time() < until:
            pass
        nobody = np.zeros((4, len(self.seats)), np.float32)
        nothing = Activity(block.start // HOP, nobody[:, 0], nobody, np.ones(4, np.bool_))
        return Heard(nothing, nothing, nothing.speech)


def lag_of(hearing: type[Hearing], minutes: float) -> tuple[float, float] | None:
    blocks = int(minutes * MINUTE)
    sound = np.random.default_rng(5).normal(0, 300, (4, blocks * BLOCK)).astype(np.int16)
    own, new = (hearing(ARRAY, SEATS, MODEL) for _ in range(2))
    lag = Lag(new, Conversation(SEATS, HEARD), blocks * 4)
    follow(Listening(own, Cost(), lambda _: None, lag).listen([sound]), SEATS, None, HEARD)
    return lag.old_and_new_s


def test_hearing_that_does_not_age_has_no_lag() -> None:
    both = lag_of(Hearing, 2.0)
    assert both
    assert both[0] / both[1] == pytest.approx(1.0, abs=0.25)


def test_hearing_that_gets_slower_is_found() -> None:
    both = lag_of(Ageing, 2.0)
    assert both
    assert both[0] / both[1] > 1.2


def test_less_than_two_minutes_have_no_lag() -> None:
    assert lag_of(Ageing, 1.9) is None
