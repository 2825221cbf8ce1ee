"""What each detector costs: time of one core against Silero's, taken in turns; memory in a process of its own; file."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.hearing.features import BLOCK, RATE, Ears
from app.hearing.inputs import Inputs
from app.hearing.model import Model, at_rest
from models.evaluation.detectors import Answers, Detector, Ours, Silero
from models.evaluation.memory import weigh
from models.evaluation.scores import as_it_came
from models.training.channels import ONE

ROUNDS = 20
STRETCH_S = 10


@dataclass(frozen=True, slots=True)
class Cost:
    """One detector's."""

    name: str
    seconds_an_hour: float
    """Of one core for an hour of sound, median of the rounds."""
    ratio: tuple[float, float, float]
    """To Silero's in the same round: median, 10th and 90th percentile; nan without it."""
    memory_mb: float
    """By which loading it and hearing 10 s made a fresh process grow; nan where the system does not tell."""
    file_kb: float


def costs(
    detectors: Sequence[Detector],
    path: Path,
    samples: NDArray[np.int16],
    rounds: int = ROUNDS,
    stretch_s: int = STRETCH_S,
) -> list[Cost]:
    """Of all detectors and of our features and net alone, on stretches of one channel (sample,)."""
    runners: list[Detector] = [FeaturesAndNet(path), *detectors]
    took: dict[str, list[float]] = {each.name: [] for each in runners}
    for turn in range(rounds):
        start = turn * stretch_s * RATE % max(1, len(samples) - stretch_s * RATE)
        stretch = samples[start : start + stretch_s * RATE]
        for each in runners:
            begun = time.process_time()
            each.listen(stretch)
            took[each.name].append(time.process_time() - begun)
    silero = np.array(took.get(Silero.name, [np.nan] * rounds))
    return [
        Cost(
            each.name,
            float(np.median(took[each.name])) * 3600 / stretch_s,
            _spread(np.array(took[each.name]) / silero),
            weigh(Ours.name if each is runners[0] else each.name, path, samples[: stretch_s * RATE]),
            each.file.stat().st_size / 1000,
        )
        for each in runners
    ]


class FeaturesAndNet:
    """Our features and net in blocks of 40 ms, without what hearing does around them."""

    name = "ours, features and net alone"

    def __init__(self, path: Path) -> None:
        self.file = path
        self._model = Model(path)

    def listen(self, samples: NDArray[np.int16]) -> Answers:
        """All whole blocks."""
        ears, inputs, state, live = Ears(ONE, ()), Inputs(), at_rest(1), []
        for at in range(0, len(samples) - BLOCK + 1, BLOCK):
            features = ears.sense(samples[None, at : at + BLOCK])
            belief, state = self._model.step(inputs.prepare(features), state)
            live.append(belief.live_any[0])
        return Answers(as_it_came(np.concatenate(live)))


def _spread(ratios: NDArray[np.float64]) -> tuple[float, float, float]:
    low, middle, high = np.quantile(ratios, (0.1, 0.5, 0.9)).tolist()
    return middle, low, high


def table(some: Sequence[Cost]) -> str:
    """As Markdown."""
    rows = [
        "| cost | s of one core an hour of sound | CPU / Silero ONNX | memory MB | file KB |",
        "|---|---|---|---|---|",
    ]
    for cost in some:
        middle, low, high = cost.ratio
        rows.append(
            f"| {cost.name} | {cost.seconds_an_hour:.1f} | {middle:.2f} [{low:.2f}, {high:.2f}] | "
            f"{cost.memory_mb:.0f} | {cost.file_kb:,.0f} |"
        )
    return "\n".join(rows)
