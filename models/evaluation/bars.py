"""What the project asks of the hearing, and what was reached on this material: must, aim, and the figure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from models.evaluation.channel import AS_RECORDED
from models.evaluation.contest import MEETINGS, QUIET_MEETINGS, Fixeds, Result, Results
from models.evaluation.costs import Cost, FeaturesAndNet
from models.evaluation.moments import Point
from models.evaluation.resampling import Counts, Histograms, areas, hits
from models.evaluation.seats import SRP, SeatContest
from models.evaluation.tables import OURS, balanced

HEADER = "| asked | must | aim | clean clips | meetings |\n|---|---|---|---|---|"
ELSEWHERE = "| asked | must | aim | reached |\n|---|---|---|---|"
CALIBRATED = "as calibrated"


@dataclass(frozen=True, slots=True)
class Bar:
    """One figure that is asked for."""

    name: str
    must: float
    aim: float
    is_cost: bool = False
    """Less is better."""

    def row(self, *reached: float | None) -> str:
        """As a table's row; a figure that was not taken is a dash."""
        return f"| {self.name} | {self.must:g} | {self.aim:g} | {' | '.join(map(self._said, reached))} |"

    def _said(self, value: float | None) -> str:
        if value is None or np.isnan(value):
            return "-"
        way = -1 if self.is_cost else 1
        met = "aim" if way * value >= way * self.aim else "must" if way * value >= way * self.must else "short"
        return f"{value:.0f}, {met}" if value >= 10 else f"{value:.3f}, {met}"


def _figure(what: Callable[[Histograms], Counts], is_settled: bool, result: Result) -> float:
    return float(what((result.settled if is_settled else result.live).pooled())[0])


ONE_CHANNEL: tuple[tuple[Bar, Callable[[Result], float]], ...] = (
    (Bar("live ROC-AUC", 0.94, 0.96), partial(_figure, areas, False)),
    (Bar("live TPR at 5 % FPR", 0.80, 0.86), partial(_figure, hits, False)),
    (Bar("live lag, ms", 40, 20, is_cost=True), lambda one: 10.0 * one.lag),
    (Bar("settled ROC-AUC", 0.96, 0.975), partial(_figure, areas, True)),
)
MOMENTS: tuple[tuple[Bar, Callable[[Point], float]], ...] = (
    (Bar("onset median, ms", 60, 40, is_cost=True), lambda point: 1000 * point.onsets[0]),
    (Bar("onset p90, ms", 150, 100, is_cost=True), lambda point: 1000 * point.onsets[1]),
    (Bar("offset median, ms", 80, 50, is_cost=True), lambda point: 1000 * point.offsets[0]),
    (Bar("offset p90, ms", 200, 130, is_cost=True), lambda point: 1000 * point.offsets[1]),
    (Bar("silences < 300 ms found", 0.75, 0.85), lambda point: point.short_found),
    (Bar("silences >= 200 ms found", 0.94, 0.98), lambda point: point.long_found),
    (Bar("silence-length error, ms", 60, 40, is_cost=True), lambda point: 1000 * point.length_error),
)
"""Of the live output on clean clips; meetings have no truth for them."""
ROBUST = {
    "RT60 .6 s": (Bar("live ROC-AUC at RT60 .6 s", 0.895, 0.925), Bar("its balanced error", 0.18, 0.14, is_cost=True)),
    "RT60 .35 s, ventilation 5 dB": (Bar("RT60 .35 s, ventilation 5 dB", 0.88, 0.915), None),
    "32 dB quieter": (Bar("32 dB quieter", 0.92, 0.94), Bar("its balanced error", 0.14, 0.11, is_cost=True)),
    "whisper": (Bar("whisper", 0.84, 0.90), None),
}
QUIETER = {"32 dB quieter": QUIET_MEETINGS}
"""Which of the conditions the meetings went through, too."""


def channel_table(results: Results, fixed: Fixeds) -> str:
    """One channel."""
    sets = [results.get((name, OURS)) for name in (AS_RECORDED.name, MEETINGS)]
    rows = [bar.row(*(None if one is None else figure(one) for one in sets)) for bar, figure in ONE_CHANNEL]
    point = results[AS_RECORDED.name, OURS].point_live
    rows += [bar.row(None if point is None else moment(point), None) for bar, moment in MOMENTS]
    for condition, (area, error) in ROBUST.items():
        keys = [(condition, OURS), (QUIETER.get(condition, ""), OURS)]
        rows.append(area.row(*(_figure(areas, False, results[key]) if key in results else None for key in keys)))
        if error is not None:
            rows.append(error.row(*(balanced(fixed[key]) if key in fixed else None for key in keys)))
    return "\n".join([HEADER, *rows])


def rooms_table(contest: SeatContest, costs: Sequence[Cost]) -> str:
    """Rooms and costs."""
    easy, hard, srp = (
        _means(contest, rooms, method) for rooms, method in (("easy", "ours"), ("hard", "ours"), ("hard", SRP))
    )
    net = next(cost for cost in costs if cost.name == FeaturesAndNet.name)
    rows = [
        Bar("easy rooms: single talk exact", 0.95, 0.975).row(easy["exact"]),
        Bar("easy rooms: DER", 0.10, 0.06, is_cost=True).row(easy["error"]),
        Bar("easy rooms: DER, 250 ms collar", 0.03, 0.02, is_cost=True).row(easy["error_collar"]),
        Bar("easy rooms: overlap F1", 0.50, 0.70).row(easy["overlap_f1"]),
        Bar("hard rooms: DER against SRP-PHAT's", 0.67, 0.5, is_cost=True).row(_ratio(hard, srp, "error")),
        Bar("hard rooms: talk-share error against it", 0.67, 0.5, is_cost=True).row(_ratio(hard, srp, "share_error")),
        Bar("hard rooms: overlap F1", 0.40, 0.65).row(hard["overlap_f1"]),
        Bar("hard rooms: single talk exact", 0.93, 0.96).row(hard["exact"]),
        Bar("CPU of features and net / Silero ONNX", 0.5, 0.25, is_cost=True).row(net.ratio[0]),
        Bar("4 channels, 2 seats, s an hour", 35, 20, is_cost=True).row(
            3600 * contest.cost_s["ours"] / contest.sound_s
        ),
        Bar("file, KB", 250, 150, is_cost=True).row(net.file_kb),
    ]
    return "\n".join([ELSEWHERE, *rows])


def _means(contest: SeatContest, rooms: str, method: str) -> dict[str, float]:
    """Mean over sessions of each score, as calibrated."""
    some = contest.scores.get((rooms, CALIBRATED, method), [])
    names = ("exact", "error", "error_collar", "overlap_f1", "share_error")
    return {name: float(np.nanmean([getattr(s, name) for s in some])) if some else float("nan") for name in names}


def _ratio(one: Mapping[str, float], other: Mapping[str, float], name: str) -> float:
    return one[name] / max(other[name], 1e-9)
