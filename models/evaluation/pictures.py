"""The contest's curves as pictures: ROC, and bars for what is made harder. Needs matplotlib."""

from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from models.evaluation.contest import FULL, Fixeds, Results, live_area
from models.evaluation.resampling import curve
from models.evaluation.tables import OURS, TITLES, balanced, conditions, detectors

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#999999")
"""Okabe and Ito's, told apart by the colour-blind."""

mpl.use("Agg")


def draw_pictures(results: Results, fixed: Fixeds, folder: Path) -> list[Path]:
    """Writes roc.png and robustness.png into the folder; their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    return [_roc(results, folder / "roc.png"), _robustness(results, fixed, folder / "robustness.png")]


def _roc(results: Results, path: Path) -> Path:
    sets = [name for name in FULL if (name, OURS) in results]
    figure = Figure(figsize=(5.2 * len(sets), 4.6), layout="constrained")
    for place, name in enumerate(sets, 1):
        axes = figure.add_subplot(1, len(sets), place)
        for colour, detector in zip(COLOURS, detectors(results), strict=False):
            one = results[name, detector]
            false, true = curve(one.live.pooled())
            width = 2.4 if detector == OURS else 1.2
            axes.plot(false[0], true[0], color=colour, linewidth=width, label=f"{detector} {live_area(one):.3f}")
            if detector == OURS:
                false, true = curve(one.settled.pooled())
                axes.plot(false[0], true[0], color=colour, linewidth=1.2, linestyle="--", label="ours, settled")
        axes.axvline(0.05, color="#cccccc", linewidth=0.8, zorder=0)
        axes.set(xlim=(0, 0.4), ylim=(0.6, 1.0), xlabel="false-positive rate", ylabel="true-positive rate")
        axes.set_title(TITLES[name], fontsize=9)
        axes.legend(loc="lower right", fontsize=8, title="live as it comes, area")
    figure.savefig(path, dpi=110)
    return path


def _robustness(results: Results, fixed: Fixeds, path: Path) -> Path:
    names, sets = detectors(results), conditions(results)
    figure = Figure(figsize=(10.4, 7.2), layout="constrained")
    rows: tuple[tuple[str, dict[tuple[str, str], float], tuple[float, float]], ...] = (
        ("live ROC-AUC", {key: live_area(one) for key, one in results.items()}, (0.5, 1.0)),
        (
            "balanced error at the threshold\nfixed as recorded",
            {key: balanced(one) for key, one in fixed.items()},
            (0, 0.5),
        ),
    )
    for place, (label, values, limits) in enumerate(rows, 1):
        axes: Any = figure.add_subplot(2, 1, place)
        for k, detector in enumerate(names):
            at = [i + (k - (len(names) - 1) / 2) * 0.8 / len(names) for i in range(len(sets))]
            bars = [values[name, detector] for name in sets]
            axes.bar(at, bars, 0.8 / len(names), color=COLOURS[k % len(COLOURS)], label=detector)
        axes.set(ylim=limits, ylabel=label)
        axes.set_xticks(range(len(sets)), [name.replace(", ", ",\n") for name in sets], fontsize=7)
        axes.grid(axis="y", color="#dddddd", linewidth=0.6)
        axes.set_axisbelow(True)
    figure.axes[0].legend(ncols=len(names), fontsize=8, loc="lower center", bbox_to_anchor=(0.5, 1.0))
    figure.savefig(path, dpi=110)
    return path
