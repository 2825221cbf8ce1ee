"""The net in PyTorch: as it is trained, over whole rows, and as it ships, one step at a time with its state outside.

shared 287 -> 56, direction 192 -> 40; both -> ReLU = encoded -> GRU 64 -> GRU 64 = second
live:    second, encoded                           -> 4 x seat, 4 x anybody
settled: second of this and two steps before -> 40 ReLU -> the same for frames 7 earlier
ahead:   anybody of live and settled, loudness 14 -> 16 ReLU; that, anybody of live -> anybody in 3 frames to come
glance:  second, the first 2 frames of the block to come as 86 -> 48 ReLU -> anybody in its frames 1 and 2
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from app.hearing.features import BLOCK_FRAMES, HALF_FRAMES
from app.hearing.inputs import BEGUN, DIRECTED, LOUDNESS, SHARED
from app.hearing.model import AHEAD, MEMORY

HEARD, PLACED, HINDSIGHT, TREND, SEEN = 56, 40, 40, 16, 48
OUT = 2 * BLOCK_FRAMES
ANYBODY = range(BLOCK_FRAMES, OUT)
"""Which of the outputs are P(anybody speaks)."""


class Net(nn.Module):  # type: ignore[misc] # torch is unknown where it is not installed
    """What is trained."""

    def __init__(self) -> None:
        super().__init__()
        self.heard = nn.Linear(SHARED, HEARD)
        self.placed = nn.Linear(DIRECTED, PLACED)
        self.first = nn.GRU(HEARD + PLACED, MEMORY, batch_first=True)
        self.second = nn.GRU(MEMORY, MEMORY, batch_first=True)
        self.live = nn.Linear(MEMORY + HEARD + PLACED, OUT)
        self.hindsight = nn.Linear(3 * MEMORY, HINDSIGHT)
        self.settled = nn.Linear(HINDSIGHT, OUT)
        self.trend = nn.Linear(2 * BLOCK_FRAMES + LOUDNESS, TREND)
        self.ahead = nn.Linear(TREND + BLOCK_FRAMES, AHEAD)
        self.seen = nn.Linear(MEMORY + BEGUN, SEEN)
        self.soon = nn.Linear(SEEN, HALF_FRAMES)
        nn.init.zeros_(self.ahead.weight)
        with torch.no_grad():
            self.ahead.weight[:, -1] = 1.0  # at first the last frame's value for all to come

    def forward(self, shared: Tensor, direction: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Logits (row, block, OUT), live and settled, of rows that begin at rest; and the memory after each block."""
        encoded = torch.relu(torch.cat([self.heard(shared), self.placed(direction)], 2))
        second, _ = self.second(self.first(encoded)[0])
        once = nn.functional.pad(second, (0, 0, 1, 0))[:, :-1]
        twice = nn.functional.pad(second, (0, 0, 2, 0))[:, :-2]
        live = self.live(torch.cat([second, encoded], 2))
        settled = self.settled(torch.relu(self.hindsight(torch.cat([second, once, twice], 2))))
        return live, settled, second

    def look_ahead(self, live: Tensor, settled: Tensor, loudness: Tensor) -> Tensor:
        """Logits (…, AHEAD) of anybody speaking after a block, of the logits that it has given, and its loudness."""
        anybody = live[..., BLOCK_FRAMES:]
        trend = torch.relu(self.trend(torch.cat([anybody, settled[..., BLOCK_FRAMES:], loudness], -1)))
        return self.ahead(torch.cat([trend, anybody], -1))

    def glance(self, second: Tensor, begun: Tensor) -> Tensor:
        """Logits (…, HALF_FRAMES) of anybody speaking as a block goes on, of the memory before and its first half."""
        return self.soon(torch.relu(self.seen(torch.cat([second, begun], -1))))


class Cell(nn.Module):  # type: ignore[misc] # torch is unknown where it is not installed
    """One step of a trained GRU, in operations that every TFLite runtime has and that any number of rows fits."""

    def __init__(self, gru: nn.GRU) -> None:
        super().__init__()
        self.inputs = nn.ModuleList(_linear(w, b) for w, b in _thirds(gru.weight_ih_l0, gru.bias_ih_l0))
        self.states = nn.ModuleList(_linear(w, b) for w, b in _thirds(gru.weight_hh_l0, gru.bias_hh_l0))

    def forward(self, given: Tensor, state: Tensor) -> Tensor:
        """The new state."""
        reset = torch.sigmoid(self.inputs[0](given) + self.states[0](state))
        keep = torch.sigmoid(self.inputs[1](given) + self.states[1](state))
        new = torch.tanh(self.inputs[2](given) + reset * self.states[2](state))
        return new + keep * (state - new)


class Step(nn.Module):  # type: ignore[misc] # torch is unknown where it is not installed
    """What ships: one block, probabilities, the state in and out under the names that app.hearing.model expects."""

    def __init__(self, net: Net) -> None:
        super().__init__()
        self.net = net
        self.first_cell = Cell(net.first)
        self.second_cell = Cell(net.second)
        self.trend = _spread(net.trend, [*ANYBODY, *(OUT + n for n in ANYBODY), *range(2 * OUT, 2 * OUT + LOUDNESS)])
        self.ahead = _spread(net.ahead, [*range(TREND), *(TREND + n for n in ANYBODY)])

    def forward(
        self, shared: Tensor, direction: Tensor, loudness: Tensor, first: Tensor, second: Tensor, before: Tensor
    ) -> dict[str, Tensor]:
        """The outputs of one step, (row, …)."""
        encoded = torch.relu(torch.cat([self.net.heard(shared), self.net.placed(direction)], 1))
        first_next = self.first_cell(encoded, first)
        second_next = self.second_cell(first_next, second)
        looked_back = torch.relu(self.net.hindsight(torch.cat([second_next, second, before], 1)))
        live = self.net.live(torch.cat([second_next, encoded], 1))
        settled = self.net.settled(looked_back)
        trend = torch.relu(self.trend(torch.cat([live, settled, loudness], 1)))
        return {
            "live": torch.sigmoid(live),
            "settled": torch.sigmoid(settled),
            "ahead": torch.sigmoid(self.ahead(torch.cat([trend, live], 1))),
            "first_next": first_next,
            "second_next": second_next,
        }


class Glance(nn.Module):  # type: ignore[misc] # torch is unknown where it is not installed
    """What ships beside it, under the names that app.hearing.model expects: a glance between two steps."""

    def __init__(self, net: Net) -> None:
        super().__init__()
        self.net = net

    def forward(self, second: Tensor, begun: Tensor) -> dict[str, Tensor]:
        """The outputs, (row, …)."""
        return {"soon": torch.sigmoid(self.net.glance(second, begun))}


def _thirds(weight: Tensor, bias: Tensor) -> list[tuple[Tensor, Tensor]]:
    """The weights of reset, update and new gate, in PyTorch's order."""
    return list(zip(weight.detach().chunk(3), bias.detach().chunk(3), strict=True))


def _linear(weight: Tensor, bias: Tensor) -> nn.Linear:
    layer = nn.Linear(weight.shape[1], weight.shape[0])
    with torch.no_grad():
        layer.weight.copy_(weight)
        layer.bias.copy_(bias)
    return layer


def _spread(layer: nn.Linear, columns: Sequence[int]) -> nn.Linear:
    """The same layer with its inputs at these columns of a wider vector: no runtime need cut the vector up."""
    wide = torch.zeros(layer.out_features, max(columns) + 1)
    wide[:, list(columns)] = layer.weight.detach()
    return _linear(wide, layer.bias.detach())


def size(net: nn.Module) -> int:
    """Number of parameters."""
    return sum(parameter.numel() for parameter in net.parameters())
