import numpy as np
import pytest
from numpy.typing import NDArray

from app.hearing.hearing import Hearing
from app.hearing.model import Model
from app.hearing.seats import parse_seats
from app.hearing.selfcheck import SelfCheck
from firmware.sound import Block
from tests.hearing.sounds import CIRCLE, as_samples, babble, plane_wave


def trouble(samples: NDArray[np.int16]) -> list[str | None]:
    """What the check says after each block."""
    check = SelfCheck(len(samples))
    return [check.inspect(samples[:, at : at + 640]) for at in range(0, samples.shape[1] - 639, 640)]


def test_living_microphones_are_no_trouble() -> None:
    assert set(trouble(babble(4, 5.0, 1))) == {None}


def test_a_dead_microphone_is_named() -> None:
    sound = babble(4, 3.0, 1)
    sound[2] = 0
    assert trouble(sound)[-1] == "microphone 3 is silent: have the array looked at"


def test_a_microphone_far_below_the_others_is_dead() -> None:
    sound = as_samples(plane_wave(CIRCLE, 0, 3.0))
    sound[1] = sound[1] // 60
    assert "microphone 2" in (trouble(sound)[-1] or "")


def test_a_microphone_that_is_stuck_at_a_value_is_named() -> None:
    sound = babble(4, 3.0, 1)
    sound[2] = -1200
    assert trouble(sound)[-1] == "microphone 3 is stuck at one value: unplug the array and plug it in again"


def test_a_microphone_that_comes_twice_is_named() -> None:
    sound = babble(4, 3.0, 1)
    sound[3] = sound[1]
    said = "microphones 2 and 4 deliver the very same sound: check `channels` in the array's file"
    assert trouble(sound)[-1] == said


def test_an_overdriven_microphone_is_named_while_it_lasts() -> None:
    sound = as_samples(plane_wave(CIRCLE, 0, 9.0))
    sound[0, 48_000:96_000] = np.where(sound[0, 48_000:96_000] > 0, 32_767, -32_768)
    said = trouble(sound)
    assert said[74] is None
    assert said[-1] is None
    assert said[125] == "microphone 1 is overdriven: lower its gain"


def test_a_pause_of_digital_silence_is_no_trouble_but_a_long_one_is() -> None:
    sound = np.zeros((1, 60 * 16_000), np.int16)
    sound[:, : 10 * 16_000] = babble(1, 10.0, 2)
    said = trouble(sound)
    assert said[35 * 25] is None
    assert "nothing but zeros" in (said[-1] or "")


def test_zeros_from_the_first_sample_on_are_trouble_soon() -> None:
    said = trouble(np.zeros((4, 6 * 16_000), np.int16))
    assert said[4 * 25] is None
    assert "nothing but zeros" in (said[5 * 25] or "")


def test_nothing_is_measurable_while_there_is_trouble() -> None:
    sound = babble(4, 3.0, 3)
    sound[3] = 0
    heard = Hearing(CIRCLE, parse_seats("a=30,b=150"), Model()).hear(Block(sound, 0))
    assert heard.trouble == "microphone 4 is silent: have the array looked at"
    assert heard.live.measurable[:90].all()
    assert not heard.live.measurable[110:].any()
    assert not heard.settled.measurable[110:].any()


@pytest.mark.parametrize("level", [3e-5, 1e-4])
def test_a_very_quiet_room_is_not_dead(level: float) -> None:
    rng = np.random.default_rng(5)
    assert set(trouble(as_samples(rng.normal(0, level, (4, 64_000)).astype(np.float32)))) == {None}
