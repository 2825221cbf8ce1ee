"""The curve of a training run as a picture: the loss of each step, and its running mean. Needs matplotlib."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

STEPS = 100
"""Of the running mean."""


def draw_losses(losses: Sequence[float], title: str, path: Path) -> None:
    """Writes a PNG; steps that an interrupted run had made before are in it."""
    figure = Figure(figsize=(7.2, 3.6), layout="constrained")
    axes = figure.add_subplot()
    steps = np.arange(1, len(losses) + 1)
    axes.plot(steps, losses, color="#999999", linewidth=0.5, label="each step")
    width = min(STEPS, len(losses))
    mean = np.convolve(losses, np.ones(width) / width, "valid")
    axes.plot(steps[width - 1 :], mean, color="#0072b2", linewidth=2.0, label=f"mean of {width} steps")
    axes.set(xlabel="step", ylabel="loss", title=title)
    axes.legend()
    figure.savefig(path, dpi=110)
