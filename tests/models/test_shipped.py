"""The model as it ships, in the runtime that is installed here."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from app.hearing.inputs import BEGUN, NetInputs
from app.hearing.model import GLANCE, SEAL, Model, ModelError, at_rest, open_model, seal
from models.training.mixing import first_half

MODELS = Path(__file__).parents[2] / "models"
SHIPPED = MODELS / "hearing.tflite"


def test_it_gives_what_torch_gave_on_real_sound() -> None:
    with np.load(MODELS / "hearing.check.npz") as check:
        shared, direction, loudness, expected = (check[n] for n in ("shared", "direction", "loudness", "expected"))
    model, state = Model(), at_rest(direction.shape[1])
    worst = []
    for block, places, loud, wanted in zip(shared, direction, loudness, expected, strict=True):
        rows, louder = (np.repeat(one[None].astype(np.float32), len(places), axis=0) for one in (block, loud))
        soon = model.glance(state, first_half(rows, louder)[:1])
        belief, state = model.step(NetInputs(rows, places.astype(np.float32), louder), state)
        worst.append(np.abs(np.concatenate([*belief, soon], axis=1) - wanted).mean())
    assert np.mean(worst) < 0.005
    assert expected[..., :8].max() > 0.9  # somebody spoke, so the comparison says something
    assert expected[..., :8].min() < 0.1


def test_a_row_does_not_depend_on_how_many_there_are() -> None:
    rng = np.random.default_rng(0)
    model = Model()
    inputs = NetInputs(*(rng.standard_normal((6, width)).astype(np.float32) for width in (287, 192, 14)))
    six, _ = model.step(inputs, at_rest(6))
    one, _ = model.step(NetInputs(*(part[:1] for part in inputs)), at_rest(1))
    for many, single in zip(six, one, strict=True):
        assert np.allclose(many[:1], single, atol=1e-5)
    begun = rng.standard_normal((1, BEGUN)).astype(np.float32)
    assert np.allclose(model.glance(at_rest(6), begun)[:1], model.glance(at_rest(1), begun), atol=1e-5)


def test_the_net_that_numbers_rest_on_is_the_one_their_errors_were_fitted_on() -> None:
    """What looks ahead or glances may change with each file; other weights would need other errors (errors.json)."""
    interpreter = open_model(SHIPPED)
    layers = [d for d in interpreter.get_tensor_details() if d["dtype"] is np.float16]
    others = ("Linear_trend", "Linear_ahead", "Linear_seen", "Linear_soon")
    kept = [d["index"] for d in layers if not any(name in d["name"] for name in others)]
    weights = b"".join(sorted(interpreter.get_tensor(index).tobytes() for index in kept))
    assert len(kept) == 17
    assert hashlib.sha256(weights).hexdigest()[:16] == "8a0ebff4fd7da9f3"


def test_a_model_of_an_earlier_version_is_refused(tmp_path: Path) -> None:
    """One that is not told how loud it is, and so cannot look ahead."""
    content = SHIPPED.read_bytes()[: -len(SEAL) - 32].replace(b"serving_default_loudness", b"serving_default_loudless")
    path = tmp_path / "earlier.tflite"
    path.write_bytes(seal(content))
    with pytest.raises(ModelError, match=r"not made for this version of Fermata: .*where .*loudness 14.* is needed"):
        Model(path)


def test_a_model_that_cannot_glance_is_refused(tmp_path: Path) -> None:
    content = SHIPPED.read_bytes()[: -len(SEAL) - 32].replace(GLANCE.encode(), b"glimpse"[: len(GLANCE)])
    path = tmp_path / "blind.tflite"
    path.write_bytes(seal(content))
    with pytest.raises(ModelError, match="not made for this version of Fermata: it lacks the signature glance"):
        Model(path)


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
