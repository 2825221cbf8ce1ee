"""The report of a validation: one value for JSON, and the same as Markdown."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from app.catalogue import METRICS
from app.validation.figures import FIGURES, Figure, counted, interval
from app.validation.outcome import Outcome
from app.validation.plan import Plan

ALL = "all"


def summary(plan: Plan, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Everything that was found, as plain values."""
    groups = grouped(outcomes)
    return {
        "plan": {
            "array": plan.array.name,
            "voices": len(plan.people),
            "rooms": [asdict(rooms) for rooms in plan.rooms],
            "sessions": len(outcomes),
            "hours": sum(outcome.seconds for outcome in outcomes) / 3600,
            "silences": counted(outcomes, "silences", True).true,
            "seed": plan.seed,
            "turns": "given" if plan.turns else "drawn",
        },
        "figures": [
            {
                "figure": figure.name,
                "unit": figure.unit,
                "must": figure.must,
                "aim": figure.aim,
                "rules": figure.get(outcomes, False),
                **{name: figure.get(group, True) for name, group in groups.items()},
            }
            for figure in FIGURES
        ],
        "metrics": {metric.id: _interval(outcomes, metric.id) for metric in METRICS},
        "sessions": [session(outcome) for outcome in outcomes],
    }


def grouped(outcomes: Sequence[Outcome]) -> dict[str, Sequence[Outcome]]:
    """The sessions by kind of rooms, and all of them where there are several kinds."""
    kinds = dict.fromkeys(outcome.rooms for outcome in outcomes)
    groups: dict[str, Sequence[Outcome]] = {kind: [o for o in outcomes if o.rooms == kind] for kind in kinds}
    return groups | ({ALL: outcomes} if len(kinds) > 1 else {})


def session(outcome: Outcome) -> dict[str, Any]:
    """One session as plain values."""
    plain = asdict(outcome)
    return plain | {"exact": outcome.is_exact}


def _interval(outcomes: Sequence[Outcome], name: str) -> dict[str, Any] | None:
    found = interval(outcomes, name)
    return None if found is None else asdict(found) | {"widths_per_error": found.widths_per_error}


def markdown(report: Mapping[str, Any]) -> str:
    """A summary as Markdown."""
    return "\n".join([*_head(report["plan"]), "", *_figures(report["figures"]), "", *_metrics(report["metrics"]), ""])


def _head(plan: Mapping[str, Any]) -> Iterator[str]:
    yield "# How far the numbers are off, in simulated rooms"
    yield ""
    yield (
        f"{plan['sessions']} sessions, {plan['hours']:.1f} h, {plan['silences']} silences of 3 s and more, "
        f"{plan['voices']} voices, array {plan['array']}, talk {plan['turns']}, seed {plan['seed']}."
    )
    for rooms in plan["rooms"]:
        yield (
            f"- **{rooms['name']}**: RT60 {_range(rooms['rt60_s'])} s, {_range(rooms['snr_db'])} dB, seats "
            f"{_range(rooms['apart_deg'])} degrees apart, calibrated to {rooms['calibration_deg']:g} degrees rms"
        )


def _range(both: Sequence[float]) -> str:
    return f"{both[0]:g} to {both[1]:g}"


def _figures(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    known = {"figure", "unit", "must", "aim"}
    stages = [key for key in rows[0] if key not in known]
    titles = ["truth -> rules" if stage == "rules" else f"sound -> hearing -> rules, {stage}" for stage in stages]
    yield f"| figure | must | aim | {' | '.join(titles)} |"
    yield "|---" * (3 + len(stages)) + "|"
    for row, figure in zip(rows, FIGURES, strict=True):
        sign = ">=" if figure.least else "<="
        cells = [_cell(row[stage], figure) for stage in stages]
        unit = f", {figure.unit}" if figure.unit not in {"", "1"} else ""
        yield f"| {figure.name}{unit} | {sign} {figure.must:g} | {sign} {figure.aim:g} | {' | '.join(cells)} |"


def _cell(value: float | None, figure: Figure) -> str:
    return "" if value is None else f"{value:.3g} ({figure.reached(value)})"


def _metrics(metrics: Mapping[str, Mapping[str, Any] | None]) -> Iterator[str]:
    yield "| metric | sessions | mean error | 95 % within | bias | truth inside interval | width / mean error |"
    yield "|---|---|---|---|---|---|---|"
    for name, row in metrics.items():
        if row is None:
            yield f"| {name} | 0, withheld in all | | | | | |"
        else:
            cells = (row["mean_error"], row["p95_error"], row["bias"], row["inside"], row["widths_per_error"])
            yield f"| {name} | {row['sessions']} | {' | '.join(_plain(cell) for cell in cells)} |"


def _plain(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}"
