from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from models.evaluation.__main__ import write_figures
from models.evaluation.channel import read_rttm
from models.evaluation.sessions import voices
from models.training.card import END, FIGURES
from models.training.corpus import Clip, CorpusError


def test_figures_replace_figures_in_the_card(tmp_path: Path) -> None:
    card = tmp_path / "card.md"
    card.write_text(f"# Card\n{FIGURES}\nold\n{END}\nrest\n")
    write_figures(card, "new")
    write_figures(card, "newer")
    assert card.read_text() == f"# Card\n{FIGURES}\nnewer\n{END}\nrest\n"


def test_turns_of_an_rttm_become_frames(tmp_path: Path) -> None:
    path = tmp_path / "a.rttm"
    path.write_text("SPEAKER a 1 0.50 0.25 <NA> <NA> one <NA> <NA>\n")
    assert np.flatnonzero(read_rttm(path, 100)).tolist() == list(range(50, 75))


def test_one_voice_is_not_enough_to_evaluate_nor_are_noisy_ones(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    clean, noisy = rng.standard_normal((2, 160_000)).astype(np.float32) * 0.1
    clean[::2] *= np.repeat([1, 0], 40_000)
    clean[1::2] *= np.repeat([1, 0], 40_000)
    paths = [tmp_path / f"{name}.wav" for name in "abc"]
    for path, sound in zip(paths, (clean, noisy, noisy), strict=True):
        soundfile.write(path, sound, 16_000)
    clips = [Clip(path, path.stem, "CC0", "", 10.0, "speech", "") for path in paths]
    with pytest.raises(CorpusError, match="two voices"):
        voices(clips)
    assert len(voices([clips[0], replace(clips[0], source="d")])) == 2
