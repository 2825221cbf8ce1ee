"""The direction watch, from bearings and from sound; and whether speech stands out from noise."""

import re
from collections.abc import Iterable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.hearing.bearings import Bearings
from app.hearing.features import BLOCK, Ears
from app.hearing.noise import TOO_LOUD, Noise
from app.hearing.rows import hears_around
from app.hearing.seats import apart, parse_seats
from app.hearing.watch import THIRD_VOICE, Watch
from firmware.geometry import load_array
from tests.hearing.sounds import CIRCLE, PAIR, plane_wave

SEATS = parse_seats("therapist=30,client=150")


def said(bearings: Iterable[float | None], watch: Watch | None = None) -> list[str | None]:
    """What the watch says after each bearing, a second apart."""
    watch = watch or Watch(SEATS)
    spoken = []
    for bearing in bearings:
        for _ in range(24):
            watch.attend(None)
        spoken.append(watch.attend(bearing))
    return spoken


def talk(count: int, turned: float = 0.0, off: float = 8.0, seed: int = 0) -> list[float]:
    """Bearings of two people who take turns, some degrees beside the seats turned by so many."""
    rng = np.random.default_rng(seed)
    places = np.where(np.arange(count) // 5 % 2, 30.0, 150.0)
    return [float(azimuth) for azimuth in (places + turned + rng.normal(0, off, count)) % 360]


def test_people_in_their_seats_are_no_trouble() -> None:
    assert set(said(talk(300))) == {None}


@given(turned=st.sampled_from([-20.0, -10.0, 10.0, 20.0]), seed=st.integers(0, 20))
def test_a_small_turn_is_forgiven(turned: float, seed: int) -> None:
    assert set(said(talk(100, turned, off=3.0, seed=seed))) == {None}


@pytest.mark.parametrize("turned", [45.0, -45.0, 90.0, -130.0])
def test_an_array_that_was_turned_is_noticed_and_told_by_how_much(turned: float) -> None:
    told = re.search(r"turned by about (\d+) degrees", said(talk(60, turned))[-1] or "")
    assert told
    assert int(told[1]) == pytest.approx(abs(turned), abs=15)


def test_an_array_that_is_turned_back_is_believed_again() -> None:
    watch = Watch(SEATS)
    assert said(talk(60, 90.0), watch)[-1] is not None
    assert said(talk(60), watch)[-1] is None


def test_a_voice_where_nobody_sits_is_trouble_until_it_is_gone() -> None:
    guest = [270.0, 265.0] * 4
    sentences = said([*talk(60), *guest, *talk(40)])
    assert sentences[59] is None
    assert sentences[67] == THIRD_VOICE
    assert sentences[67 + 10] == THIRD_VOICE
    assert sentences[67 + 14] is None
    assert sentences[-1] is None


def test_stray_bearings_are_no_voice() -> None:
    strays = [angle for pair in zip(talk(60), range(200, 320, 2), strict=True) for angle in pair]
    assert THIRD_VOICE not in said(strays[::3])


def test_a_wall_that_sends_back_one_bearing_in_five_is_no_voice() -> None:
    echoes = [270.0 if number % 5 == 4 else azimuth for number, azimuth in enumerate(talk(200))]
    assert set(said(echoes)) == {None}


@given(azimuth=st.floats(0, 359))
def test_a_bearing_points_where_speech_comes_from_though_the_room_hums_elsewhere(azimuth: float) -> None:
    ears = Ears(CIRCLE, (0.0,))
    assert ears.directions is not None
    bearings, found = Bearings(CIRCLE, ears.directions.hz), list[float]()
    hum = plane_wave(CIRCLE, (azimuth + 120) % 360, 2.4, seed=1)
    speech = np.where(np.arange(hum.shape[1]) > 24_000, plane_wave(CIRCLE, azimuth, 2.4, seed=2), np.float32(0.0))
    sound = np.float32(0.7) * hum + speech
    for at in range(0, sound.shape[1], BLOCK):
        ears.sense(sound[:, at : at + BLOCK].astype(np.float32))
        bearing = bearings.take(ears.directions.phases, speaking=at > 24_000)
        found += [] if bearing is None else [bearing]
    assert found
    assert apart(np.array(found), azimuth).max() <= 15


def test_a_row_of_microphones_is_not_watched() -> None:
    assert hears_around(CIRCLE)
    assert hears_around(load_array("xvf3800"))
    assert not any(hears_around(array) for array in (PAIR, load_array("mono"), load_array("linear4")))


@pytest.mark.parametrize(("speech_db", "expected"), [(6.0, None), (3.5, None), (1.5, TOO_LOUD), (0.5, TOO_LOUD)])
def test_speech_that_does_not_stand_out_is_trouble(speech_db: float, expected: str | None) -> None:
    noise, sentence = Noise(), None
    quiet = np.ones((4, 40), np.float32)
    for number in range(1500):
        speaking = number % 3 > 0
        sentence = noise.attend(quiet * np.float32(10 ** (speech_db / 10)) if speaking else quiet, speaking)
    assert sentence == expected


def test_noise_that_goes_lets_speech_be_measured_again() -> None:
    noise = Noise()
    quiet, loud = np.ones((4, 40), np.float32), np.full((4, 40), 1.2, np.float32)
    for number in range(1500):
        noise.attend(loud if number % 3 else quiet, number % 3 > 0)
    for number in range(3000):
        last = noise.attend(2 * loud if number % 3 else quiet, number % 3 > 0)
    assert last is None
