"""Edges: where units and breaks begin and end, in time order; what the floor lives on."""

from collections.abc import Iterable
from enum import IntEnum

from app.conversation.vocabulary import Span, Unit


class What(IntEnum):
    """What happens at an edge, in the order in which edges of one frame are told."""

    STOP = 0  # a unit ends
    BREAK = 1  # from here on nothing can be measured; all units have ended
    RESUME = 2  # measurable again
    START = 3  # a unit begins


Edge = tuple[int, What, int]
"""(frame, what, seat); seat is -1 for BREAK and RESUME."""


def edges_of(units: Iterable[Unit], unmeasured: Iterable[Span], min_pause: int) -> list[Edge]:
    """Edges in time order from whole units in any order: the way in for talk that never was sound.

    Units of one seat less than `min_pause` frames apart are joined, and cut where nothing could be measured.
    """
    breaks = _merged(unmeasured)
    edges = [edge for gap in breaks for edge in ((gap.start, What.BREAK, -1), (gap.end, What.RESUME, -1))]
    by_seat: dict[int, list[tuple[int, int]]] = {}
    for unit in sorted(units, key=lambda unit: unit.start):
        parts = by_seat.setdefault(unit.seat, [])
        for start, end in _outside(unit, breaks):
            before = parts[-1][1] if parts else start - min_pause
            is_parted = any(before <= gap.start < start for gap in breaks)
            if parts and start - before < min_pause and not is_parted:
                parts[-1] = (parts[-1][0], max(before, end))
            else:
                parts.append((start, end))
    for seat, parts in by_seat.items():
        for start, end in parts:
            edges += ((start, What.START, seat), (end, What.STOP, seat))
    edges.sort()
    return edges


def _outside(unit: Unit, breaks: list[Span]) -> Iterable[tuple[int, int]]:
    """The parts of a unit that lie outside the breaks."""
    start = unit.start
    for gap in breaks:
        if start < gap.start < unit.end:
            yield start, gap.start
        if gap.start <= start < gap.end or start < gap.start < unit.end:
            start = max(start, gap.end)
    if start < unit.end:
        yield start, unit.end


def _merged(spans: Iterable[Span]) -> list[Span]:
    """Spans in order, those that touch or cross as one."""
    merged: list[Span] = []
    for span in sorted(spans, key=lambda span: span.start):
        if merged and span.start <= merged[-1].end:
            merged[-1] = Span(merged[-1].start, max(merged[-1].end, span.end))
        else:
            merged.append(span)
    return merged
