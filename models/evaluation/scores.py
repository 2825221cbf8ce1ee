"""Scores of what was heard against the truth; all of them count abstaining as wrong."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.conversation.vocabulary import Silence

Flags = NDArray[np.bool_]

SILENCE = 300
"""Frames (3 s) from which a silence counts."""


def as_it_came(live: NDArray[np.float32], block: int = 4) -> NDArray[np.float32]:
    """The newest value at the end of each frame, the wait for its block included; 0 before the first."""
    ends = (np.arange(len(live)) + 1) // block * block
    return np.where(ends > 0, live[np.maximum(ends - 1, 0)], np.float32(0))


@dataclass(frozen=True, slots=True)
class SeatScores:
    """One session's seats, frame by frame."""

    exact: float
    """Share of single-talk frames in which exactly that seat was heard."""
    wrong: float
    """Share of them in which another seat was heard."""
    error: float
    """Diarisation error rate without a collar: missed, false and confused over spoken seat time."""
    error_collar: float
    """The same without 250 ms around each boundary."""
    overlap_f1: float
    share_error: float
    """Difference of the first seat's share of all seat time."""


def score_seats(heard: Flags, truth: Flags) -> SeatScores:
    """Scores of (frame, seat) flags."""
    single = truth.sum(1) == 1
    far = ~_near(truth, 25)
    both, said = heard.all(1), truth.all(1)
    return SeatScores(
        exact=float((heard[single] == truth[single]).all(1).mean()),
        wrong=float((heard[single] & ~truth[single]).any(1).mean()),
        error=_error_rate(heard, truth),
        error_collar=_error_rate(heard[far], truth[far]),
        overlap_f1=f1(int((both & said).sum()), int(both.sum()), int(said.sum())),
        share_error=abs(_share(heard) - _share(truth)),
    )


def _error_rate(heard: Flags, truth: Flags) -> float:
    right = (heard & truth).sum(1)
    return float((np.maximum(heard.sum(1), truth.sum(1)) - right).sum() / max(1, int(truth.sum())))


def _near(truth: Flags, frames: int) -> Flags:
    """(frame,) whether a boundary of any seat is within so many frames."""
    changes = np.flatnonzero((truth[1:] != truth[:-1]).any(1)) + 1
    near = np.zeros(len(truth), np.bool_)
    for change in changes:
        near[max(0, change - frames) : change + frames] = True
    return near


def _share(flags: Flags) -> float:
    return float(flags[:, 0].sum() / max(1, int(flags.sum())))


def f1(both: int, heard: int, true: int) -> float:
    """F1 of counts; nan where there is nothing."""
    return 2 * both / (heard + true) if heard + true else float("nan")


def match_silences(heard: Sequence[Silence], true: Sequence[Silence]) -> tuple[int, int, int]:
    """Of the silences of 3 s and more: how many match, overlapping by half of both together; how many each."""
    found = [s for s in heard if s.frames >= SILENCE]
    wanted = [s for s in true if s.frames >= SILENCE]
    left = list(found)
    matched = 0
    for one in wanted:
        best = max(left, key=lambda s: _overlap(s, one), default=None)
        if best is not None and _overlap(best, one) >= 0.5:
            matched += 1
            left.remove(best)
    return matched, len(found), len(wanted)


def _overlap(one: Silence, other: Silence) -> float:
    common = min(one.end, other.end) - max(one.start, other.start)
    return max(0, common) / (max(one.end, other.end) - min(one.start, other.start))
