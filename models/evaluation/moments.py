"""When a detector hears speech begin and end, and which silences it finds, at one operating point for all."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.evaluation.resampling import areas, histograms

Floats = NDArray[np.float32]
Flags = NDArray[np.bool_]

LATEST = 20
"""Frames that a lag is looked for."""
LEAST_RECALL = 0.88
MOST_FALSE_GAPS = 10.0
"""A minute of speech."""
LEAST_SILENCE = 10
"""Frames (100 ms) from which a true silence between speech is to be found; shorter ones are stops inside words."""
SHORT, LONG = 30, 20
"""Frames: silences under 300 ms, silences of 200 ms and more."""


def lag(scores: Sequence[Floats], truths: Sequence[Flags]) -> int:
    """Frames by which the scores are late: the shift with the largest ROC area."""
    by_shift = [
        float(areas(histograms([earlier(s, shift) for s in scores], truths).pooled())[0]) for shift in range(LATEST + 1)
    ]
    return int(np.argmax(by_shift))


def earlier(scores: Floats, frames: int) -> Floats:
    """The scores moved to so many frames before; the last one stays."""
    return np.concatenate([scores[frames:], np.repeat(scores[-1:], min(frames, len(scores)))])


def runs(flags: Flags) -> NDArray[np.int64]:
    """(run, 2) first and past-the-last frame of each run of True."""
    return np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]))).reshape(-1, 2)


def inner(silent: Flags) -> NDArray[np.int64]:
    """The runs of silence with speech before and after."""
    found = runs(silent)
    return found[(found[:, 0] > 0) & (found[:, 1] < len(silent))]


@dataclass(frozen=True, slots=True)
class Point:
    """What a detector does at one threshold."""

    threshold: float
    recall: float
    false_gaps: float
    """Silences heard inside true speech, a minute of it."""
    short_found: float
    """Share of the true silences of 100 to 300 ms of which at least a frame was heard."""
    long_found: float
    """The same of 200 ms and more."""
    length_error: float
    """Median difference in length of the found ones, seconds."""
    onsets: tuple[float, float]
    """Median and 90th percentile of how late speech is heard to begin, seconds."""
    offsets: tuple[float, float]


def operating_point(scores: Sequence[Floats], truths: Sequence[Flags], steps: int = 100) -> Point:
    """The highest threshold with enough recall and few false gaps; the lowest tried hears all speech, and no gap."""
    spoken = np.concatenate([some[truth] for some, truth in zip(scores, truths, strict=True)])
    thresholds = np.unique(np.quantile(spoken, np.linspace(0, 1 - LEAST_RECALL, steps), method="nearest"))
    for threshold in thresholds[:0:-1]:
        heard = [some >= threshold for some in scores]
        if _false_gaps(heard, truths) <= MOST_FALSE_GAPS:
            point = at(float(threshold), heard, truths)
            if point.recall >= LEAST_RECALL:
                return point
    return at(float(thresholds[0]), [some >= thresholds[0] for some in scores], truths)


def at(threshold: float, heard: Sequence[Flags], truths: Sequence[Flags]) -> Point:
    """All figures of what was heard, (frame,) flags for each piece."""
    true, found = (np.concatenate(x) for x in zip(*map(_silences, heard, truths), strict=True))
    short, long = (true >= LEAST_SILENCE) & (true < SHORT), true >= LONG
    every = (true >= LEAST_SILENCE) & (found > 0)
    onsets, offsets = (
        np.concatenate([late(some == spoken, truth == spoken) for some, truth in zip(heard, truths, strict=True)])
        for spoken in (True, False)
    )
    hit = sum(int((some & truth).sum()) for some, truth in zip(heard, truths, strict=True))
    return Point(
        threshold,
        hit / sum(int(truth.sum()) for truth in truths),
        _false_gaps(heard, truths),
        _mean(found[short] > 0),
        _mean(found[long] > 0),
        float(np.median(np.abs(found - true)[every]) / 100) if every.any() else float("nan"),
        _spread(onsets),
        _spread(offsets),
    )


def late(heard: Flags, truth: Flags) -> NDArray[np.int64]:
    """Frames after the begin of each true run until it is heard; negative if it was heard to begin before.

    Runs that begin the piece are left out, and those not heard to begin between the truth's changes around them.
    """
    delays = []
    changes = np.concatenate([[0], np.flatnonzero(np.diff(truth)) + 1, [len(truth)]])
    for before, begin, end in zip(changes[:-2], changes[1:-1], changes[2:], strict=True):
        if not truth[begin]:
            continue
        if heard[begin]:
            others = np.flatnonzero(~heard[before:begin])
            if len(others):
                delays.append(int(before + others[-1] + 1 - begin))
        else:
            hits = np.flatnonzero(heard[begin:end])
            if len(hits):
                delays.append(int(hits[0]))
    return np.array(delays, np.int64)


def _silences(heard: Flags, truth: Flags) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Length of each inner true silence, and of the longest heard one that overlaps it, 0 if none does; frames."""
    gaps = runs(~heard)
    lengths, found = [], []
    for begin, end in inner(~truth):
        touching = gaps[(gaps[:, 0] < end) & (gaps[:, 1] > begin)]
        lengths.append(end - begin)
        found.append((touching[:, 1] - touching[:, 0]).max() if len(touching) else 0)
    return np.array(lengths, np.int64), np.array(found, np.int64)


def _false_gaps(heard: Sequence[Flags], truths: Sequence[Flags]) -> float:
    """Heard silences that touch no true one, a minute of speech."""
    count, frames = 0, 0
    for some, truth in zip(heard, truths, strict=True):
        silent = np.concatenate([[0], np.cumsum(~truth)])
        gaps = runs(~some)
        count += int((silent[gaps[:, 1]] == silent[gaps[:, 0]]).sum())
        frames += int(truth.sum())
    return count / (frames / 6000)


def _mean(flags: Flags) -> float:
    return float(flags.mean()) if len(flags) else float("nan")


def _spread(frames: NDArray[np.int64]) -> tuple[float, float]:
    if not len(frames):
        return float("nan"), float("nan")
    return float(np.median(frames)) / 100, float(np.quantile(frames, 0.9)) / 100
