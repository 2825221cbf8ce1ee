"""The model as it ships, in the runtime that is installed here."""

from pathlib import Path

import numpy as np
import pytest

from app.hearing.inputs import NetInputs
from app.hearing.model import SEAL, Model, ModelError, at_rest, seal

MODELS = Path(__file__).parents[2] / "models"
SHIPPED = MODELS / "hearing.tflite"


def test_it_gives_what_torch_gave_on_real_sound() -> None:
    with np.load(MODELS / "hearing.check.npz") as check:
        shared, direction, expected = check["shared"], check["direction"], check["expected"]
    model, state = Model(), at_rest(direction.shape[1])
    worst = []
    for block, places, wanted in zip(shared, direction, expected, strict=True):
        rows = np.repeat(block[None].astype(np.float32), len(places), axis=0)
        belief, state = model.step(NetInputs(rows, places.astype(np.float32)), state)
        given = np.concatenate([belief.live_seat, belief.live_any, belief.settled_seat, belief.settled_any], axis=1)
        worst.append(np.abs(given - wanted).mean())
    assert np.mean(worst) < 0.005
    assert expected[..., :8].max() > 0.9  # somebody spoke, so the comparison says something
    assert expected[..., :8].min() < 0.1


def test_a_row_does_not_depend_on_how_many_there_are() -> None:
    rng = np.random.default_rng(0)
    model = Model()
    widths = (287, 192)
    shared, direction = (rng.standard_normal((6, width)).astype(np.float32) for width in widths)
    six, _ = model.step(NetInputs(shared, direction), at_rest(6))
    one, _ = model.step(NetInputs(shared[:1], direction[:1]), at_rest(1))
    assert np.allclose(six.live_seat[:1], one.live_seat, atol=1e-5)


def test_it_is_small() -> None:
    assert SHIPPED.stat().st_size <= 250_000


def test_the_card_tells_licences_figures_and_failures() -> None:
    card = (MODELS / "card.md").read_text()
    for word in ("CC-BY-4.0", "Silero", "## Figures", "## Where it fails", "single-talk"):
        assert word in card


@pytest.mark.parametrize("kept", [0, 5, 20_000, 100_000, -1])
def test_a_truncated_model_is_refused(tmp_path: Path, kept: int) -> None:
    path = tmp_path / "cut.tflite"
    path.write_bytes(SHIPPED.read_bytes()[:kept])
    with pytest.raises(ModelError, match="not a TFLite model" if kept in {0, 5} else "cut off"):
        Model(path)


def test_a_foreign_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "song.tflite"
    path.write_bytes(b"RIFF" * 10_000)
    with pytest.raises(ModelError, match="is not a TFLite model"):
        Model(path)


def test_a_changed_byte_is_noticed(tmp_path: Path) -> None:
    content = bytearray(SHIPPED.read_bytes())
    content[50_000] ^= 1
    path = tmp_path / "changed.tflite"
    path.write_bytes(content)
    with pytest.raises(ModelError, match="damaged"):
        Model(path)


def test_a_missing_model_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be read"):
        Model(tmp_path / "none.tflite")


def test_a_model_of_another_shape_is_refused(tmp_path: Path) -> None:
    content = SHIPPED.read_bytes()[: -len(SEAL) - 32].replace(b"serving_default_shared", b"serving_default_shaved")
    path = tmp_path / "other.tflite"
    path.write_bytes(seal(content))
    with pytest.raises(ModelError, match=r"not made for this version of Fermata: it takes .*shaved 287"):
        Model(path)
