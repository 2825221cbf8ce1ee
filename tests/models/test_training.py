"""The parts of training that need no torch."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.testing import assert_allclose

from app.hearing.features import BLOCK_FRAMES, DIRECTION, HALF_FRAMES, MELS, RATE, Features
from app.hearing.inputs import BEGUN, LOUDNESS, MEL_FLOOR, SHARED, Inputs, relative
from models.training.corpus import Clip, CorpusError, decode, is_clipped, read_manifest
from models.training.mixing import first_half, followed, loudness, near_boundaries, windows
from models.training.scenes import ONE_CIRCLE, SceneStreams, line, tells_apart
from models.training.streams import FRAMES, Stream, make, read
from models.training.timeline import Manner, lay_out, swaying
from models.training.voices import Noises, Utterance, Voices, load_sounds
from models.training.whisper import whisper

HEADER = "path,source,licence,speaker,language,seconds,kind,label,origin\n"


def utterance(frames: int, seed: int) -> Utterance:
    """Noise that is speech but for its first and last 50 ms."""
    rng = np.random.default_rng(seed)
    speech = np.ones(frames, np.float32)
    speech[:5] = speech[-5:] = 0
    return Utterance(np.repeat(speech, 160) * rng.standard_normal(frames * 160).astype(np.float32), speech)


def clip(source: str) -> Clip:
    return Clip(Path("none"), source, "CC0", "", 1.0, "speech", "")


def test_training_levels_rows_as_the_product_levels_blocks() -> None:
    rng = np.random.default_rng(1)
    mel = np.exp(rng.normal(-8, 2, (1, 400, MELS))).astype(np.float32)
    power = mel + MEL_FLOOR
    levels = followed(power)
    rows, louder = windows(relative(np.log(power), levels)), windows(loudness(power, levels))
    inputs = Inputs()
    nowhere = np.zeros((0, BLOCK_FRAMES, DIRECTION), np.float32)
    halves = first_half(rows, louder)[0]
    for block in range(100):
        powers = mel[0, block * BLOCK_FRAMES : (block + 1) * BLOCK_FRAMES]
        glanced = inputs.glance(powers[:HALF_FRAMES])
        assert glanced.shape == (1, BEGUN)
        assert_allclose(glanced[0], halves[block], atol=2e-4)
        given = inputs.prepare(Features(powers, nowhere))
        assert given.shared.shape == (1, SHARED)
        assert given.loudness.shape == (1, LOUDNESS)
        assert_allclose(given.shared[0], rows[0, block], atol=2e-4)
        assert_allclose(given.loudness[0], louder[0, block], atol=2e-4)


def test_labels_lie_where_the_clips_lie() -> None:
    talk = lay_out([[utterance(80, 1)], [utterance(60, 2)]], 1200, Manner(True, 0.2, 0.2), np.random.default_rng(3))
    for track, speech in zip(talk.tracks, talk.speech, strict=True):
        level = np.square(track.reshape(-1, 160)).mean(1)
        assert level[speech > 0.5].min() > 0
        assert level[speech < 0.5].max() == 0


def test_the_same_seed_makes_the_same_streams_and_an_interrupted_run_goes_on(tmp_path: Path) -> None:
    said = [utterance(frames, frames) for frames in (90, 70, 40)]
    voices = Voices([clip("one")] * 3, [u.samples for u in said], [u.speech for u in said])
    noises = Noises([np.random.default_rng(4).standard_normal(RATE).astype(np.float32)])
    scenes = SceneStreams(voices, noises)
    one, other = (next(iter(scenes.draw(np.random.default_rng(5)))) for _ in range(2))
    assert np.array_equal(one.direction, other.direction)
    calls = []

    def draw(rng: np.random.Generator) -> list[Stream]:
        calls.append(rng)
        return [one] * 50

    make(tmp_path, "scene", 100, draw, 1)
    (tmp_path / "scene-0001.npz").unlink()
    make(tmp_path, "scene", 100, draw, 1)
    assert len(calls) == 3
    streams = read(tmp_path, "scene", 100)
    assert streams.power.shape == (100, FRAMES, MELS)
    assert len(streams.stream) == len(streams.seats) == 100 * len(one.seats)


def test_whisper_is_as_long_and_loud_as_the_speech_and_has_no_voice() -> None:
    pulses = (np.arange(RATE) % 128 == 0).astype(np.float32)  # a voice of 125 Hz
    whispered = whisper(pulses, np.random.default_rng(0))
    assert len(whispered) == len(pulses)
    assert np.square(whispered).mean() == pytest.approx(np.square(pulses).mean(), rel=1e-3)
    voice, breath = (np.corrcoef(sound[:-128], sound[128:])[0, 1] for sound in (pulses, whispered))
    assert voice > 0.9
    assert abs(breath) < 0.1


def test_a_gain_sways_smoothly() -> None:
    gains = [swaying(300, np.random.default_rng(seed)) for seed in range(50)]
    steps = [np.abs(np.diff(20 * np.log10(gain))).max() for gain in gains]
    assert max(steps) < 1.0


def test_a_line_of_microphones_cannot_tell_front_from_back() -> None:
    pair = type(ONE_CIRCLE)("pair", RATE, (0, 1), line(2, 80))
    assert not tells_apart(pair, (60.0, 300.0))
    assert tells_apart(pair, (30.0, 150.0))
    assert tells_apart(ONE_CIRCLE, (60.0, 300.0))


def test_frames_near_a_boundary_are_marked() -> None:
    spoken = np.zeros(100, np.bool_)
    spoken[40:60] = True
    assert np.flatnonzero(near_boundaries(spoken)).tolist() == [*range(33, 47), *range(53, 67)]


def test_a_folder_without_a_manifest_is_no_corpus(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"has no manifest\.csv"):
        read_manifest(tmp_path)


def test_a_manifest_that_lacks_columns_is_refused(tmp_path: Path) -> None:
    (tmp_path / "manifest.csv").write_text("path,kind\na.wav,speech\n")
    with pytest.raises(CorpusError, match="lacks the columns source, licence, seconds"):
        read_manifest(tmp_path)


def test_an_empty_manifest_is_refused(tmp_path: Path) -> None:
    (tmp_path / "manifest.csv").write_text(HEADER)
    with pytest.raises(CorpusError, match="is empty"):
        read_manifest(tmp_path)


def test_other_rates_are_resampled(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.sin(np.arange(44_100) / 10).astype(np.float32), 44_100)
    assert len(decode(tmp_path / "a.wav")) == RATE


def test_empty_and_broken_files_are_named(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "empty.wav", np.zeros(0, np.float32), RATE)
    (tmp_path / "broken.wav").write_bytes(b"no sound")
    with pytest.raises(CorpusError, match=r"empty\.wav has no samples"):
        decode(tmp_path / "empty.wav")
    with pytest.raises(CorpusError, match=r"broken\.wav cannot be read"):
        decode(tmp_path / "broken.wav")


def test_clipped_and_silent_clips_are_left_out_and_a_corpus_of_nothing_else_is_refused(tmp_path: Path) -> None:
    assert is_clipped(np.ones(1000, np.float32))
    soundfile.write(tmp_path / "silent.wav", np.zeros(RATE, np.float32), RATE)
    (tmp_path / "manifest.csv").write_text(f"{HEADER}silent.wav,x,CC0,,en,1,speech,,\n")
    with pytest.raises(CorpusError, match="no usable sound of kind speech"):
        load_sounds(read_manifest(tmp_path), "speech")
