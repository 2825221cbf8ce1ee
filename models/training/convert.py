"""From the trained net to the shipped file: litert-torch, float16 weights, compared with torch, sealed."""

from collections.abc import Iterable
from pathlib import Path

import litert_torch
import numpy as np
import torch
from ai_edge_quantizer import qtyping, quantizer
from numpy.typing import NDArray

from app.hearing.inputs import NetInputs
from app.hearing.model import GLANCE, GLANCE_INPUTS, INPUTS, Model, State, at_rest, seal
from models.training.mixing import first_half
from models.training.net import Glance, Net, Step

TOLERANCE = 0.005
"""The most that the shipped file's probabilities may be off torch's float32, on average."""


class ConversionError(Exception):
    """A converted model that is not what was trained."""


def convert(net: Net, path: Path) -> int:
    """Writes the net as a sealed .tflite with float16 weights; its size in bytes."""
    whole, half = path.with_suffix(".float32.tflite"), path.with_suffix(".float16.tflite")
    signed = litert_torch.signature("serving_default", Step(net).eval(), sample_kwargs=zeros(INPUTS))
    signed.signature(GLANCE, Glance(net).eval(), sample_kwargs=zeros(GLANCE_INPUTS)).convert().export(str(whole))
    # The quantizer's default int8 is silently wrong in tflite-runtime 2.14; float casting is exact to 1e-3.
    caster = quantizer.Quantizer(str(whole))
    caster.update_quantization_recipe(
        regex=".*",
        operation_name=qtyping.TFLOperationName.ALL_SUPPORTED,
        op_config=qtyping.OpQuantizationConfig(
            weight_tensor_config=qtyping.TensorQuantizationConfig(num_bits=16, dtype=qtyping.TensorDataType.FLOAT),
            compute_precision=qtyping.ComputePrecision.FLOAT,
        ),
        algorithm_key="float_casting",
    )
    caster.quantize().export_model(str(half), overwrite=True)
    content = seal(half.read_bytes())
    path.write_bytes(content)
    whole.unlink()
    half.unlink()
    return len(content)


def zeros(widths: dict[str, int]) -> "dict[str, torch.Tensor]":
    """One row of each input."""
    return {name: torch.zeros(1, width) for name, width in widths.items()}


def run_torch(net: Net, blocks: Iterable[NetInputs]) -> NDArray[np.float32]:
    """(block, row, 21) live, settled and ahead outputs of the float32 net, step by step; the glance before each."""
    step, glance = Step(net).eval(), Glance(net).eval()
    state: State | None = None
    outputs = []
    with torch.no_grad():
        for inputs in blocks:
            state = state or at_rest(len(inputs.shared))
            given = (*inputs, *state)
            out = {name: value.numpy() for name, value in step(*map(torch.from_numpy, given)).items()}
            begun = torch.from_numpy(first_half(inputs.shared, inputs.loudness))
            soon = glance(torch.from_numpy(state.second), begun)["soon"].numpy()
            outputs.append(np.concatenate([out["live"], out["settled"], out["ahead"], soon], axis=1))
            state = State(out["first_next"], out["second_next"], state.second)
    return np.stack(outputs)


def run_model(model: Model, blocks: Iterable[NetInputs]) -> NDArray[np.float32]:
    """The same of the shipped file in the installed runtime."""
    state: State | None = None
    outputs = []
    for inputs in blocks:
        state = state or at_rest(len(inputs.shared))
        soon = model.glance(state, first_half(inputs.shared, inputs.loudness)[:1])
        belief, state = model.step(inputs, state)
        outputs.append(np.concatenate([*belief, soon], axis=1))
    return np.stack(outputs)


def compare(net: Net, path: Path, blocks: list[NetInputs]) -> float:
    """Mean difference of the file from the net on real sound. Raises ConversionError beyond TOLERANCE."""
    difference = float(np.abs(run_torch(net, blocks) - run_model(Model(path), blocks)).mean())
    if difference > TOLERANCE:
        raise ConversionError(f"{path} differs from what was trained by {difference:.4f}: the conversion is broken")
    return difference


def write_check(path: Path, net: Net, blocks: list[NetInputs]) -> None:
    """Keeps inputs and what torch makes of them, so that any runtime can be checked without torch."""
    rounded = [NetInputs(*(part.astype(np.float16).astype(np.float32) for part in b)) for b in blocks]
    np.savez_compressed(
        path,
        shared=np.stack([b.shared[0] for b in blocks]).astype(np.float16),
        direction=np.stack([b.direction for b in blocks]).astype(np.float16),
        loudness=np.stack([b.loudness[0] for b in blocks]).astype(np.float16),
        expected=run_torch(net, rounded),
    )
