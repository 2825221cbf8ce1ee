"""Every rule of the floor as a score, and what is told of it."""

import re
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from app.conversation.conversation import Conversation, recount
from app.conversation.score import Score, load
from app.conversation.units import UnitRules
from app.conversation.vocabulary import Event, Overlap, Silence, Span, Stretch, Turn, Unit, frames

SCORES = Path(__file__).parent.parent / "scores"
NAMES = sorted(path.stem for path in SCORES.glob("*.score"))


def follow(score: Score, block_frames: int = 4) -> tuple[Event, ...]:
    conversation = Conversation(score.seats)
    events = [event for activity in score.activity(block_frames) for event in conversation.follow(activity)]
    return (*events, *conversation.finish())


def in_words(event: Event, names: list[str | None]) -> str:
    def name(seat: int | None) -> str:
        return names[seat] or "-" if seat is not None else "-"

    if isinstance(event, Unit):
        words = f"unit {name(event.seat)} {event.kind.value}"
    elif isinstance(event, Turn):
        offset = "-" if event.offset is None else f"{event.offset / 100:+.2f}"
        words = f"turn {name(event.seat)} after {name(event.before)}, offset {offset}, speech {event.speech / 100:.2f}"
    elif isinstance(event, Silence):
        lapse = " (lapse)" if event.is_lapse else ""
        words = f"silence {event.place.value}{lapse}, before {name(event.before)}, after {name(event.after)}"
    elif isinstance(event, Overlap):
        words = f"overlap {'with' if event.change else 'without'} a change of floor"
    else:
        words = "measured" if event.measured else "not measured"
    return f"{event.start_s:6.2f} {event.end_s:6.2f}  {words}"


def page(events: Iterable[Event], names: list[str | None]) -> str:
    kinds = (Stretch, Turn, Unit, Overlap, Silence)
    order = sorted(events, key=lambda event: (event.start, kinds.index(type(event)), event.end))
    return "".join(f"{in_words(event, names)}\n" for event in order)


@pytest.mark.parametrize("name", NAMES)
def test_a_score_tells_what_its_page_says(name: str, golden: Callable[[str, str], None]) -> None:
    score = load(SCORES / f"{name}.score")
    golden(f"scores/{name}.events", page(follow(score), [seat.name for seat in score.seats]))


def test_every_score_stands_beside_its_rule_in_the_glossary_with_a_source() -> None:
    text = (SCORES.parent.parent / "docs" / "glossary.md").read_text(encoding="utf-8")
    table = text.partition("## Conversation\n")[2].partition("\n\n")[0]
    rows = [[cell.strip() for cell in row.strip("|").split(" | ")] for row in table.splitlines()[2:]]
    shown = {row[0]: set(re.findall(r"`([a-z-]+)`", row[3])) for row in rows if len(row) > 3}
    assert set().union(*shown.values()) == set(NAMES)
    assert [row[0] for row in rows if shown.get(row[0]) and not row[2]] == []


@pytest.mark.parametrize("name", NAMES)
def test_the_same_score_as_whole_units_tells_the_same(name: str) -> None:
    score = load(SCORES / f"{name}.score")
    told = follow(score)
    units = [event for event in told if isinstance(event, Unit)]
    breaks = [Span(event.start, event.end) for event in told if isinstance(event, Stretch) and not event.measured]
    assert recount(score.seats, units, score.frames, breaks)[0] == told


def test_a_verdict_takes_at_most_two_seconds_after_a_short_unit() -> None:
    for name in NAMES:
        score = load(SCORES / f"{name}.score")
        conversation = Conversation(score.seats)
        for activity in score.activity():
            for event in conversation.follow(activity):
                if isinstance(event, Unit) and event.frames <= frames(1.0):
                    assert activity.first + len(activity) - event.end <= frames(2.0) + UnitRules().min_pause, name
