"""What holds for any talk."""

from dataclasses import replace
from itertools import pairwise, product
from typing import TypeVar

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from app.catalogue import METRICS
from app.conversation.conversation import Conversation, recount
from app.conversation.errors import Errors
from app.conversation.metrics import EXACT, measure
from app.conversation.tally import Tally
from app.conversation.units import UnitRules
from app.conversation.vocabulary import Event, Kind, Overlap, Silence, Span, Stretch, Turn, Unit, frames
from app.hearing.seats import Seat
from tests.conversation.talks import Talk, follow, talks

RULES = UnitRules()
Told = TypeVar("Told")


def count(talk: Talk, size: int = 4) -> Tally:
    conversation = Conversation(talk.seats)
    for activity in talk.blocks(size):
        conversation.follow(activity)
    return conversation.tally()


def mask(spans: list[Span], length: int) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    inside = np.zeros(length, np.bool_)
    for span in spans:
        assert not inside[span.start : span.end].any(), "spans of one kind never cross"
        inside[span.start : span.end] = True
    return inside


def only(events: tuple[Event, ...], kind: type[Told]) -> list[Told]:
    return [event for event in events if isinstance(event, kind)]


@given(talks())
def test_units_cover_all_speech_but_blips_and_never_touch(talk: Talk) -> None:
    units = only(follow(talk), Unit)
    for seat in range(len(talk.seats)):
        own = sorted((unit for unit in units if unit.seat == seat), key=lambda unit: unit.start)
        covered = mask(list[Span](own), talk.frames)
        for start, end in spans(talk.heard[:, seat]):
            is_inside = covered[start:end].all()
            assert is_inside if end - start >= RULES.min_speech else (is_inside or not covered[start:end].any())
        for one, other in pairwise(own):
            is_parted = not talk.measurable[one.end : other.start].all()
            assert other.start - one.end >= RULES.min_pause or is_parted


def spans(marks: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate(([False], marks, [False])).astype(np.int8)))
    return [(int(start), int(end)) for start, end in edges.reshape(-1, 2)]


@given(talks())
def test_speech_and_silence_make_the_measured_time(talk: Talk) -> None:
    events = follow(talk)
    spoken = np.zeros(talk.frames, np.bool_)
    for unit in only(events, Unit):
        spoken[unit.start : unit.end] = True
    silent = mask(list[Span](only(events, Silence)), talk.frames)
    assert not (spoken & silent).any()
    assert ((spoken | silent) == talk.measurable).all()
    stretches = only(events, Stretch)
    assert mask(list[Span](stretches), talk.frames).all()
    assert sum(s.frames for s in stretches if s.measured) == talk.measurable.sum()


@given(talks())
def test_overlaps_are_where_two_seats_speak(talk: Talk) -> None:
    events = follow(talk)
    speakers = np.zeros(talk.frames, int)
    for unit in only(events, Unit):
        speakers[unit.start : unit.end] += 1
    assert (mask(list[Span](only(events, Overlap)), talk.frames) == (speakers > 1)).all()


@given(talks(), st.sampled_from([1, 2, 3, 7, 50, 100_000]))
def test_block_size_changes_nothing(talk: Talk, size: int) -> None:
    assert follow(talk, size) == follow(talk, 4)


@given(talks(breaks=False), st.integers(1, 400))
def test_shifting_time_shifts_it(talk: Talk, later: int) -> None:
    silence = np.zeros((later, len(talk.seats)), np.bool_)
    shifted = Talk(
        talk.seats, np.concatenate((silence, talk.speech)), np.concatenate((~silence[:, 0], talk.measurable))
    )
    kinds = (Unit, Turn, Overlap)
    expected = [replace(e, start=e.start + later, end=e.end + later) for e in follow(talk) if isinstance(e, kinds)]
    assert [event for event in follow(shifted) if isinstance(event, kinds)] == expected


@given(talks(), st.permutations(range(4)))
def test_seats_in_another_order_tell_the_same(talk: Talk, order: list[int]) -> None:
    """Nothing depends on a seat's name or place, but who comes first when two begin a conversation together."""
    order = [seat for seat in order if seat < len(talk.seats)]
    starts = [start for seat in range(len(talk.seats)) for start, _ in spans(talk.heard[:, seat])]
    assume(len(set(starts)) == len(starts))
    other = Talk(tuple(talk.seats[seat] for seat in order), talk.speech[:, order], talk.measurable)

    def there(seat: int | None) -> int | None:
        return None if seat is None else order.index(seat)

    def moved(event: Event) -> Event:
        if isinstance(event, Unit):
            return replace(event, seat=order.index(event.seat))
        if isinstance(event, Turn):
            return replace(event, seat=order.index(event.seat), before=there(event.before))
        return (
            replace(event, before=there(event.before), after=there(event.after))
            if isinstance(event, Silence)
            else event
        )

    assert set(map(moved, follow(talk))) == set(follow(other))


@given(talks())
def test_a_unit_is_a_turn_or_a_response_once(talk: Talk) -> None:
    events = follow(talk)
    assert len(set(events)) == len(events)
    for unit in only(events, Unit):
        assert unit.kind is Kind.TURN or unit.frames <= frames(1.0)


@given(talks())
def test_turns_hold_the_speech_of_their_seat(talk: Talk) -> None:
    events = follow(talk)
    turns, units = only(events, Turn), only(events, Unit)
    for turn in turns:
        own = [u for u in units if u.seat == turn.seat and turn.start <= u.start and u.end <= turn.end]
        assert own[0].start >= turn.start
        assert turn.speech <= sum(unit.frames for unit in own)
        assert turn.speech <= turn.frames
    for one, other in pairwise(turns):
        assert one.start <= other.start or not talk.measurable[one.start : other.start].all()
        if other.before is not None:
            assert other.before == one.seat != other.seat
            assert other.offset == other.start - one.end


@given(talks())
def test_whole_units_tell_the_same_as_frames(talk: Talk) -> None:
    events = follow(talk)
    breaks = [Span(start, end) for start, end in spans(~talk.measurable)]
    retold, tally = recount(talk.seats, only(events, Unit), talk.frames, breaks)
    assert retold == events
    assert tally == replace(count(talk), blips=0)  # whole units know of no bursts


@given(talks(), talks())
def test_a_session_in_two_parts_adds_up(one: Talk, other: Talk) -> None:
    names = len(min(one.seats, other.seats, key=len))
    one, other = (replace(t, seats=t.seats[:names], speech=t.speech[:, :names]) for t in (one, other))
    lost = np.zeros((7, names), np.bool_)
    whole = Talk(
        one.seats,
        np.concatenate((one.speech, lost, other.speech)),
        np.concatenate((one.measurable, lost[:, 0], other.measurable)),
    )
    parts = count(replace(whole, speech=whole.speech[: one.frames + 7], measurable=whole.measurable[: one.frames + 7]))
    rest = count(
        Talk(other.seats, np.concatenate((lost, other.speech)), np.concatenate((lost[:, 0], other.measurable)))
    )
    rest.open -= 7
    assert parts.plus(rest) == count(whole)


@given(talks(), st.floats(0.0, 1.0))
def test_a_checkpoint_is_the_session_ended_there(talk: Talk, share: float) -> None:
    at = round(share * talk.frames) // 4 * 4
    conversation = Conversation(talk.seats)
    for activity in talk.blocks(4)[: at // 4]:
        conversation.follow(activity)
    here = replace(talk, speech=talk.speech[:at], measurable=talk.measurable[:at])
    assert conversation.tally() == count(here)
    conversation.tally()
    for activity in talk.blocks(4)[at // 4 :]:
        conversation.follow(activity)
    assert conversation.tally() == count(talk)


@given(talks())
def test_no_talk_gives_a_number_that_is_none(talk: Talk) -> None:
    tally = count(talk)
    assert Tally.from_json(tally.as_json()) == tally
    for errors in (EXACT, Errors({metric.id: {"absolute": 0.1} for metric in METRICS}, 0.1), Errors({})):
        for name, number in measure(tally, errors).items():
            if number.withheld:
                assert (number.value, number.low, number.high) == (None, None, None), name
            else:
                assert number.value is not None
                assert number.low is not None
                assert number.high is not None
                assert number.low <= number.value <= number.high, name


@pytest.mark.parametrize(("p", "q"), list(product((0.2, 0.36, 0.49, 0.5), (0.34, 0.35, 0.4, 0.5))))
def test_thresholds_are_the_same_in_every_block_size(p: float, q: float) -> None:
    seats = (Seat("therapist", None, 0.0),)
    told = []
    for size in (1, 4, 300):
        conversation = Conversation(seats)
        talk = Talk(seats, np.zeros((300, 1), np.bool_), np.ones(300, np.bool_))
        values = np.where(np.arange(300) % 100 < 50, p, q).astype(np.float32)[:, None]
        events = [
            event
            for activity in talk.blocks(size)
            for event in conversation.follow(
                replace(activity, seats=values[activity.first : activity.first + len(activity)])
            )
        ]
        told.append((*events, *conversation.finish()))
    assert told[0] == told[1] == told[2]


def verdicts(units: list[Unit]) -> dict[Unit, Kind]:
    """The rules of the floor once more, with all of the talk known: what each unit is."""
    kinds: dict[Unit, Kind] = {}
    holder: Unit | None = None  # the holder's latest unit so far
    waiting = sorted(units, key=lambda unit: (unit.start, unit.seat))
    while waiting:
        here = [unit for unit in waiting if unit.start == waiting[0].start]
        unit = next((u for u in here if holder and u.seat == holder.seat), here[0])
        waiting.remove(unit)
        kinds[unit] = Kind.TURN
        if holder is None or unit.seat == holder.seat or unit.start > holder.end + 100:
            holder = unit
        elif unit.frames > 100:
            holder = holder if holder.end >= unit.end and unit.frames <= 1000 else unit
        else:
            again = [max(u.start, unit.end) for u in [holder, *waiting] if u.seat == holder.seat and u.end > unit.end]
            third = [u.start for u in waiting if u.seat not in {holder.seat, unit.seat} and u.start >= unit.end]
            if again and min(again) <= min([unit.end + 100, *third]):
                kinds[unit] = Kind.LISTENER_RESPONSE
            else:
                holder = unit
    return kinds


@given(talks(breaks=False))
@settings(max_examples=3 * settings().max_examples)
def test_verdicts_are_those_that_all_of_the_talk_would_give(talk: Talk) -> None:
    told = only(follow(talk), Unit)
    assert {replace(unit, kind=Kind.TURN): unit.kind for unit in told} == verdicts(
        [replace(unit, kind=Kind.TURN) for unit in told]
    )
