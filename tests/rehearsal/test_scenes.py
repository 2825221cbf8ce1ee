import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.rehearsal.noises import Fan, knock, ventilation
from app.rehearsal.reverberation import quick_impulse_responses
from app.rehearsal.scenes import draw_scene
from firmware.sound import ArrayGeometry

LINE = ArrayGeometry("line", 16000, (0, 1, 2), ((-30.0, 0, 0), (0.0, 0, 0), (30.0, 0, 0)))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 6))
def test_people_sit_in_the_room_and_apart(seed: int, talkers: int) -> None:
    scene = draw_scene(LINE, talkers, np.random.default_rng(seed))
    for source in (*scene.talkers, scene.fan):
        assert all(0 < at < size for at, size in zip(source.place_m, scene.room.size_m, strict=True))
    around = np.sort(scene.azimuths)
    gaps = np.diff([*around, around[0] + 360])
    assert talkers == 1 or gaps.min() >= 40 - 1e-6


def test_two_people_sit_no_further_apart_than_asked() -> None:
    for seed in range(50):
        one, other = draw_scene(LINE, 2, np.random.default_rng(seed), apart_deg=(60, 120)).azimuths
        assert 60 - 1e-6 <= abs((one - other + 180) % 360 - 180) <= 120 + 1e-6


def test_too_many_people_are_refused() -> None:
    with pytest.raises(ValueError, match="ask for fewer"):
        draw_scene(LINE, 10, np.random.default_rng(1))


def test_a_drawn_scene_can_be_heard() -> None:
    rng = np.random.default_rng(2)
    scene = draw_scene(LINE, 3, rng)
    responses = quick_impulse_responses(scene.room, scene.array, (*scene.talkers, scene.fan), 16000, rng)
    assert responses.shape[:2] == (4, 3)
    assert np.isfinite(responses).all()


def test_noises_have_the_level_they_promise() -> None:
    rng = np.random.default_rng(3)
    scene = draw_scene(LINE, 1, rng)
    assert ventilation(scene.array, 64000, 16000, rng).std(axis=1) == pytest.approx([1, 1, 1], abs=0.1)
    assert Fan.draw(rng).run(64000, 16000, rng).std() == pytest.approx(1, abs=0.01)
    assert np.abs(knock(16000, rng)).max() == pytest.approx(1)
