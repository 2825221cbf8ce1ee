"""Scores of many pieces as histograms, so that curves and paired bootstrap intervals cost next to nothing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Flags = NDArray[np.bool_]
Counts = NDArray[np.float64]

BINS = 2000
"""Quantiles of the scores that are told apart."""
DRAWS = 1000


@dataclass(frozen=True, slots=True)
class Histograms:
    """One detector's scores, a row for each piece, or for each draw of pieces."""

    spoken: Counts  # (row, bin) frames of speech
    silent: Counts  # (row, bin)

    def drawn(self, draws: Counts) -> "Histograms":
        """The same with how often each row was drawn: (draw, row) in, (draw, bin) out."""
        return Histograms(draws @ self.spoken, draws @ self.silent)

    def pooled(self) -> "Histograms":
        """All rows as one."""
        return self.drawn(np.ones((1, len(self.spoken))))


def histograms(scores: Sequence[Floats], truths: Sequence[Flags]) -> Histograms:
    """Of each piece's scores (frame,) and truth (frame,)."""
    edges = np.unique(np.quantile(np.concatenate(scores), np.linspace(0, 1, BINS), method="nearest"))
    spoken, silent = np.zeros((2, len(scores), len(edges) + 1))
    for row, (some, truth) in enumerate(zip(scores, truths, strict=True)):
        bins = np.searchsorted(edges, some, "right")
        spoken[row] = np.bincount(bins[truth], minlength=len(edges) + 1)
        silent[row] = np.bincount(bins[~truth], minlength=len(edges) + 1)
    return Histograms(spoken, silent)


def areas(counts: Histograms) -> Counts:
    """(row,) area under the ROC curve; ties count half."""
    below = np.cumsum(counts.silent, 1) - counts.silent / 2
    return np.asarray((counts.spoken * below).sum(1) / (counts.spoken.sum(1) * counts.silent.sum(1)))


def curve(counts: Histograms) -> tuple[Counts, Counts]:
    """False- and true-positive rates (row, point) from nothing heard to all heard."""
    false, true = (np.cumsum(c[:, ::-1], 1) / c.sum(1, keepdims=True) for c in (counts.silent, counts.spoken))
    start = np.zeros((len(false), 1))
    return np.hstack([start, false]), np.hstack([start, true])


def hits(counts: Histograms, false_rate: float = 0.05) -> Counts:
    """(row,) true-positive rate at a false-positive rate."""
    return np.array([np.interp(false_rate, false, true) for false, true in zip(*curve(counts), strict=True)])


def precision_areas(counts: Histograms) -> Counts:
    """(row,) area under the precision-recall curve as average precision (Boyd et al. 2013)."""
    true, false = (np.cumsum(c[:, ::-1], 1) for c in (counts.spoken, counts.silent))
    precision = true / np.maximum(true + false, 1)
    return np.asarray((precision * counts.spoken[:, ::-1]).sum(1) / counts.spoken.sum(1))


def draw(rows: int, seed: int = 1) -> Counts:
    """(DRAWS, row) how often each piece is drawn with replacement."""
    return np.random.default_rng(seed).multinomial(rows, np.full(rows, 1 / rows), DRAWS).astype(np.float64)


@dataclass(frozen=True, slots=True)
class Difference:
    """How far one figure is above another on the same pieces, with its 95 % interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        """As in `+.012 [.003, .020]`; bold where the interval leaves out 0."""
        text = f"{self.value:+.3f} [{self.low:+.3f}, {self.high:+.3f}]"
        return f"**{text}**" if self.low > 0 or self.high < 0 else text


def compare(figure: Callable[[Histograms], Counts], ours: Histograms, other: Histograms) -> Difference:
    """A figure of ours minus the other's; the same pieces are drawn for both."""
    draws = draw(len(ours.spoken))
    drawn = figure(ours.drawn(draws)) - figure(other.drawn(draws))
    value = float((figure(ours.pooled()) - figure(other.pooled()))[0])
    return Difference(value, *np.quantile(drawn, (0.025, 0.975)).tolist())


def compare_means(ours: Sequence[float], other: Sequence[float]) -> Difference:
    """The mean of ours minus that of the other over the same sessions."""
    apart = np.array(ours) - np.array(other)
    drawn = draw(len(apart)) @ apart / len(apart)
    return Difference(float(apart.mean()), *np.quantile(drawn, (0.025, 0.975)).tolist())
