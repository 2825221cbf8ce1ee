"""Quantiles of the durations in a tally: medians and the like of turns and offsets."""

from collections.abc import Sequence

from app.conversation.tally import Tally
from app.conversation.vocabulary import FRAMES_PER_S

OFFSET = "response_offset_"


def durations(name: str, tally: Tally) -> list[int]:
    """The sorted durations that a metric of that id is a quantile of, frames."""
    if name.startswith(OFFSET):
        return tally.offsets[name.removeprefix(OFFSET)]
    return tally.turns[name.partition("_")[0]]


def quantile_s(name: str, tally: Tally, share: float) -> float:
    """A quantile of those durations in seconds; the share is held to [0, 1]."""
    return quantile(durations(name, tally), min(max(share, 0.0), 1.0)) / FRAMES_PER_S


def quantile(ordered: Sequence[int], share: float) -> float:
    """The quantile of sorted values, linear between neighbours (Hyndman & Fan's type 7)."""
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])
