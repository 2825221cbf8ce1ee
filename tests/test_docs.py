"""Documents that are generated in part from the code are equal to it; `pytest --regold` writes them."""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest

from app.catalogue import METRICS, Metric, Needs
from app.conversation.errors import FACTORS, Errors, read_errors
from tests.conftest import Golden

ROOT = Path(__file__).parent.parent
BEGIN, END = "<!-- metrics: written by pytest tests/test_docs.py --regold -->", "<!-- end of metrics -->"
NEEDED = {
    Needs.MEDIAN: "5 events",
    Needs.P90: "10 events",
    Needs.SHARE: "60 s of speech",
    Needs.RATE: "60 s measured",
    Needs.NOTHING: "nothing",
}
IN_WORDS = {
    "absolute": "{:g} {unit}",
    "relative": "{:.1%} of the value",
    "yardstick": "{:g} yardsticks",
    "spread": "{:g} spreads",
}


def section() -> Iterator[str]:
    """Two tables: what each metric is, and what is known of it."""
    errors = read_errors((ROOT / "models" / "errors.json").read_text(encoding="utf-8"))
    yield "| id | formula | unit | grade | needs | half width of the interval | leaves the room |"
    yield "|---|---|---|---|---|---|---|"
    for metric in METRICS:
        released = f"in [{metric.released[0]:g}, {metric.released[1]:g}]" if metric.released else "never"
        cells = (metric.formula, metric.unit, metric.grade.name, NEEDED[metric.needs], width(metric, errors), released)
        yield f"| {metric.id} | {' | '.join(cells)} |"
    yield ""
    yield "| metric | evidence | what it does not say |"
    yield "|---|---|---|"
    for metric in METRICS:
        yield f"| {metric.title} ({metric.id}) | {metric.evidence} | {metric.does_not_say} |"


def width(metric: Metric, errors: Errors) -> str:
    """How far an interval reaches, in words."""
    if metric.needs is Needs.NOTHING:
        return "exact"
    if metric.id not in errors.by_metric:
        return "never measured: withheld when heard"
    unit = "" if metric.unit == "1" else metric.unit
    error = errors.by_metric[metric.id]
    parts = " and ".join(
        IN_WORDS[kind].format(size, unit=unit).strip() for kind, size in error.items() if kind in IN_WORDS
    )
    sides = ", ".join(f"{error[side]:g} times {side}" for side in FACTORS if side in error)
    return f"{parts}; {sides}" if sides else parts


def test_the_metrics_document_is_that_of_the_code(golden: Golden) -> None:
    text = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    after = rest.partition(END)[2]
    golden("../docs/metrics.md", f"{before}{BEGIN}\n{chr(10).join(section())}\n{END}{after}")


def test_the_metrics_document_names_every_metric_twice() -> None:
    text = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    assert [metric.id for metric in METRICS if text.count(metric.id) < 2] == []


@pytest.mark.parametrize(
    "page", [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))], ids=lambda page: page.name
)
def test_what_the_docs_lead_to_is_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    led = re.findall(r"\]\(([^)#\s]+)|(?:src|srcset)=\"([^\"]+)\"", text)
    paths = [unquote(link or picture) for link, picture in led]
    assert [path for path in paths if "://" not in path and not (page.parent / path).exists()] == []
