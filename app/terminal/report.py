"""A session in words, for a terminal."""

from collections.abc import Iterator, Mapping
from typing import Any

from app.catalogue import METRICS

EXACT = {"coverage"}
"""What is known without error, heard or not."""


def report(summary: Mapping[str, Any]) -> Iterator[str]:
    """The lines of `fermata replay`, from what it prints with --json."""
    yield f"{clock(summary['duration_s'])} min, {clock(summary['measured_s'])} of it measured"
    for name, seat in summary["seats"].items():
        yield f"  {name} at {seat['azimuth']:.0f} degrees spoke {seat['speech_s']:.1f} s"
    yield ""
    numbers = summary["metrics"]
    is_score = all(number["low"] == number["high"] for number in numbers.values())
    for metric in METRICS:
        yield f"  {metric.title + ' ':.<64} {in_words(numbers[metric.id], may_be_exact=is_score or metric.id in EXACT)}"
    cues = summary["cues"]
    yield ""
    yield "Cues: " + (", ".join(f"{cue['cue']} at {clock(cue['at_s'])}" for cue in cues) if cues else "none")


def in_words(number: Mapping[str, Any], *, may_be_exact: bool = True) -> str:
    """A metric's value with interval, unit and grade, or why it is withheld.

    A count that was heard may have an interval without width too: likely right, but not exact.
    """
    if number["withheld"]:
        return f"withheld: {number['withheld']}"
    unit = "" if number["unit"] == "1" else " " + number["unit"].replace("1/", "per ")
    low, high = number["low"], number["high"]
    interval = "exact" if low == high and may_be_exact else f"[{low:.2f}, {high:.2f}]"
    return f"{number['value']:.2f}{unit}  {interval}  evidence {number['grade']}"


def clock(seconds: float) -> str:
    """Minutes and seconds."""
    whole = round(seconds)
    return f"{whole // 60}:{whole % 60:02}"
