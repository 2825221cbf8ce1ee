"""What the hearing is compared with: anchors, SRP-PHAT toward seats, recordings made harder."""

import math
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from app.hearing.model import Model
from app.hearing.seats import Seat, parse_seats
from app.rehearsal.talk import Spoken
from models.evaluation import costs, seats, srp, tables
from models.evaluation.bars import Bar
from models.evaluation.channel import AS_RECORDED, CONDITIONS, FLOOR_DB, QUIETER_DB, Dry, dry, record
from models.evaluation.contest import at_fixed, best_threshold, compete
from models.evaluation.detectors import ANCHORS, Answers, Detector, Ours, absent, installed, missing, newest
from models.evaluation.seats import OFF_DEG, TURNED_DEG, apart, misplaced, turned
from models.evaluation.sessions import EASY, Session
from models.training.corpus import Clip, CorpusError
from models.training.scenes import ONE_CIRCLE

SHIPPED = Path(__file__).parents[2] / "models" / "hearing.tflite"


def said(seconds: float = 1.0, seed: int = 0) -> NDArray[np.float32]:
    """Noise in syllables with silence around, loud frames of rms 1."""
    rng = np.random.default_rng(seed)
    sound = rng.standard_normal(round(seconds * 16_000)).astype(np.float32)
    sound[:1600] = sound[-1600:] = 0
    return sound


class Loudness:
    """Says how loud the frame was that has just ended."""

    name = "ours"
    file = SHIPPED

    def listen(self, samples: NDArray[np.int16]) -> Answers:
        frames = samples[: len(samples) // 160 * 160].reshape(-1, 160).astype(np.float32)
        return Answers(np.log(np.square(frames).mean(1) + 1e-3))


def test_the_newest_answer_is_that_of_the_last_full_chunk() -> None:
    assert newest([0.25, 0.5], 512, 1280).tolist() == [0, 0, 0, 0.25, 0.25, 0.25, 0.5, 0.5]


def test_what_is_not_installed_is_left_out_and_named() -> None:
    assert missing(["numpy", "no_such_package"]) == ["no_such_package"]
    assert len(installed()) == sum(not missing(packages) for _, packages in ANCHORS)
    assert set(absent()) == {name for _, packages in ANCHORS for name in missing(packages)}


@pytest.mark.parametrize("detector", [Ours(SHIPPED), *installed()], ids=lambda one: one.name)
def test_a_detector_answers_each_frame_and_begins_afresh_each_time(detector: Detector) -> None:
    sound = (np.random.default_rng(0).standard_normal(16_000) * 300).astype(np.int16)
    once, again = detector.listen(sound), detector.listen(sound)
    assert once.live.shape == (100,)
    assert np.array_equal(once.live, again.live)
    assert detector.file.exists()


def test_no_answer_comes_before_its_sound() -> None:
    sound = (np.random.default_rng(0).standard_normal(16_000) * 300).astype(np.int16)
    other = sound.copy()
    other[8000:] //= 8
    for detector in (Ours(SHIPPED), *installed()):
        assert np.array_equal(detector.listen(sound).live[:50], detector.listen(other).live[:50])


def test_srp_finds_the_seat_that_a_wave_comes_from() -> None:
    rng = np.random.default_rng(1)
    places = np.array(ONE_CIRCLE.positions_mm) / 1000
    spectrum = np.fft.rfft(rng.standard_normal(16_000))
    hz = np.fft.rfftfreq(16_000, 1 / 16_000)
    for azimuth, seat in ((80.0, 0), (200.0, 1)):
        toward = np.array([math.cos(math.radians(azimuth)), math.sin(math.radians(azimuth)), 0])
        early = places @ toward / 343
        wave = np.fft.irfft(spectrum * np.exp(2j * np.pi * early[:, None] * hz))
        power = srp.powers((wave * 3000).astype(np.int16), ONE_CIRCLE, (90.0, 210.0))
        assert power.shape == (100, 2)
        assert (power.argmax(1) == seat).all()


def test_srp_hears_one_seat_at_most_and_none_where_its_gate_is_shut() -> None:
    class Half:
        name, file = "half", SHIPPED

        def listen(self, samples: NDArray[np.int16]) -> Answers:
            return Answers((np.arange(len(samples) // 160) >= 50).astype(np.float32))

    sound = (np.random.default_rng(2).standard_normal((4, 16_000)) * 1000).astype(np.int16)
    heard = srp.hear(sound, ONE_CIRCLE, parse_seats("therapist=0,client=120"), Half())
    assert heard.sum(1).tolist() == [0] * (50 - srp.GATE_LAG) + [1] * (50 + srp.GATE_LAG)


@pytest.mark.parametrize("azimuths", [(0, 60), (350, 90), (200, 30), (10, 190)])
def test_each_seat_is_30_degrees_off_and_they_stay_apart(azimuths: tuple[float, float]) -> None:
    seats = tuple(Seat(name, None, azimuth) for name, azimuth in zip("ab", azimuths, strict=True))
    off = misplaced(seats)
    assert [apart(a, b) for a, b in zip(seats, off, strict=True)] == [OFF_DEG] * 2
    assert apart(*off) >= 20
    assert [apart(a, b) for a, b in zip(seats, turned(seats), strict=True)] == [TURNED_DEG] * 2
    assert apart(*turned(seats)) == apart(*seats)


def test_the_truth_is_where_the_clips_lie_whatever_happens_to_them() -> None:
    pieces = [Dry((said(), said(seed=1)), (30, 40, 50))]
    truths = [record(pieces, condition)[0] for condition in CONDITIONS]
    expected = np.zeros(320, np.bool_)
    expected[40:120] = expected[180:260] = True
    for piece in truths:
        assert len(piece.samples) == 320 * 160
        assert (piece.spoken != expected).sum() <= 8  # the level is taken over 30 ms
        assert np.array_equal(piece.spoken, truths[0].spoken)


def test_conditions_are_as_loud_as_they_say() -> None:
    pieces = [Dry((said(3.0),), (100, 100))]
    level = {
        condition.name: [
            float(10 * np.log10(np.square(p.samples[np.repeat(p.spoken == talk, 160)].astype(float)).mean()))
            for talk in (True, False)
        ]
        for condition in CONDITIONS
        for p in record(pieces, condition)
    }
    plain = level[AS_RECORDED.name]
    assert plain[0] - plain[1] == pytest.approx(FLOOR_DB, abs=1.5)
    assert plain[0] - level["32 dB quieter"][0] == pytest.approx(QUIETER_DB, abs=0.3)
    assert np.diff(level["RT60 .35 s, ventilation 0 dB"])[0] == pytest.approx(
        -3, abs=1
    )  # speech and noise against noise


def test_a_threshold_fixed_as_recorded_counts_misses_and_false_alarms() -> None:
    truth = np.array([True, True, False, False])
    scores = np.array([0.9, 0.6, 0.5, 0.1], np.float32)
    assert best_threshold([scores], [truth]) == pytest.approx(0.6)
    fixed = at_fixed([scores - 0.2], [truth], 0.6)
    assert fixed.kept == 0.5
    assert tables.balanced(fixed) == 0.25


def test_without_clean_clips_nothing_is_compared() -> None:
    with pytest.raises(CorpusError, match="clean clips"):
        dry([], 1.0)


def test_a_contest_without_anchors_says_so_and_one_with_has_every_table(tmp_path: Path) -> None:
    clips = []
    for k in range(20):
        soundfile.write(tmp_path / f"{k}.wav", said(1.2, k) * 0.05, 16_000)
        clips.append(Clip(tmp_path / f"{k}.wav", "a", "CC0", "", 1.2, "speech", ""))
    ours, rival = Loudness(), Loudness()
    some = [condition for condition in CONDITIONS if condition.name in {AS_RECORDED.name, "whisper"}]
    alone = tables.tables(*compete(clips, [ours], 1.0, some))
    assert "No anchor is installed" in alone
    rival.name = "rival"
    both = tables.tables(*compete(clips, [ours, rival], 1.0, some))
    for words in ("| rival |", "as recorded", "whisper", "+0.000 [+0.000, +0.000]", "recall >= .88"):
        assert words in both
    assert "meetings" not in both


def test_costs_without_silero_have_no_ratio() -> None:
    net, ours = costs.costs([Ours(SHIPPED)], SHIPPED, np.zeros(32_000, np.int16), rounds=2, stretch_s=1)
    assert math.isnan(ours.ratio[0])
    assert 0 < net.seconds_an_hour < ours.seconds_an_hour * 1.5
    assert 0 < ours.memory_mb < 200
    assert ours.file_kb == pytest.approx(SHIPPED.stat().st_size / 1000)
    assert costs.table([net, ours]).count("\n") == 3


def test_a_bar_is_met_or_not_and_less_is_better_of_costs() -> None:
    gain, cost = Bar("area", 0.94, 0.96), Bar("lag", 40, 20, is_cost=True)
    assert gain.row(0.95, 0.97, 0.93) == "| area | 0.94 | 0.96 | 0.950, must | 0.970, aim | 0.930, short |"
    assert cost.row(30, 20, 50, None, math.nan) == "| lag | 40 | 20 | 30, must | 20, aim | 50, short | - | - |"


def test_both_methods_hear_each_session_under_each_calibration() -> None:
    class Always:
        name, file = "always", SHIPPED

        def listen(self, samples: NDArray[np.int16]) -> Answers:
            return Answers(np.ones(len(samples) // 160, np.float32))

    rng = np.random.default_rng(0)
    sound = (rng.standard_normal((4, 32_000)) * 300).astype(np.int16)
    units = (Spoken("therapist", 0.2, 0.9), Spoken("client", 0.7, 1.8))
    contest = seats.SeatContest(Model(SHIPPED), Always())
    for _ in range(2):
        contest.hold(Session(sound, parse_seats("therapist=0,client=120"), units, EASY))
    assert {len(scores) for scores in contest.scores.values()} == {2}
    assert {key[1:] for key in contest.scores} == {(c, m) for c in seats.CALIBRATIONS for m in ("ours", seats.SRP)}
    text = seats.table(contest)
    assert "| easy, array turned by 45 degrees: SRP-PHAT, Silero |" in text
    assert "of it)" in text
