import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from app.hearing.calibration import Again, Calibration, CalibrationError, Placed, Step, Unclear
from app.hearing.features import BLOCK, BLOCK_FRAMES, RATE
from app.hearing.model import Model
from app.validation.plan import EASY
from firmware.geometry import load_array
from firmware.sound import ArrayGeometry
from tests.hearing.calibrating import calibrate, off, sit
from tests.hearing.sounds import CIRCLE, ONE, PAIR, as_samples, plane_wave

SYLLABLES = np.repeat(np.arange(60) % 2, RATE // 10)  # a tenth of a second on, a tenth off


def sentence(geometry: ArrayGeometry, azimuth: float, seed: int = 0, noise: float = 0.01) -> NDArray[np.int16]:
    """Two seconds of sound in syllables from one direction."""
    heard = plane_wave(geometry, azimuth, 2.0, seed, noise=0.0) * SYLLABLES[: 2 * RATE]
    own = 0.05 * noise * np.random.default_rng(seed).standard_normal(heard.shape)
    return as_samples(np.asarray(heard + own, np.float32))


def say(calibration: Calibration, sound: NDArray[np.int16], speech: float = 1.0) -> Step | None:
    """What a sentence brings, with a little room before it and a silence after."""
    quiet = as_samples(np.asarray(5e-4 * np.random.default_rng(9).standard_normal((len(sound), RATE)), np.float32))
    steps = []
    for stretch, spoken in ((quiet, 0.0), (sound, speech), (quiet, 0.0)):
        for start in range(0, stretch.shape[1] - BLOCK + 1, BLOCK):
            frames = np.full(BLOCK_FRAMES, spoken, np.float32)
            steps.append(calibration.listen(stretch[:, start : start + BLOCK], frames))
    found = [step for step in steps if step]
    assert len(found) < 2
    return found[0] if found else None


def placed(step: Step | None) -> float:
    assert isinstance(step, Placed), step
    return step.seat.azimuth


def reason(step: Step | None) -> str:
    assert isinstance(step, Unclear), step
    return step.reason


@settings(max_examples=15)
@given(st.floats(0, 360, exclude_max=True))
def test_a_voice_is_found_where_it_comes_from(azimuth: float) -> None:
    found = placed(say(Calibration(CIRCLE), sentence(CIRCLE, azimuth)))
    assert abs((found - azimuth + 180) % 360 - 180) < 2.0
    assert 0 <= found < 360


@pytest.mark.parametrize("azimuth", [20.0, 90.0, 120.0])
def test_a_row_of_microphones_takes_all_for_in_front_of_it(azimuth: float) -> None:
    assert placed(say(Calibration(PAIR), sentence(PAIR, azimuth))) == pytest.approx(azimuth, abs=4.0)
    assert placed(say(Calibration(PAIR), sentence(PAIR, -azimuth))) == pytest.approx(azimuth, abs=4.0)


def test_the_first_is_the_therapist_and_the_others_clients_up_to_six() -> None:
    calibration = Calibration(CIRCLE)
    for number in range(6):
        say(calibration, sentence(CIRCLE, 60.0 * number + 5))
    assert [seat.name for seat in calibration.seats] == [
        "therapist",
        "client",
        *(f"client-{number}" for number in range(2, 6)),
    ]
    assert calibration.full
    assert [round(seat.azimuth / 60) for seat in calibration.seats] == [0, 1, 2, 3, 4, 5]


def test_who_speaks_again_gets_no_second_seat() -> None:
    calibration = Calibration(CIRCLE)
    say(calibration, sentence(CIRCLE, 350))
    assert say(calibration, sentence(CIRCLE, 4)) == Again(calibration.seats[0])
    assert len(calibration.seats) == 1


def test_seats_too_near_each_other_are_refused_with_the_angle() -> None:
    calibration = Calibration(CIRCLE)
    say(calibration, sentence(CIRCLE, 350))
    said = reason(say(calibration, sentence(CIRCLE, 17)))
    assert said == "this seat is only 27 degrees from the therapist's: sit at least 35 apart"


def test_two_people_at_once_place_nobody() -> None:
    both = sentence(CIRCLE, 30, seed=1) // 2 + np.roll(sentence(CIRCLE, 150, seed=2) // 2, RATE // 10, axis=1)
    assert reason(say(Calibration(CIRCLE), both)).startswith("two people seem to have spoken at once")


def test_a_voice_in_the_rooms_own_noise_places_nobody() -> None:
    noise = as_samples(np.asarray(0.02 * np.random.default_rng(3).standard_normal((4, 2 * RATE)), np.float32))
    calibration = Calibration(CIRCLE)
    assert isinstance(say(calibration, noise), Unclear)
    assert calibration.seats == ()


def test_what_is_no_speech_is_not_even_judged() -> None:
    assert say(Calibration(CIRCLE), sentence(CIRCLE, 30), speech=0.2) is None
    assert say(Calibration(CIRCLE), sentence(CIRCLE, 30)[:, : RATE // 2]) is None, "a word is no sentence"


def test_swapped_microphones_are_named() -> None:
    sound = sentence(CIRCLE, 40)[[1, 0, 2, 3]]
    assert reason(say(Calibration(CIRCLE), sound)).startswith(("microphones 1 and 2 seem", "microphones 3 and 4 seem"))


def test_one_microphone_has_no_seats() -> None:
    with pytest.raises(CalibrationError, match="one microphone, which tells no direction"):
        Calibration(ONE)


def test_two_people_in_a_simulated_room_are_placed() -> None:
    geometry = load_array("xvf3800")
    sitting = sit(geometry, EASY, number=1)
    seats = [step.seat for step in calibrate(geometry, sitting.sound, Model()) if isinstance(step, Placed)]
    assert [seat.name for seat in seats] == ["therapist", "client"]
    assert max(off(seat, at) for seat, at in zip(seats, sitting.azimuths, strict=True)) < 12
