"""The weights of a shipped .tflite back in PyTorch, to the last bit, to train more on a net that stays as it is."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from app.hearing.model import open_model
from models.training.net import Net

SINGLE = ("heard", "placed", "hindsight", "live", "settled")
CELLS = ("first", "second")


def read_net(path: Path) -> Net:
    """The net of a shipped file; what looks ahead and glances is fresh. Raises ModelError."""
    layers = _layers(open_model(path))
    net = Net()
    for name in SINGLE:
        (weight, bias), *_ = layers[f"Linear_{name}"]
        getattr(net, name).load_state_dict({"weight": weight, "bias": bias})
    for name in CELLS:
        found = layers[f"Cell_{name}_cell"]  # of reset, update and new gate in turn: from what is given, from the state
        net_gru: nn.GRU = getattr(net, name)
        net_gru.load_state_dict(
            {
                f"{what}_{source}_l0": torch.cat([layer[part] for layer in found[turn::2]])
                for turn, source in enumerate(("ih", "hh"))
                for part, what in enumerate(("weight", "bias"))
            }
        )
    net.eval()
    return net


def _layers(interpreter: Any) -> "dict[str, list[tuple[torch.Tensor, torch.Tensor]]]":  # noqa: ANN401 - no types
    """Weight and bias of every fully connected layer by the module it was made from, in the order they are run."""
    details = {int(d["index"]): d for d in interpreter.get_tensor_details()}
    halves: dict[int, int] = {}
    found: dict[str, list[tuple[torch.Tensor, torch.Tensor]]] = {}
    for step in interpreter._get_ops_details():  # noqa: SLF001 - the runtimes tell the order of layers nowhere else
        inputs, outputs = [int(i) for i in step["inputs"]], [int(i) for i in step["outputs"]]
        if step["op_name"] == "DEQUANTIZE":
            halves[outputs[0]] = inputs[0]
        elif step["op_name"] == "FULLY_CONNECTED":
            weight, bias = halves[inputs[1]], inputs[2]
            names = details[weight]["name"].split(";")[0].split("/")
            found.setdefault(_module(names), []).append((_tensor(interpreter, weight), _tensor(interpreter, bias)))
    return found


def _module(names: list[str]) -> str:
    """Of a tensor's path the first module of ours or layer, as in Linear_heard or Cell_first_cell."""
    return next(part for name in names for part in [name.rsplit(".", 1)[-1]] if part.startswith(("Linear_", "Cell_")))


def _tensor(interpreter: Any, index: int) -> torch.Tensor:  # noqa: ANN401 - no types
    return torch.from_numpy(np.array(interpreter.get_tensor(index), np.float32))
