"""What a challenger's unit is to the floor: the rules, one unit at a time.

The first to speak has the floor. A unit of another seat, the challenger, is one of three:

    listener response   HOLDER      ######..####     <= 1 s, starts in the holder's turn or <= 1 s after it, and the
                        CHALLENGER  ......##....     holder speaks <= 1 s after its end, no third seat between
    aside               HOLDER      ############     > 1 s, but wholly inside one unit of the holder, who never
                        CHALLENGER  ..########..     yielded: overlap without a change of floor (Heldner & Edlund 2010)
    turn                HOLDER      ######......     everything else takes the floor from the unit's start
                        CHALLENGER  ....######..

An aside counts as speech of its seat but makes no turn. Who speaks 10 s into a unit of the holder has the floor.
A unit is judged when all that its verdict can depend on is known, in order of start, so no verdict is ever revised.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from app.conversation.vocabulary import frames

RESPONSE = frames(1.0)
"""The longest listener response."""
CLOSE = frames(1.0)
"""How near a listener response must be to the holder's speech, before and after it."""
LONGEST_ASIDE = frames(10.0)
"""It also bounds how long a verdict can take."""


@dataclass(slots=True)
class Run:
    """A unit that may still be running."""

    seat: int
    start: int
    end: int | None = None
    """None while it runs."""


class Verdict(Enum):
    """What a unit is to the floor."""

    GOES_ON = "goes on"  # with the turn of its seat
    TAKES = "takes"  # the floor
    RESPONSE = "response"
    ASIDE = "aside"


def judge(unit: Run, last: Run | None, later: Iterable[Run], until: int) -> Verdict | None:
    """The verdict on a unit, or None while it can still change; all before the frame `until` is known.

    `last` is the holder's latest unit that was judged, None if nobody holds the floor; `later` are the units not yet
    judged, in order of start.
    """
    if last is None:
        return Verdict.TAKES
    if unit.seat == last.seat:
        return Verdict.GOES_ON
    if last.end is not None and unit.start > last.end + CLOSE:
        return Verdict.TAKES
    if unit.end is None or unit.end >= until:
        has_yielded = last.end is not None and last.end < until
        lasts = until - unit.start
        return Verdict.TAKES if lasts > LONGEST_ASIDE or (lasts > RESPONSE and has_yielded) else None
    if unit.end - unit.start <= RESPONSE:
        return _judge_short(unit, unit.end, last, later, until)
    is_inside = last.end is None or last.end >= unit.end
    return Verdict.ASIDE if is_inside and unit.end - unit.start <= LONGEST_ASIDE else Verdict.TAKES


def _judge_short(unit: Run, end: int, last: Run, later: Iterable[Run], until: int) -> Verdict | None:
    """A listener response if the holder speaks again soon enough and before any third seat."""
    if last.end is None or last.end > end:
        return Verdict.RESPONSE
    third: int | None = None
    for other in later:
        if other is unit or other.start >= until:
            continue
        if other.start > (end + CLOSE if third is None else third):
            break
        if other.seat == last.seat:
            if other.end is None or other.end > end:
                return Verdict.RESPONSE
        elif other.seat != unit.seat and other.start >= end:
            third = other.start  # the holder may still start at the same moment
    return Verdict.TAKES if third is not None or until > end + CLOSE else None
