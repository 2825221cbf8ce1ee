"""A quiet array's level is told higher than it is; in the usual range nothing is changed."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from app.hearing.features import BLOCK, BLOCK_FRAMES, Ears
from app.hearing.inputs import Inputs
from app.hearing.lift import DB, ENOUGH, FULL_SCALE, MOST, USUAL, Lift
from tests.hearing.sounds import ONE, babble

PEAKS = st.floats(1e-9, 1e3)
BLOCKS = st.tuples(PEAKS, st.floats(0, 1))


def power(dbfs: float) -> float:
    """Of a frame of sound at a level."""
    return float(FULL_SCALE * 10 ** (dbfs / 10))


def after(peaks: list[float], speech: float = 1.0) -> float:
    lift = Lift()
    for peak in peaks:
        lift.attend(peak, speech)
    return lift.height


@given(st.lists(st.tuples(st.floats(USUAL, 1e3), PEAKS, st.floats(0, 1)), max_size=60))
def test_where_speech_is_heard_at_usual_levels_nothing_is_lifted(blocks: list[tuple[float, float, float]]) -> None:
    """However quiet what is no speech may be."""
    lift = Lift()
    for loud, quiet, speech in blocks:
        lift.attend(loud if speech > 0.3 else quiet, speech)
        assert lift.height == 0.0


@given(st.lists(BLOCKS, max_size=200))
def test_the_lift_is_bounded_and_moves_slowly_up(blocks: list[tuple[float, float]]) -> None:
    lift, before = Lift(), 0.0
    for number, block in enumerate(blocks):
        lift.attend(*block)
        assert 0.0 <= lift.height <= MOST
        if number >= ENOUGH and before:
            assert lift.height - before < 0.2 * DB  # 4 dB a second at most
        before = lift.height


@given(st.lists(BLOCKS, max_size=200))
def test_one_loud_word_ends_it(blocks: list[tuple[float, float]]) -> None:
    lift = Lift()
    for block in blocks:
        lift.attend(*block)
    lift.attend(power(-30), 0.9)
    assert lift.height == 0.0


def test_a_quiet_array_is_lifted_by_twice_what_is_missing() -> None:
    assert abs(after([power(-62)] * ENOUGH) - 12 * DB) < 0.5 * DB
    assert after([power(-62)] * (ENOUGH - 1)) == 0.0
    assert after([power(-90)] * ENOUGH) == MOST
    assert after([power(-90)] * 1000, speech=0.2) == 0.0


def test_the_scale_is_that_of_the_features() -> None:
    """White noise at -40 dBFS has the power that the constants say, within what rounding and the mel range cost."""
    noise = np.random.default_rng(1).normal(0, 32768 * 10 ** (-40 / 20), (1, BLOCK * 50)).astype(np.int16)
    ears = Ears(ONE, ())
    means = [ears.sense(noise[:, at : at + BLOCK]).mel.mean() for at in range(0, noise.shape[1], BLOCK)]
    assert abs(10 * np.log10(np.mean(means[1:]) / power(-40))) < 0.5


@settings(max_examples=10, deadline=None)
@given(st.integers(ENOUGH - 5, ENOUGH + 10))
def test_only_the_level_is_told_higher_and_the_rest_stays(blocks: int) -> None:
    sound = (babble(1, 3.0, 3) / 300).astype(np.int16)
    ears, plain, lifted = Ears(ONE, ()), Inputs(), Inputs()
    for at in range(0, blocks * BLOCK, BLOCK):
        features = ears.sense(sound[:, at : at + BLOCK])
        one, other = plain.prepare(features), lifted.prepare(features)
        lifted.attend(np.ones(BLOCK_FRAMES, np.float32))
        frames = [part.shared.reshape(-1, 41) for part in (one, other)]
        assert np.array_equal(frames[0][:, :40], frames[1][:, :40])
        assert (frames[1][:, 40] >= frames[0][:, 40]).all()
        assert np.array_equal(one.loudness, other.loudness)
    assert (blocks < ENOUGH + 1) or (frames[1][-1, 40] > frames[0][-1, 40])
