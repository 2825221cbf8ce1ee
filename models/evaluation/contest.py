"""Ours and every installed anchor on one channel in the same run: as recorded, made harder, in meetings."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from click import progressbar
from numpy.typing import NDArray

from models.evaluation.channel import AS_RECORDED, CONDITIONS, QUIETER_DB, Condition, Piece, dry, meetings, record
from models.evaluation.detectors import Detector
from models.evaluation.moments import Point, earlier, lag, operating_point
from models.evaluation.resampling import Histograms, areas, histograms
from models.training.corpus import Clip

Floats = NDArray[np.float32]
Flags = NDArray[np.bool_]

MEETINGS = "meetings"
QUIET_MEETINGS = "meetings, 32 dB quieter"
FULL = (AS_RECORDED.name, MEETINGS)
"""Sets on which also moments and silences are looked at."""


@dataclass(frozen=True, slots=True)
class Result:
    """One detector on one set."""

    live: Histograms
    settled: Histograms
    """Of the settled output; of anchors, that have none, the live one with its lag removed."""
    lag: int
    """Frames."""
    point_live: Point | None
    point_settled: Point | None
    threshold: float
    """Of the live output, where the balanced error on this set is least."""


@dataclass(frozen=True, slots=True)
class Fixed:
    """Frames heard wrongly at a threshold fixed as recorded, a row for each piece."""

    missed: NDArray[np.float64]
    spoken: NDArray[np.float64]
    false: NDArray[np.float64]
    silent: NDArray[np.float64]

    def error(self, draws: NDArray[np.float64]) -> NDArray[np.float64]:
        """(draw,) balanced error of drawn pieces."""
        return np.asarray(
            (draws @ self.missed) / (draws @ self.spoken) / 2 + (draws @ self.false) / (draws @ self.silent) / 2
        )

    @property
    def kept(self) -> float:
        """Share of the speech that is heard."""
        return float(1 - self.missed.sum() / self.spoken.sum())


Results = dict[tuple[str, str], Result]
"""By set and detector."""
Fixeds = dict[tuple[str, str], Fixed]


def compete(
    clips: Sequence[Clip],
    detectors: Sequence[Detector],
    minutes: float,
    conditions: Sequence[Condition] = CONDITIONS,
) -> tuple[Results, Fixeds]:
    """All detectors on all sets, one set at a time in memory; as recorded comes first. Raises CorpusError."""
    pieces = dry(clips, minutes)
    sets: dict[str, Callable[[], list[Piece]]] = {c.name: partial(record, pieces, c) for c in conditions}
    if meetings(clips):
        sets |= {MEETINGS: partial(meetings, clips), QUIET_MEETINGS: partial(meetings, clips, QUIETER_DB)}
    results, fixed = Results(), Fixeds()
    for name, make in sets.items():
        some = make()
        truths = [piece.spoken for piece in some]
        with progressbar(detectors, label=f"{name:30}", file=sys.stderr) as bar:
            for detector in bar:
                live, settled, late = _listen(detector, some, as_recorded(name) != MEETINGS)
                results[name, detector.name] = Result(
                    histograms(live, truths),
                    histograms(settled, truths),
                    late,
                    operating_point(live, truths) if name in FULL else None,
                    operating_point(settled, truths) if name in FULL else None,
                    best_threshold(live, truths),
                )
                threshold = results[as_recorded(name), detector.name].threshold
                fixed[name, detector.name] = at_fixed(live, truths, threshold)
    return results, fixed


def as_recorded(name: str) -> str:
    """The set that a set was made from."""
    return MEETINGS if name in {MEETINGS, QUIET_MEETINGS} else AS_RECORDED.name


def _listen(detector: Detector, pieces: Sequence[Piece], as_one: bool) -> tuple[list[Floats], list[Floats], int]:
    """Its live and settled scores of each piece, and the lag of the live ones.

    As one: the pieces one after another in one go, as a session is, and not each from a cold start.
    """
    streams = [np.concatenate([piece.samples for piece in pieces])] if as_one else [piece.samples for piece in pieces]
    answers = [detector.listen(stream) for stream in streams]
    ends = np.cumsum([len(piece.spoken) for piece in pieces])[:-1]
    live = np.split(np.concatenate([answer.live for answer in answers]), ends)
    hindsight = [answer.settled for answer in answers if answer.settled is not None]
    late = lag(live, [piece.spoken for piece in pieces])
    settled = np.split(np.concatenate(hindsight), ends) if hindsight else [earlier(some, late) for some in live]
    return live, settled, late


def best_threshold(scores: Sequence[Floats], truths: Sequence[Flags]) -> float:
    """Where the balanced error is least."""
    every, truth = np.concatenate(scores), np.concatenate(truths)
    tried = np.unique(np.quantile(every, np.linspace(0, 1, 500), method="nearest"))
    errors = [(every[truth] < t).mean() + (every[~truth] >= t).mean() for t in tried]
    return float(tried[int(np.argmin(errors))])


def at_fixed(scores: Sequence[Floats], truths: Sequence[Flags], threshold: float) -> Fixed:
    """What is heard wrongly at a threshold."""
    counts = [
        (int((s[t] < threshold).sum()), int(t.sum()), int((s[~t] >= threshold).sum()), int((~t).sum()))
        for s, t in zip(scores, truths, strict=True)
    ]
    return Fixed(*np.array(counts, np.float64).T)


def live_area(result: Result) -> float:
    """ROC area of the live output over all pieces."""
    return float(areas(result.live.pooled())[0])
