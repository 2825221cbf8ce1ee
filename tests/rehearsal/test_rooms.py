import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import coherence as measured_coherence

from app.rehearsal.diffuse import coherence, coherent
from app.rehearsal.images import LEAD
from app.rehearsal.reverberation import decay_time, impulse_responses, play, quick_impulse_responses
from app.rehearsal.rooms import PlacedArray, Room, Source
from firmware.sound import SPEED_OF_SOUND, ArrayGeometry

RATE = 16000
CIRCLE = tuple((32.5 * np.cos(np.deg2rad(a)), 32.5 * np.sin(np.deg2rad(a)), 0.0) for a in (45, 135, 225, 315))
GEOMETRY = ArrayGeometry("circle", RATE, (0, 1, 2, 3), CIRCLE)
ARRAY = PlacedArray(GEOMETRY, (2.0, 1.5, 0.8))


def sources() -> tuple[Source, ...]:
    return (Source(ARRAY.toward(30, 1.6, 1.2), 210, 0.25), Source((3.6, 3.0, 1.4)))


@pytest.mark.parametrize("rt60", [0.2, 0.4, 0.6, 0.8])
@pytest.mark.parametrize("make", [impulse_responses, quick_impulse_responses])
@pytest.mark.parametrize("softness", [(1.0,) * 6, (1.0, 1.0, 1.0, 1.0, 2.0, 2.0)])
def test_reverberation_lasts_as_long_as_was_asked(make: object, rt60: float, softness: tuple[float, ...]) -> None:
    assert callable(make)
    room = Room((4.2, 3.4, 2.6), rt60, softness)  # type: ignore[arg-type]  # six of them
    responses = make(room, ARRAY, sources(), RATE, np.random.default_rng(1))
    for response in responses.reshape(-1, responses.shape[-1]).astype(np.float64):
        assert decay_time(response**2, 1 / RATE) == pytest.approx(rt60, rel=0.15)


def test_direct_sound_comes_from_the_azimuth_it_was_placed_at() -> None:
    turned = PlacedArray(GEOMETRY, (2.0, 1.5, 0.8), turn_deg=70)
    place = turned.toward(-100, 1.2, 0.8)
    assert turned.azimuth_of(place) == pytest.approx(260)
    response = impulse_responses(Room((4.2, 3.4, 2.6), 0.2), turned, (Source(place),), RATE, np.random.default_rng(1))[
        0
    ]
    spectra = np.fft.rfft(response[:, : LEAD + 24], 512)
    hz = np.fft.rfftfreq(512, 1 / RATE)
    band = (hz > 500) & (hz < 2500)

    def fits(azimuth: float) -> float:
        angle = np.deg2rad(azimuth)
        ahead = np.asarray(CIRCLE) @ [np.cos(angle), np.sin(angle), 0] / 1000 / SPEED_OF_SOUND
        aligned = spectra * np.exp(-2j * np.pi * hz * ahead[:, None])
        return float(np.sum(np.abs(aligned[:, band].sum(axis=0)) ** 2))

    assert max(range(0, 360, 2), key=fits) == pytest.approx(260, abs=4)


def test_direct_sound_stays_where_the_dry_sound_is_and_falls_with_distance() -> None:
    room = Room((6.0, 5.0, 3.0), 0.3)
    near, far = (Source(ARRAY.toward(90, metres, 0.8)) for metres in (0.5, 2.0))
    responses = impulse_responses(room, ARRAY, (near, far), RATE, np.random.default_rng(1))
    click = np.zeros(100, dtype=np.float32)
    click[50] = 1
    peaks = [np.abs(play(click, response)[0, :60]) for response in responses]
    assert [int(np.argmax(p)) for p in peaks] == pytest.approx([50, 50], abs=2)
    assert peaks[0].max() / peaks[1].max() == pytest.approx(4, rel=0.25)


def test_a_talker_who_turns_away_is_softer_in_the_direct_sound() -> None:
    place = ARRAY.toward(0, 1.5, 0.8)
    facing, away = Source(place, 180, 0.25), Source(place, 0, 0.25)
    responses = impulse_responses(Room((6.0, 5.0, 3.0), 0.4), ARRAY, (facing, away), RATE, np.random.default_rng(1))
    direct = np.abs(responses[:, :, : LEAD + 8]).max(axis=(1, 2))
    assert direct[0] / direct[1] == pytest.approx(2, rel=0.1)


def test_microphone_errors_are_heard() -> None:
    late = PlacedArray(GEOMETRY, ARRAY.centre_m, gains_db=(6.0, 0, 0, 0), delays_us=(0, 62.5, 0, 0))
    room = Room((4.2, 3.4, 2.6), 0.2)
    right, wrong = (impulse_responses(room, a, sources(), RATE, np.random.default_rng(1))[0] for a in (ARRAY, late))
    assert np.linalg.norm(wrong[0]) / np.linalg.norm(right[0]) == pytest.approx(10 ** (6 / 20), rel=0.01)
    np.testing.assert_allclose(wrong[1, 1:], right[1, :-1], atol=0.02 * np.abs(right[1]).max())
    np.testing.assert_array_equal(wrong[2], right[2])


def test_the_same_generator_gives_the_same_room() -> None:
    room = Room((4.2, 3.4, 2.6), 0.3)
    for make in (impulse_responses, quick_impulse_responses):
        first, again = (make(room, ARRAY, sources(), RATE, np.random.default_rng(5)) for _ in range(2))
        np.testing.assert_array_equal(first, again)


def test_nothing_stands_outside_the_room() -> None:
    with pytest.raises(ValueError, match=r"source at .* is outside the room .* move it inside"):
        impulse_responses(Room((2.5, 2.5, 2.5), 0.3), ARRAY, (Source((3.0, 1.0, 1.0)),), RATE, np.random.default_rng(1))


def test_diffuse_noise_is_as_coherent_between_microphones_as_a_diffuse_field() -> None:
    places = ARRAY.microphones_m()
    noise = coherent(np.random.default_rng(3).standard_normal((4, 60 * RATE)), places, RATE)
    np.testing.assert_allclose(noise.std(axis=1), 1, atol=0.02)
    for one, other in ((0, 1), (0, 2)):
        hz, seen = measured_coherence(noise[one], noise[other], RATE, nperseg=512)
        due = coherence(places, hz)[:, one, other] ** 2
        np.testing.assert_allclose(seen[1:], due[1:], atol=0.08)


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 9000), st.integers(1, 5))
def test_diffuse_noise_keeps_its_length_and_single_microphone_its_sound(samples: int, seed: int) -> None:
    sound = np.random.default_rng(seed).standard_normal((1, samples))
    np.testing.assert_allclose(coherent(sound, np.zeros((1, 3)), RATE), sound, atol=1e-9)
