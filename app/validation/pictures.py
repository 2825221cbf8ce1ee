"""Pictures of a validation as SVG, drawn here: they need no library, and look the same on every machine."""

from collections.abc import Iterable, Iterator, Sequence
from html import escape

import numpy as np

from app.catalogue import METRICS
from app.conversation.metrics import Measured
from app.conversation.vocabulary import LAPSE, Kind, Silence, Unit
from app.validation.compare import Account
from app.validation.outcome import Outcome
from app.validation.sessions import Rehearsal
from app.validation.stages import Stages

INK, PALE, BLUE, AMBER = "#333", "#ddd", "#2a6fb0", "#c9822b"
ROOM_COLOURS = (BLUE, AMBER)
FONT = "font-family='sans-serif' font-size='12'"
WIDTH = 960


def picture(height: float, parts: Iterable[str]) -> str:
    """Parts as one SVG."""
    return "\n".join(
        [
            f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {height:g}' width='{WIDTH}' {FONT}>",
            f"<rect width='{WIDTH}' height='{height:g}' fill='white'/>",
            *parts,
            "</svg>\n",
        ]
    )


def text(x: float, y: float, words: str, anchor: str = "start") -> str:
    """Some words."""
    return f"<text x='{x:.1f}' y='{y:.1f}' fill='{INK}' text-anchor='{anchor}'>{escape(words)}</text>"


def box(x: float, y: float, width: float, height: float, colour: str, opacity: float = 1.0) -> str:
    """A filled rectangle."""
    return (
        f"<rect x='{x:.2f}' y='{y:.1f}' width='{max(width, 0.2):.2f}' height='{height:.1f}' fill='{colour}' "
        f"fill-opacity='{opacity:g}'/>"
    )


def line(x: float, y: float, to_x: float, to_y: float, colour: str = INK) -> str:
    """A thin line."""
    return f"<line x1='{x:.1f}' y1='{y:.1f}' x2='{to_x:.1f}' y2='{to_y:.1f}' stroke='{colour}'/>"


ROW, LEFT, RIGHT = 30.0, 330.0, 900.0


def errors(outcomes: Sequence[Outcome]) -> str:
    """A row of dots for each metric, one a session: heard minus true, with the mean interval in grey."""
    kinds = list(dict.fromkeys(outcome.rooms for outcome in outcomes))
    colours = dict(zip(kinds, ROOM_COLOURS * len(kinds), strict=False))
    parts = [
        text(20, 24, "Heard minus true, one dot a session; grey: mean interval; the scale of each row at its right")
    ]
    for number, kind in enumerate(kinds):
        parts += [box(20 + 120 * number, 36, 10, 10, colours[kind]), text(36 + 120 * number, 46, f"{kind} rooms")]
    y = 70.0
    for metric in METRICS:
        dots = [(o.rooms, n.off, n.heard) for o in outcomes if (n := o.numbers[metric.id]).off is not None]
        if metric.id == "coverage" or not dots:
            continue
        least, most = _reach([h for _, _, h in dots])
        scale = max(least, most, *(abs(off or 0.0) for _, off, _ in dots), 1e-6)
        at = [(colours[rooms], (off or 0.0) / scale) for rooms, off, _ in dots]
        parts += _dots(y, metric.title, at, (least / scale, most / scale))
        parts.append(text(RIGHT + 8, y + 4, f"±{scale:.2g}"))
        y += ROW
    return picture(y, parts)


def _reach(numbers: Sequence[Measured]) -> tuple[float, float]:
    """How far heard may be under and over the truth by the mean interval: what it holds above and below the value."""
    sides = [
        (n.high - n.value, n.value - n.low)
        for n in numbers
        if n.value is not None and n.low is not None and n.high is not None
    ]
    under, over = np.mean(sides, axis=0).tolist() if sides else (0.0, 0.0)
    return under, over


def _dots(y: float, title: str, dots: Sequence[tuple[str, float]], reach_of: tuple[float, float]) -> Iterator[str]:
    middle, reach = (LEFT + RIGHT) / 2, (RIGHT - LEFT) / 2
    yield text(LEFT - 12, y + 4, title, "end")
    yield box(middle - reach_of[0] * reach, y - 9, sum(reach_of) * reach, 18, PALE)
    yield line(LEFT, y, RIGHT, y, PALE)
    yield line(middle, y - 9, middle, y + 9)
    for number, (colour, off) in enumerate(dots):
        shift = (number * 5) % 11 - 5  # dots that lie on each other can be told apart
        yield f"<circle cx='{middle + off * reach:.1f}' cy='{y + shift:.1f}' r='3' fill='{colour}' fill-opacity='.7'/>"


MINUTE_LEFT, MINUTE_RIGHT = 110.0, 940.0
STAFF = 13.0
PART_FRAMES = 6000
MOST_PARTS = 6


def score(rehearsal: Rehearsal, stages: Stages) -> str:
    """A session's first minutes as a score: for each seat how it truly spoke, and under it how it was heard."""
    names = [seat.name for seat in rehearsal.seats]
    title = f"{rehearsal.rooms} room, session {rehearsal.number}: true above (dark), heard below (light)"
    legend = "pale bands: silences of 3 s and more; listener responses in amber; a line a minute"
    parts = [text(20, 22, title), text(20, 40, legend)]
    y = 56.0
    for part in range(min(MOST_PARTS, -(-rehearsal.frames // PART_FRAMES))):
        parts += _staves(y, part, names, stages.true, stages.heard)
        y += (2 * STAFF + 8) * len(names) + 18
    return picture(y, parts)


def _staves(y: float, part: int, names: Sequence[str], true: Account, heard: Account) -> Iterator[str]:
    """One minute."""
    begin = part * PART_FRAMES
    high = (2 * STAFF + 8) * len(names)
    yield text(12, y + 10, f"{part}:00")
    for silence in true.events:
        if isinstance(silence, Silence) and silence.frames >= LAPSE:
            yield from _bar(silence.start, silence.end, begin, y - 3, high, PALE, 0.6)
    for seat, name in enumerate(names):
        top = y + seat * (2 * STAFF + 8)
        yield text(MINUTE_LEFT - 8, top + STAFF + 4, name, "end")
        for account, at, opacity in ((true, top, 1.0), (heard, top + STAFF, 0.5)):
            for unit in account.events:
                if isinstance(unit, Unit) and unit.seat == seat:
                    colour = AMBER if unit.kind is Kind.LISTENER_RESPONSE else BLUE
                    yield from _bar(unit.start, unit.end, begin, at, STAFF - 1, colour, opacity)


def _bar(start: int, end: int, begin: int, y: float, high: float, colour: str, opacity: float) -> Iterator[str]:
    """The part of a stretch that lies in a minute."""
    first, past = max(start, begin), min(end, begin + PART_FRAMES)
    if first < past:
        wide = (MINUTE_RIGHT - MINUTE_LEFT) / PART_FRAMES
        yield box(MINUTE_LEFT + (first - begin) * wide, y, (past - first) * wide, high, colour, opacity)
