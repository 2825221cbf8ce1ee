from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from app.catalogue import METRICS
from models.evaluation.__main__ import write_figures
from models.evaluation.channel import read_rttm
from models.evaluation.rooms import Judged, errors
from models.evaluation.scores import SeatScores
from models.evaluation.sessions import voices
from models.training.card import END, FIGURES
from models.training.corpus import Clip, CorpusError

SCORES = SeatScores(1, 0, 0, 0, 1, 0)


def judged(**metrics: tuple[float, float]) -> Judged:
    return Judged(SCORES, (0, 0, 0), metrics)


def test_a_metrics_error_is_the_95th_percentile_over_sessions() -> None:
    some = [judged(therapist_talk_share=(0.5 + off / 100, 0.5)) for off in range(20)]
    assert errors(some) == {"therapist_talk_share": {"absolute": pytest.approx(0.19)}}


def test_the_error_of_a_length_is_relative_to_what_was_heard() -> None:
    assert errors([judged(client_turn_median=(10.0, 8.0))] * 8) == {"client_turn_median": {"relative": 0.2}}


def test_the_error_of_what_was_hardly_ever_defined_is_not_known() -> None:
    assert errors([judged(client_ended_share=(0.5, 0.4))] * 7) == {}


def test_a_contexts_error_is_not_less_than_that_of_all_silences() -> None:
    some = [judged(long_pauses=(4.0, 2.0), long_pauses_client_client=(2.0, 2.0))] * 8
    assert errors(some)["long_pauses_client_client"] == {"absolute": 2.0}


def test_only_metrics_of_the_catalogue_have_errors() -> None:
    every = {metric.id: (1.0, 1.0) for metric in METRICS}
    assert set(errors([judged(**every)] * 8)) == set(every) - {"coverage"}


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
