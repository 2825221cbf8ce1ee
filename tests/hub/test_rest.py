"""The rest by law: whoever keeps all that was ever shown, of the clinic and of rooms, works out nothing too little."""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.hub.crowd import Part
from app.hub.days import day_of, midnight
from app.hub.declared import Spell
from app.hub.periods import Period, month, quarter, thursday
from app.hub.rest import Verdicts, by_month, verdicts
from app.hub.trends import MIN_SESSIONS, Reason, Release, by_week, trends
from tests.hub.test_trends import a_release

DAY_S = 86_400
FIRST = date(2026, 6, 29)
"""The Monday of the first week of the third quarter."""
WEEKS = [f"2026-W{week}" for week in range(27, 40)]
MONTHS = JULY, AUGUST, SEPTEMBER = tuple(Period(2026, each, 1) for each in (7, 8, 9))
THIRD = Period(2026, 7, 3)
ROOMS = ("a", "b", "c", "d")
LATER = midnight(date(2027, 1, 15))
Spells = Mapping[str, Sequence[Spell]]
Atom = tuple[str, str]
"""A room and a week: the least that could be worked out."""


@dataclass(frozen=True)
class Published:
    """A mean that was shown: whose, over what."""

    room: str | None
    """None: the clinic's."""
    period: Period

    def covers(self, atom: Atom) -> bool:
        of = month(atom[1]) if self.period.length == 1 else quarter(atom[1])
        return of == self.period and self.room in {None, atom[0]}


@st.composite
def clinics(draw: st.DrawFn) -> tuple[list[Release], Spells]:
    """A quarter of up to four rooms, and the days on which each was declared and withdrawn in turn."""
    releases, spells = [], {}
    for room in ROOMS[: draw(st.integers(1, 4))]:
        usual = draw(st.sampled_from([0, 12, 15, 40, 60, 80]))
        some = st.sampled_from(draw(st.sampled_from([[usual], [0, usual, usual], [0, usual, usual, 160]])))
        releases += [a_release(week, draw(some), device=room) for week in WEEKS]
        days = sorted(draw(st.sets(st.integers(-10, 150), max_size=3)))
        turns = [midnight(FIRST + timedelta(days=day)) + 3600 for day in days]
        ends = [*turns[1::2], None]
        spells[room] = [Spell(begin, "ana", end) for begin, end in zip(turns[::2], ends, strict=False)]
    return releases, {room: held for room, held in spells.items() if held}


def declared_from(day: int, *rooms: str) -> Spells:
    """Rooms declared one after the other, from so many days after the quarter's first on."""
    return {room: [Spell(midnight(FIRST) + day * DAY_S + at, "ana")] for at, room in enumerate(rooms)}


def until(spells: Spells, now: int) -> dict[str, list[Spell]]:
    """What of it had been declared by then."""
    known = {
        room: [
            Spell(spell.begins, spell.who, spell.ends if spell.ends is not None and spell.ends <= now else None)
            for spell in held
            if spell.begins <= now
        ]
        for room, held in spells.items()
    }
    return {room: held for room, held in known.items() if held}


def look(releases: Iterable[Release], spells: Spells, now: int) -> tuple[set[Published], Verdicts]:
    """All that is shown at a time, and why the rest is not."""
    today = day_of(now)
    arrived = [r for r in releases if thursday(r.week) + timedelta(days=3) < today]  # sealed within its week
    seen = trends(by_week(arrived), today, simulated=False, therapists=6, owner_agreed=False)
    clinic = {span.period for span in (*seen.months, *seen.quarters) if span.reason is None}
    found = verdicts(by_month(arrived), clinic, until(spells, now), now)
    own = {Published(room, period) for (room, period), reason in found.items() if reason is None}
    return {Published(None, period) for period in clinic} | own, found


def looks(releases: Sequence[Release], spells: Spells) -> Iterator[tuple[int, set[Published], Verdicts]]:
    """A look after whatever changes anything."""
    moments = {midnight(period.closes_on()) for period in (JULY, AUGUST, SEPTEMBER)} | {LATER}
    moments |= {at for held in spells.values() for spell in held for at in (spell.begins, spell.ends) if at is not None}
    for now in sorted(moments):
        yield now, *look(releases, spells, now)


def all_seen(releases: Sequence[Release], spells: Spells) -> set[Published]:
    return set().union(*(shown for _, shown, _ in looks(releases, spells)))


def sizes(releases: Iterable[Release]) -> dict[Atom, int]:
    return {(r.device, r.week): r.sessions for r in releases if r.sessions}


def isolated(published: Iterable[Published], atoms: Sequence[Atom], those: Iterable[Atom]) -> int:
    """In how many independent ways sums over those atoms alone follow from what was published."""
    rows = np.array([[each.covers(atom) for atom in atoms] for each in published], dtype=float)
    if not rows.size:
        return 0
    others = [at for at, atom in enumerate(atoms) if atom not in set(those)]
    rank = np.linalg.matrix_rank
    return int(rank(rows)) - (int(rank(rows[:, others])) if others else 0)


@given(clinics())
def test_no_room_under_the_rule_is_isolated_in_a_clinic_of_several(clinic: tuple[list[Release], Spells]) -> None:
    releases, spells = clinic
    seen, atoms = all_seen(releases, spells), sorted(sizes(releases))
    rooms = {release.device for release in releases}
    for room in rooms - spells.keys() if len(rooms) > 1 else ():
        assert isolated(seen, atoms, [atom for atom in atoms if atom[0] == room]) == 0


@given(clinics())
def test_a_room_that_was_withdrawn_is_under_the_rule_for_what_came_after(clinic: tuple[list[Release], Spells]) -> None:
    releases, spells = clinic
    early = {**spells, "a": [Spell(midnight(FIRST), "ana", midnight(FIRST) + DAY_S)]}
    seen, atoms = all_seen(releases, early), sorted(sizes(releases))
    if len({release.device for release in releases}) > 1:
        assert isolated(seen, atoms, [atom for atom in atoms if atom[0] == "a"]) == 0


@given(clinics())
def test_no_week_is_isolated(clinic: tuple[list[Release], Spells]) -> None:
    releases, spells = clinic
    seen, atoms = all_seen(releases, spells), sorted(sizes(releases))
    for week in WEEKS:
        assert isolated(seen, atoms, [atom for atom in atoms if atom[1] == week]) == 0


def whole(period: Period) -> set[Period]:
    """The months of a period."""
    return {Period(period.year, period.first_month + n, 1) for n in range(period.length)}


@cache
def sums(published: frozenset[Period]) -> frozenset[tuple[int, ...]]:
    """Every sum and difference of what was published, as how often each month is in it."""
    rows = [tuple(int(each in whole(period)) for each in MONTHS) for period in published]
    signs = itertools.product((-1, 0, 1), repeat=len(rows))
    return frozenset(
        tuple(sum(s * row[at] for s, row in zip(sign, rows, strict=True)) for at in range(3)) for sign in signs
    )


def of(whose: str | None, seen: set[Published]) -> frozenset[Period]:
    """The periods that were shown of a room, or of the clinic."""
    return frozenset(each.period for each in seen if each.room == whose)


def leavings(room: str, parts: Mapping[Period, Part], clinic: tuple[int, ...], seen: set[Published]) -> list[Part]:
    """All that can be left of a room in a sum of the clinic's once its own are taken from it, the least first."""
    left = {tuple(c - k for c, k in zip(clinic, taken, strict=True)) for taken in sums(of(room, seen))}
    found = [
        sum((parts.get(m, Part()) for m, times in zip(MONTHS, each, strict=True) if times), Part()) for each in left
    ]
    return sorted(found, key=lambda part: part.sessions)


@given(clinics())
def test_no_sum_or_difference_is_about_fewer_than_150_sessions(clinic: tuple[list[Release], Spells]) -> None:
    releases, spells = clinic
    seen, rooms = all_seen(releases, spells), by_month(releases)
    for each in sums(of(None, seen)):
        left = [[part.sessions for part in leavings(room, rooms[room], each, seen)] for room in rooms]
        least = sum(sizes[0] for sizes in left)
        assert least == 0 or least >= MIN_SESSIONS
        for sizes in left:
            assert all(least - sizes[0] + size >= MIN_SESSIONS for size in sizes if size)


@given(clinics())
def test_the_rest_is_still_enough_without_any_one_room_under_the_rule(clinic: tuple[list[Release], Spells]) -> None:
    releases, spells = clinic
    seen, rooms = all_seen(releases, spells), by_month(releases)
    for block in clinics_blocks(seen):
        left = {room: leavings(room, parts, block, seen) for room, parts in rooms.items()}
        untaken = {room: leavings(room, parts, block, set())[0] for room, parts in rooms.items()}
        if all(left[room][0] == untaken[room] for room in rooms):
            continue  # the clinic's own sum, from which nothing can be taken
        for room in rooms.keys() - spells.keys():
            others = [left[other] for other in rooms if other != room]
            if left[room][0].sessions:
                assert sum(parts[0].sessions for parts in others) >= MIN_SESSIONS
                for week in WEEKS:
                    assert not all(any(part.weeks <= {week} for part in parts) for parts in others)


def clinics_blocks(seen: set[Published]) -> list[tuple[int, ...]]:
    """What is known of the clinic and cannot be taken apart: each month that was shown, and the others together."""
    known = [int(Published(None, each) in seen) for each in MONTHS]
    blocks = [tuple(int(at == n) for at in range(3)) for n in range(3) if known[n]]
    return [*blocks, tuple(1 - each for each in known)] if Published(None, THIRD) in seen and not all(known) else blocks


@given(clinics())
def test_what_a_declared_room_has_shown_it_goes_on_showing(clinic: tuple[list[Release], Spells]) -> None:
    releases, spells = clinic
    before: set[Published] = set()
    for now, shown, found in looks(releases, spells):
        held = {room for room, _ in found}
        assert {each for each in before if each.room in held} <= shown, now
        before |= {each for each in shown if each.room}


@given(clinics())
def test_only_rooms_that_stand_declared_have_a_verdict(clinic: tuple[list[Release], Spells]) -> None:
    releases, spells = clinic
    for now, _, found in looks(releases, spells):
        held = {
            room
            for room, each in spells.items()
            if any(spell.begins <= now and (spell.ends is None or now < spell.ends) for spell in each)
        }
        assert {room for room, _ in found} <= held


@given(clinics(), st.randoms())
def test_the_order_of_rooms_and_releases_changes_nothing(clinic: tuple[list[Release], Spells], chance: object) -> None:
    releases, spells = clinic
    mixed = list(releases)
    chance.shuffle(mixed)  # type: ignore[attr-defined]  # hypothesis' own Random
    again = dict(reversed(list(spells.items())))
    assert look(releases, spells, LATER) == look(mixed, again, LATER)


def busy(**rooms: int) -> list[Release]:
    """Rooms with so many sessions in each week of the quarter."""
    return [a_release(week, sessions, device=room) for room, sessions in rooms.items() for week in WEEKS]


def reasons(releases: list[Release], spells: Spells, now: int = LATER) -> dict[str, list[Reason | None]]:
    """Of each declared room July, August, September and the quarter."""
    _, found = look(releases, spells, now)
    periods = (JULY, AUGUST, SEPTEMBER, THIRD)
    return {room: [found[room, each] for each in periods] for room in spells}


SHOWN = [None] * 4
HELD = [Reason.REST] * 4


def test_the_last_room_but_one_is_withheld_as_it_would_isolate_the_last() -> None:
    assert reasons(busy(a=40, b=40), declared_from(0, "a")) == {"a": HELD}
    three = busy(a=40, b=40, c=40)
    assert reasons(three, declared_from(0, "a")) == {"a": SHOWN}
    assert reasons(three, declared_from(0, "a", "b")) == {"a": SHOWN, "b": HELD}
    assert reasons(three, declared_from(0, "b", "a")) == {"b": SHOWN, "a": HELD}
    assert reasons(three, declared_from(0, "a", "b", "c")) == {"a": SHOWN, "b": SHOWN, "c": SHOWN}


def test_the_only_room_of_a_clinic_is_shown_for_it_is_the_clinic() -> None:
    assert reasons(busy(a=40), declared_from(0, "a")) == {"a": SHOWN}


def test_a_rest_that_is_nearly_one_room_counts_as_one() -> None:
    small = [a_release(week, 20, device="c") for week in WEEKS[:7]]  # 140 sessions in all
    assert reasons([*busy(a=40, b=80), *small], declared_from(0, "a"))["a"] == HELD
    enough = [a_release(week, 20, device="c") for week in WEEKS[:8]]
    assert reasons([*busy(a=40, b=80), *enough], declared_from(0, "a"))["a"] == [*HELD[:3], None]


def test_a_quarter_of_the_clinic_whose_months_are_too_few_counts_as_one() -> None:
    clinic = busy(a=12, b=12)
    seen, found = look(clinic, declared_from(0, "a"), LATER)
    assert seen == {Published(None, THIRD)}
    assert found["a", THIRD] is Reason.REST


def test_a_rest_of_one_week_is_withheld() -> None:
    rest = [a_release("2026-W30", 200, device=room) for room in ("b", "c", "d")]
    assert reasons([*busy(a=40), *rest], declared_from(0, "a"))["a"] == [Reason.REST, None, None, Reason.REST]


def test_a_room_of_few_sessions_a_month_shows_its_quarter() -> None:
    found = reasons(busy(a=25, b=40, c=40, d=40), declared_from(0, "a"))
    assert found["a"] == [*[Reason.FEW_SESSIONS] * 3, None]


def test_a_rooms_quarter_that_would_give_away_its_own_rest_is_withheld() -> None:
    own = [a_release(week, 60, device="a") for week in WEEKS[:9]] + [a_release("2026-W38", 30, device="a")]
    found = reasons([*own, *busy(b=60, c=60, d=60)], declared_from(0, "a"))
    assert found["a"] == [None, None, Reason.FEW_SESSIONS, Reason.REMAINDER]


def test_a_period_is_shown_once_it_is_closed_and_not_before() -> None:
    clinic, spells = busy(a=40, b=40, c=40), declared_from(0, "a")
    over = midnight(JULY.closes_on())
    assert look(clinic, spells, over - 1)[1]["a", JULY] is Reason.RUNNING
    assert look(clinic, spells, over)[1]["a", JULY] is None


def test_what_was_seen_of_a_room_that_is_withdrawn_still_counts() -> None:
    opened = midnight(FIRST) + 100 * DAY_S
    spells = {"a": [Spell(opened, "ana", opened + DAY_S)], "b": [Spell(opened + 2 * DAY_S, "ana")]}
    assert reasons(busy(a=40, b=40, c=40), {"b": spells["b"]})["b"] == SHOWN
    _, found = look(busy(a=40, b=40, c=40), spells, LATER)
    assert [found["b", each] for each in (JULY, AUGUST, SEPTEMBER, THIRD)] == HELD
    assert "a" not in {room for room, _ in found}


@pytest.mark.parametrize("rooms", [300])
def test_many_rooms_take_no_more_than_moments(rooms: int) -> None:
    names = [f"room-{n}" for n in range(rooms)]
    releases = [a_release(week, 25, device=name) for name in names for week in WEEKS]
    found = reasons(releases, declared_from(0, *names[::2]))
    assert all(each == [*[Reason.FEW_SESSIONS] * 3, None] for each in found.values())
