import sys
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.signal import butter, sosfilt

from app.rehearsal.record import RECORDING, main, read_truth, staging
from app.rehearsal.render import LONGEST_S, Line, RenderError, power, render, say, truth
from app.rehearsal.talk import Spoken
from app.rehearsal.voices import RATE, Tape, VoiceError, levelled, read_clip


def babble(seconds: float, seed: int = 1) -> NDArray[np.float32]:
    """Noise with the loudness of speech, as dry as can be."""
    return levelled(np.random.default_rng(seed).standard_normal(round(seconds * RATE)).astype(np.float32))


def rendered(lines: Sequence[Line], seconds: float, snr_db: float = 12.0) -> NDArray[np.int16]:
    """In a dry room, in which heads are held still."""
    asked = staging(snr_db)
    still = {seat: ways[:1] for seat, ways in asked.seats.items()}
    dry = replace(asked, room=replace(asked.room, rt60_s=0.15), seats=still)
    return np.concatenate(list(render(dry, lines, seconds, np.random.default_rng(1))), axis=1)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(8, 60), st.integers(1, 60)), min_size=1, max_size=8))
def test_truth_finds_the_units_of_dry_sound_and_bridges_short_breaks(spans: list[tuple[int, int]]) -> None:
    """Bursts and breaks of so many centiseconds."""
    at, bursts = 100, []
    for burst, pause in spans:
        bursts.append((at, at + burst))
        at += burst + pause
    found = truth([Line("client", start / 100, babble((end - start) / 100)) for start, end in bursts])
    assert all(after.start_s - before.end_s > 0.195 for before, after in pairwise(found))
    covered = np.zeros(at, dtype=bool)
    for unit in found:
        covered[round(unit.start_s * 100) : round(unit.end_s * 100)] = True
    for start, end in bursts:
        assert covered[start:end].all()
    assert covered.sum() <= sum(
        end - start + min(pause, 20) for (start, end), (_, pause) in zip(bursts, spans, strict=True)
    )


def test_truth_of_one_line_does_not_depend_on_the_others() -> None:
    lines = [Line("client", 1.0, babble(2)), Line("therapist", 2.5, babble(1))]
    assert truth(lines) == (Spoken("client", 1.0, 3.0), Spoken("therapist", 2.5, 3.5))


def test_a_pause_inside_a_clip_splits_it() -> None:
    sound = np.concatenate([babble(1), np.zeros(RATE // 2, dtype=np.float32), babble(1)])
    one, other = truth([Line("client", 0.0, sound)])
    assert (one.end_s, other.start_s) == pytest.approx((1.0, 1.5), abs=0.02)


def test_a_rendering_has_the_snr_and_level_that_were_asked() -> None:
    lines = [Line("client", 1.0, babble(4)), Line("therapist", 8.0, babble(4, seed=2))]
    sound = rendered(lines, 16, snr_db=12).astype(np.float64) / 32768
    noise = power(sound[:, 13 * RATE :])
    speech = np.mean([power(sound[:, a * RATE : b * RATE]) for a, b in ((2, 5), (9, 12))]) - noise
    assert 10 * np.log10(speech / noise) == pytest.approx(12, abs=0.7)
    assert 10 * np.log10(speech) == pytest.approx(-36, abs=0.5)


def test_sound_arrives_when_the_truth_says() -> None:
    sound = rendered([Line("client", 1.0, babble(0.5))], 2, snr_db=40).astype(np.float64)
    loud = np.abs(sound[0]) > 0.2 * np.abs(sound[0]).max()
    assert np.flatnonzero(loud)[0] / RATE == pytest.approx(1.0, abs=0.01)


def test_noise_is_not_the_same_in_two_microphones() -> None:
    sound = rendered([Line("client", 0.0, babble(0.5))], 12, snr_db=0).astype(np.float64)[:, 2 * RATE :]
    high = np.fft.rfft(sound.reshape(4, -1, 1000), axis=2)[:, :, 200:]
    one, two = high[0], high[2]
    coherence = abs((one * two.conj()).mean()) / np.sqrt((abs(one) ** 2).mean() * (abs(two) ** 2).mean())
    assert coherence < 0.3


def test_pieces_do_not_show() -> None:
    """No step and no dip of noise where one piece passes into the next, and the talk goes on across it."""
    sound = rendered([Line("client", 9.5, babble(1))], 20, snr_db=12).astype(np.float64)
    quiet = [sound[0, at : at + 1600].std() for at in range(15 * RATE, 19 * RATE, 1600)]
    assert max(quiet) / min(quiet) < 2
    across = [sound[0, at : at + 800].std() for at in range(int(9.6 * RATE), int(10.4 * RATE), 800)]
    assert max(across) / min(across) < 2


def test_what_cannot_be_rendered_is_refused() -> None:
    with pytest.raises(RenderError, match="no chair for ghost"):
        rendered([Line("ghost", 0, babble(1))], 2)
    with pytest.raises(RenderError, match="nobody speaks"):
        rendered([Line("client", 0, np.zeros(RATE, dtype=np.float32))], 2)


def test_a_tape_gives_any_length_without_long_pauses() -> None:
    clip = np.concatenate([babble(1), np.zeros(RATE, dtype=np.float32), babble(1)])
    tape = Tape([clip])
    for seconds in (0.2, 1.5, 5.0):
        cut = tape.cut(seconds)
        assert len(np.asarray(cut)) == round(seconds * RATE)
        assert len(truth([Line("client", 0, cut)])) == 1
    with pytest.raises(VoiceError, match="give more clips"):
        Tape([])


def test_hours_of_talk_need_no_memory_and_one_long_turn_is_said_in_parts() -> None:
    tape = Tape([babble(3)])
    talk = [Spoken("client", 10.0 * n, 10.0 * n + 8.0) for n in range(1800)]  # five hours: 0.9 GB if all were cut
    assert sum(sys.getsizeof(line) + sys.getsizeof(line.sound) for line in say(talk, {"client": tape})) < 2**20
    lines = say([Spoken("client", 5.0, 105.0)], {"client": tape})
    assert [(line.start_s, len(np.asarray(line.sound)) / RATE) for line in lines] == [
        *((start, LONGEST_S) for start in (5.0, 35.0, 65.0)),
        (95.0, 10.0),
    ]
    assert truth(lines) == (Spoken("client", 5.0, 105.0),)


def test_clips_that_cannot_be_used_are_refused(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "stereo.wav", np.zeros((100, 2)), 8000)
    with pytest.raises(VoiceError, match="2 channels at 8000 Hz"):
        read_clip(tmp_path / "stereo.wav")
    with pytest.raises(VoiceError, match="cannot read the clip"):
        read_clip(tmp_path / "none.wav")


def test_the_command_renders_a_talk_with_its_truth(tmp_path: Path) -> None:
    for n in range(2):
        soundfile.write(tmp_path / f"voice-{n}.wav", babble(8, seed=n) * 0.1, RATE)
    made = CliRunner().invoke(main, ["--data", str(tmp_path), "--out", str(tmp_path), "--minutes", "0.5"])
    assert made.exit_code == 0, made.output
    sound, rate = soundfile.read(tmp_path / "talk-0.5-minutes.flac")
    assert (sound.shape, rate) == ((30 * RATE, 4), RATE)
    assert {unit.seat for unit in read_truth(tmp_path / "talk-0.5-minutes.truth.csv")} == {"therapist", "client"}


def test_the_command_says_what_is_missing(tmp_path: Path) -> None:
    made = CliRunner().invoke(main, ["--data", str(tmp_path), "--out", str(tmp_path)])
    assert made.exit_code == 1
    assert made.output.startswith("Error: cannot read the clip")


class TestBundledRecording:
    units = read_truth(RECORDING / "two-people.truth.csv")
    sound, rate = soundfile.read(RECORDING / "two-people.flac", dtype="int16")

    def test_is_four_channels_at_16_khz_that_do_not_clip(self) -> None:
        assert (self.sound.shape[1], self.rate) == (4, RATE)
        assert 1000 < np.abs(self.sound).max() < 16384
        assert (RECORDING / "two-people.flac").stat().st_size < 8_000_000

    def test_has_more_than_60_s_of_speech_from_two_seats(self) -> None:
        spoken = {
            seat: sum(u.end_s - u.start_s for u in self.units if u.seat == seat) for seat in ("therapist", "client")
        }
        assert sum(spoken.values()) > 62
        assert 0.3 < spoken["therapist"] / sum(spoken.values()) < 0.45

    def test_has_silences_of_3_s_in_different_contexts(self) -> None:
        last = [max(self.units[: n + 1], key=lambda unit: unit.end_s) for n in range(len(self.units))]
        contexts = [(a.seat, b.seat) for a, b in zip(last, self.units[1:], strict=False) if b.start_s - a.end_s >= 3]
        assert len(contexts) >= 4
        assert len(set(contexts)) == 4

    def test_has_overlaps_and_listener_responses(self) -> None:
        assert sum(b.start_s < a.end_s and a.seat != b.seat for a, b in pairwise(self.units)) >= 4
        within = [u for u in self.units if u.seat == "therapist" and u.end_s - u.start_s <= 1]
        assert len(within) >= 3

    def test_is_louder_where_somebody_speaks(self) -> None:
        spoken = np.zeros(len(self.sound), dtype=bool)
        for unit in self.units:
            spoken[round(unit.start_s * RATE) : round((unit.end_s + 0.5) * RATE)] = True
        loud, quiet = (power(self.sound[part].T / 32768) for part in (spoken, ~spoken))
        assert 10 * np.log10(loud / quiet) > 9


def test_breath_on_a_near_microphone_is_no_speech() -> None:
    """Rumble around 100 Hz, as loud as the speech before it."""
    rng = np.random.default_rng(3)
    rumble = sosfilt(butter(4, 120, fs=16_000, output="sos"), rng.standard_normal(16_000)).astype(np.float32)
    sound = np.concatenate([babble(1), rumble / rumble.std()])
    (unit,) = truth([Line("client", 0.0, sound)])
    assert unit.end_s == pytest.approx(1.0, abs=0.1)
