from collections.abc import Iterable, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from app.hearing.activity import Activity
from app.hearing.features import HOP, RATE, Floats
from app.hearing.hearing import Heard, Hearing, joined
from app.hearing.model import Model
from app.hearing.seats import Seat, parse_seats
from firmware.sound import ArrayGeometry, Block
from tests.hearing.sounds import CIRCLE, ONE, as_samples, babble, plane_wave

SEATS = parse_seats("therapist=30,client=150")


@pytest.fixture(scope="module")
def model() -> Model:
    return Model()


def whole(heard: Iterable[Heard]) -> tuple[Activity, Activity]:
    """All live and all settled frames, checked to be consecutive from 0."""
    both = []
    for parts in zip(*[(h.live, h.settled) for h in heard], strict=True):
        at = 0
        for part in parts:
            assert part.first == at or len(part) == 0
            at += len(part)
        both.append(joined(parts))
    return both[0], both[1]


def listen(
    model: Model,
    samples: NDArray[np.int16],
    sizes: Sequence[int] = (RATE,),
    *,
    geometry: ArrayGeometry = CIRCLE,
    seats: Sequence[Seat] = SEATS,
    lost: dict[int, int] | None = None,
) -> tuple[Activity, Activity]:
    """Live and settled activity of a sound in blocks of the given sizes, over and over, with losses before samples."""
    hearing, heard, at, turn = Hearing(geometry, seats, model), [], 0, 0
    cuts = sorted(lost or {})
    while at < samples.shape[1]:
        end = min([at + sizes[turn % len(sizes)], *(c for c in cuts if c > at), samples.shape[1]])
        heard.append(hearing.hear(Block(samples[:, at:end], at, (lost or {}).get(at, 0))))
        at, turn = end, turn + 1
    heard.append(hearing.finish())
    return whole(heard)


def same(one: Activity, other: Activity) -> bool:
    return (
        one.first == other.first
        and np.array_equal(one.speech, other.speech)
        and np.array_equal(one.seats, other.seats)
        and np.array_equal(one.measurable, other.measurable)
    )


@settings(max_examples=25, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 3000), min_size=1, max_size=5),
    samples=st.integers(0, 20_000),
    gap=st.integers(0, 3000),
    at=st.integers(1, 20_000),
)
def test_block_size_changes_nothing(model: Model, sizes: list[int], samples: int, gap: int, at: int) -> None:
    sound = babble(4, samples / RATE, 1)
    lost = {at: gap} if at < sound.shape[1] else {}
    for one, other in zip(
        listen(model, sound, sizes=[*sizes, 700], lost=lost), listen(model, sound, lost=lost), strict=True
    ):
        assert same(one, other)


def newest(model: Model, samples: NDArray[np.int16], size: int, lost: dict[int, int] | None = None) -> Floats:
    """P(anybody speaks) as it was known at each frame's end, of a sound in blocks of one size."""
    hearing = Hearing(ONE, (), model)
    blocks = [Block(samples[:, at : at + size], at, (lost or {}).get(at, 0)) for at in range(0, samples.shape[1], size)]
    parts = [*map(hearing.hear, blocks), hearing.finish()]
    return np.concatenate([part.newest for part in parts])


@settings(max_examples=15, deadline=None)
@given(size=st.integers(1, 3000), frame=st.integers(0, 99))
def test_of_no_frame_more_is_known_than_was_heard_at_its_end(model: Model, size: int, frame: int) -> None:
    sound = babble(1, 1.0, 7)
    changed = sound.copy()
    changed[:, (frame + 1) * HOP :] = 0
    known, then = newest(model, sound, size), newest(model, changed, size)
    assert len(known) == len(then) == 100
    assert np.array_equal(known[: frame + 1], then[: frame + 1])
    assert (known[:3] == 0).all()


def test_the_last_frame_of_a_block_is_known_as_it_was_heard(model: Model) -> None:
    sound = babble(1, 1.0, 8)
    live, _ = listen(model, sound, geometry=ONE, seats=())
    assert np.array_equal(newest(model, sound, 640)[3::4], live.speech[3::4])


def test_sound_in_halves_of_a_block_is_glanced_at_and_else_heard_alike(model: Model) -> None:
    sound = np.concatenate([np.zeros((1, 48 * HOP), np.int16), babble(1, 1.0, 8)], axis=1)
    whole_blocks, halves = (newest(model, sound, size) for size in (640, 320))
    frame = np.arange(len(halves)) % 4
    assert np.array_equal(halves[(frame == 0) | (frame == 3)], whole_blocks[(frame == 0) | (frame == 3)])
    assert (halves != whole_blocks)[(frame == 1) | (frame == 2)].mean() > 0.9
    begun = slice(49, 51)  # frames 1 and 2 of the block that begins the speech
    assert halves[begun].min() > whole_blocks[begun].max()


def test_half_a_block_brings_no_frame(model: Model) -> None:
    hearing, sound = Hearing(ONE, (), model), babble(1, 0.04, 8)
    assert hearing.hear(Block(sound[:, :320], 0)).is_empty
    assert not hearing.hear(Block(sound[:, 320:], 320)).is_empty


def test_nothing_is_told_beforehand_across_lost_sound(model: Model) -> None:
    known = newest(model, babble(1, 1.0, 9), 640, lost={6400: 1600})
    assert known[40:43].max() > 0  # told before the loss
    assert (known[43:50] == 0).all()  # two blocks that never came, and the first frames of the block in which it ends


@settings(max_examples=25, deadline=None)
@given(gap=st.integers(0, 40_000), at=st.integers(1, 15_999))
def test_lost_sound_advances_the_count_and_cannot_be_measured(model: Model, gap: int, at: int) -> None:
    live, settled = listen(model, babble(4, 1.0, 2), lost={at: gap})
    assert len(live) == len(settled) == (RATE + gap) // HOP
    gone = np.arange(len(live)) * HOP
    touched = (gone + HOP > at) & (gone < at + gap) & (gap > 0)
    assert not live.measurable[touched].any()
    assert not settled.measurable[touched].any()
    assert live.measurable[: at // HOP].all()
    assert live.measurable[(at + gap) // HOP + 3 :].all()
    assert np.array_equal(live.measurable, settled.measurable)


def test_an_hour_lost_is_told_at_once(model: Model) -> None:
    live, settled = listen(model, babble(4, 1.0, 2), lost={8000: 3600 * RATE})
    assert len(live) == len(settled) == 3601 * 100
    assert live.measurable.sum() == pytest.approx(98, abs=2)


def test_what_was_lost_before_the_first_sample_is_before_the_session(model: Model) -> None:
    hearing = Hearing(CIRCLE, SEATS, model)
    assert len(hearing.hear(Block(babble(4, 0.04, 3), 5000, lost=5000)).live) == 4


def test_settled_frames_are_at_most_100_ms_behind(model: Model) -> None:
    hearing = Hearing(CIRCLE, SEATS, model)
    sound = babble(4, 1.0, 4)
    for at in range(0, RATE, 640):
        heard = hearing.hear(Block(sound[:, at : at + 640], at))
        now = (at + 640) // HOP
        assert heard.live.first + len(heard.live) == now
        if len(heard.settled):
            assert now - (heard.settled.first + 1) <= 10


def test_one_channel_hears_speech_and_no_seats(model: Model) -> None:
    live, settled = listen(model, babble(1, 1.0, 5), geometry=ONE)
    assert live.seats.shape == settled.seats.shape == (100, 0)
    assert len(live.speech) == 100


def test_an_array_without_seats_hears_speech(model: Model) -> None:
    live, _ = listen(model, babble(4, 1.0, 5), seats=())
    assert live.seats.shape == (100, 0)


@pytest.mark.parametrize("count", range(1, 7))
def test_one_to_six_seats_run_on_the_same_model(model: Model, count: int) -> None:
    seats = parse_seats(",".join(f"client-{n}={60 * n}" for n in range(count)))
    live, _ = listen(model, babble(4, 0.4, 6), seats=seats)
    assert live.seats.shape == (40, count)


def test_the_order_of_seats_is_the_order_of_the_columns(model: Model) -> None:
    sound = as_samples(plane_wave(CIRCLE, 30, 1.0))
    one, _ = listen(model, sound)
    other, _ = listen(model, sound, seats=SEATS[::-1])
    assert np.allclose(one.seats, other.seats[:, ::-1], atol=1e-6)


@pytest.mark.parametrize("level", [0.0, 1e-4, 1e-3])
def test_silence_is_not_speech(model: Model, level: float) -> None:
    rng = np.random.default_rng(7)
    live, settled = listen(model, as_samples(np.float32(level) * rng.standard_normal((4, 4 * RATE)).astype(np.float32)))
    for activity in (live, settled):
        assert np.max(activity.speech[50:]) < 0.5
        assert np.max(activity.seats[50:]) < 0.5


def test_channels_that_are_not_the_arrays_are_refused(model: Model) -> None:
    with pytest.raises(ValueError, match="6 channels for an array of 4"):
        Hearing(CIRCLE, SEATS, model).hear(Block(babble(6, 0.1, 8), 0))


def test_a_second_session_hears_as_the_first(model: Model) -> None:
    sound = babble(4, 0.5, 9)
    assert same(listen(model, sound)[0], listen(model, sound)[0])
