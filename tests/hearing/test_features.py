import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from app.hearing.features import BANDS, BLOCK, BLOCK_FRAMES, HALF, HALF_FRAMES, HOP, MELS, RATE, Ears, Features
from app.hearing.inputs import DIRECTED, SHARED, Inputs, rivals
from firmware.sound import ArrayGeometry
from tests.hearing.sounds import CIRCLE, ONE, PAIR, plane_wave


def last_directions(geometry: ArrayGeometry, seats: tuple[float, ...], source: float) -> NDArray[np.float32]:
    """(seat,) mean null ratio once a wave from `source` has settled."""
    sound = plane_wave(geometry, source, 0.4)
    ears = Ears(geometry, seats)
    for at in range(0, sound.shape[1], BLOCK):
        features = ears.sense(sound[:, at : at + BLOCK])
    return np.asarray(features.directions[:, -1, BANDS:].mean(1))


@given(source=st.floats(0, 359), others=st.floats(40, 320))
def test_a_wave_is_strongest_at_the_seat_it_comes_from(source: float, others: float) -> None:
    here, elsewhere = last_directions(CIRCLE, (source, (source + others) % 360), source)
    assert here > elsewhere + 1


def test_two_microphones_tell_left_from_right() -> None:
    here, elsewhere = last_directions(PAIR, (30.0, 150.0), 30.0)
    assert here > elsewhere + 1


def test_a_tone_lies_in_its_mel_band_alone() -> None:
    tone = 0.1 * np.sin(2 * np.pi * 1000 * np.arange(BLOCK) / RATE).astype(np.float32)
    power = Ears(ONE, ()).sense(tone[None]).mel[-1]
    assert power.argmax() == 13
    assert power[[0, 5, 20, 39]].max() < 1e-3 * power.max()


def test_a_frame_looks_at_the_past_alone() -> None:
    sound = plane_wave(ONE, 0, 0.04)
    changed = sound.copy()
    changed[:, 2 * HOP :] = 0
    assert np.array_equal(Ears(ONE, ()).sense(sound).mel[:2], Ears(ONE, ()).sense(changed).mel[:2])


def test_one_microphone_has_no_directions() -> None:
    assert Ears(ONE, ()).sense(np.zeros((1, BLOCK), np.float32)).directions.shape[0] == 0


def test_silence_is_finite() -> None:
    inputs = Inputs().prepare(Ears(CIRCLE, (0.0, 90.0)).sense(np.zeros((4, BLOCK), np.float32)))
    assert np.isfinite(inputs.shared).all()
    assert np.isfinite(inputs.direction).all()
    assert inputs.shared.shape == (2, SHARED)
    assert inputs.direction.shape == (2, DIRECTED)


def test_each_seats_rival_is_the_strongest_other() -> None:
    directions = np.zeros((3, BLOCK_FRAMES, 2 * BANDS), np.float32)
    directions[:, :, BANDS:] = np.array([1.0, 3.0, 2.0])[:, None, None]
    rival = rivals(directions).reshape(3, BLOCK_FRAMES, 2, 2 * BANDS)[:, 0, 1, -1]
    assert rival.tolist() == pytest.approx([1.5, 1.0, 1.5])  # of 3, 2 and 3, in units of 2


def test_the_level_does_not_change_the_shape_of_a_loud_sound() -> None:
    sound = plane_wave(ONE, 0, 0.4)
    loud, soft = Inputs(), Inputs()
    ears_loud, ears_soft = Ears(ONE, ()), Ears(ONE, ())
    for at in range(0, sound.shape[1], BLOCK):
        one = loud.prepare(ears_loud.sense(sound[:, at : at + BLOCK])).shared.reshape(-1, 41)
        other = soft.prepare(ears_soft.sense(sound[:, at : at + BLOCK] / np.float32(10))).shared.reshape(-1, 41)
    assert np.abs(one[:, :40] - other[:, :40]).max() < 0.01
    assert one[-1, 40] - other[-1, 40] == pytest.approx(np.log(100) / 3, abs=0.01)


def test_features_of_nobody_make_one_row() -> None:
    nobody = Features(np.ones((BLOCK_FRAMES, 40), np.float32), np.zeros((0, BLOCK_FRAMES, 2 * BANDS), np.float32))
    assert not Inputs().prepare(nobody).direction.any()


def test_a_glance_sees_the_first_half_of_the_block_to_come_and_changes_nothing() -> None:
    sound = (2**15 * plane_wave(ONE, 0, 0.2)).astype(np.int16)
    glancing, plain = Ears(ONE, ()), Ears(ONE, ())
    for at in range(0, sound.shape[1] - BLOCK + 1, BLOCK):
        block = sound[:, at : at + BLOCK]
        seen = glancing.glance(block[0, :HALF])
        features = glancing.sense(block)
        assert np.allclose(seen, features.mel[:HALF_FRAMES], rtol=1e-4)
        assert np.array_equal(features.mel, plain.sense(block).mel)


def test_a_glance_leaves_what_the_net_is_given_as_it_was() -> None:
    rng, nowhere = np.random.default_rng(4), np.zeros((0, BLOCK_FRAMES, 2 * BANDS), np.float32)
    glancing, plain = Inputs(), Inputs()
    for _ in range(20):
        mel = np.exp(rng.normal(-8, 2, (BLOCK_FRAMES, MELS))).astype(np.float32)
        glancing.glance(np.exp(rng.normal(-2, 2, (HALF_FRAMES, MELS))).astype(np.float32))
        for one, other in zip(
            glancing.prepare(Features(mel, nowhere)), plain.prepare(Features(mel, nowhere)), strict=True
        ):
            assert np.array_equal(one, other)
