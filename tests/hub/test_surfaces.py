"""The API, the exports and the pages together: whoever keeps all they ever said works out no release and no week.

Weekly messages come in time or late; rooms are declared and withdrawn; and at many moments everything is read that may
be. Each number has to be the mean of what had come in time, the same wherever it stands, and so is an equation in the
releases. Linear algebra then says which of them follow from all equations together.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from app.hub.accounts import Role
from app.hub.arrivals import Arrival, sort
from app.hub.days import midnight
from app.hub.journal import TERMINAL
from app.hub.periods import Period, month, quarter, thursday
from app.hub.tokens import Scope
from app.hub.words import words
from app.sync import wire
from tests.hub.households import DAY_S, Clinic, a_clinic
from tests.hub.hubs import a_release, an_envelope
from tests.hub.programs import a_program
from tests.hub.test_export import lines
from tests.hub.test_room_numbers import shown
from tests.hub.visitors import Browser, let_in

METRIC, MIDDLE, STEP = "therapist_talk_share", 0.5, 0.001
WEEKS = [f"2026-W{week}" for week in range(27, 40)]
ROOMS = ("room-0", "room-1", "room-2")
MONTHS = [Period(2026, number, 1) for number in (7, 8, 9)]
PERIODS = {words("en").period(each): each for each in (*MONTHS, Period(2026, 7, 3))}
CODES = {f"2026-{each.first_month:02}" if each.length == 1 else "2026-Q3": each for each in PERIODS.values()}
LAST = 150
"""Days from the quarter's first within which everything happens."""

Atom = tuple[str, str]
"""A room and a week: the least that could be worked out."""
OnTime = Callable[[date, str], bool]
"""Whether a message that came on a day counts in its week."""


@dataclass(frozen=True)
class Sent:
    """A weekly message, and the day on which it comes."""

    room: str
    week: str
    sessions: int
    centred: int
    day: date


@dataclass
class World:
    """What happens, by the day."""

    sent: list[Sent]
    turns: Mapping[str, list[int]]
    """By room, the days from the quarter's first on which it is declared and withdrawn in turn."""
    looks: list[int]


@dataclass
class Notebook:
    """All that was ever read: equations, each as the atoms whose mean it is."""

    rows: set[frozenset[Atom]] = field(default_factory=set)


def day(number: int) -> date:
    return thursday(WEEKS[0]) + timedelta(days=number - 3)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    rooms = ROOMS[: draw(st.integers(1, 3))]
    sent = []
    for room in rooms:
        usual = draw(st.sampled_from([0, 25, 60, 120]))
        some = st.sampled_from(draw(st.sampled_from([[usual], [0, usual, usual]])))
        delays = st.sampled_from(draw(st.sampled_from([[0], [0, 0, 0, 5, 30], [0, 20, 60]])))
        for week in WEEKS:
            on = thursday(week) + timedelta(days=3 + draw(delays))
            sent.append(Sent(room, week, draw(some), draw(st.integers(-200, 200)), on))
    turns = {room: sorted(draw(st.sets(st.integers(0, LAST), max_size=2))) for room in rooms}
    closing = [(each.closes_on() - day(0)).days for each in MONTHS]
    looks = sorted({*closing, LAST, *draw(st.sets(st.integers(30, LAST), max_size=3))})
    return World(sent, turns, looks)


def in_time(on: date, week: str) -> bool:
    return on < month(week).closes_on()


@contextmanager
def lived(world: World, counts: OnTime = in_time) -> Iterator[Notebook]:
    """Live through it, and read all that may be read at each look."""
    notebook = Notebook()
    with TemporaryDirectory() as folder, a_clinic(Path(folder)) as clinic:
        clinic.now = midnight(day(0))
        for room in ROOMS:
            clinic.beat(room)
        for number in range(LAST + 1):
            clinic.now = midnight(day(number)) + DAY_S // 2
            for at, each in enumerate(world.sent):
                if each.day == day(number):
                    send(clinic, each, at)
            for room, turns in world.turns.items():
                if number in turns:
                    clinic.declarations.declare_room(room, turns.index(number) % 2 == 0, clinic.now, TERMINAL)
            if number in world.looks:
                look(clinic, world, number, counts, notebook)
        yield notebook


def send(clinic: Clinic, each: Sent, at: int) -> None:
    sums = {METRIC: each.centred * each.sessions} if each.sessions else None
    body = a_release(at, each.week, each.sessions, sums=sums, ranges={METRIC: (0.0, 1.0)})
    item = sort(Arrival(each.room, "m", wire.seal(an_envelope(1000 + at, body, each.room))))
    assert item
    clinic.store.commit([item], clinic.now)


def look(clinic: Clinic, world: World, number: int, counts: OnTime, notebook: Notebook) -> None:
    """Read everything as somebody new; check each number, and keep it."""
    owner = Browser(clinic.pages(), let_in(clinic.desk, Role.OWNER, f"owner-{number}"))
    there = [each for each in world.sent if each.day <= day(number) and counts(each.day, each.week)]
    found: set[tuple[str | None, Period, float, int]] = {(None, *each) for each in table(owner, "/export/clinic.csv")}
    assert shown(owner.get("/").text) == {(METRIC, value) for _, _, value, _ in found}
    api = a_program(clinic, Scope.NUMBERS, f"program {number}").get("/api/v1/clinic").json()
    (world_told,) = api["worlds"]
    assert {
        (None, CODES[period["period"]], given["value"], given["sessions"])
        for period in (*world_told["months"], *world_told["quarters"])
        for given in period["numbers"].values()
    } == found
    for room in ROOMS:
        if owner.get(f"/export/rooms/{room}.csv").status_code == 404:
            assert shown(owner.get(f"/rooms/{room}").text) == set()
            continue
        own = {(room, *each) for each in table(owner, f"/export/rooms/{room}.csv")}
        assert shown(owner.get(f"/rooms/{room}").text) == {(METRIC, value) for _, _, value, _ in own}
        found |= own
    for whose, period, value, sessions in found:
        inside = [e for e in there if e.sessions and covers(whose, period, e)]
        total = sum(e.sessions for e in inside)
        mean = MIDDLE + STEP * sum(e.centred * e.sessions for e in inside) / total
        assert sessions == total, (whose, period, number, inside)
        assert value == pytest.approx(mean, abs=1e-4)
        notebook.rows.add(frozenset((e.room, e.week) for e in inside))


def table(browser: Browser, path: str) -> list[tuple[Period, float, int]]:
    return [
        (PERIODS[line["period"]], float(line["value"]), int(line["sessions"]))
        for line in lines(browser, path)
        if line["value"]
    ]


def covers(whose: str | None, period: Period, each: Sent) -> bool:
    of = month(each.week) if period.length == 1 else quarter(each.week)
    return of == period and whose in {None, each.room}


def follows(notebook: Notebook, atoms: list[Atom], those: set[Atom]) -> bool:
    """Whether anything about those atoms alone follows from what was read."""
    rows = np.array([[atom in row for atom in atoms] for row in notebook.rows], dtype=float)
    if not rows.size or not those:
        return False
    others = [at for at, atom in enumerate(atoms) if atom not in those]
    rank = np.linalg.matrix_rank
    return bool(rank(rows) > (rank(rows[:, others]) if others else 0))


def exposed(world: World, notebook: Notebook) -> list[str]:
    """What can be worked out that may not be: a room that was never declared, a week, a single release."""
    atoms = sorted({(e.room, e.week) for e in world.sent if e.sessions})
    rooms = {room for room, _ in atoms}
    several = len({e.room for e in world.sent}) > 1
    never = [room for room in rooms if not world.turns[room]]
    found = [room for room in never if several and follows(notebook, atoms, {a for a in atoms if a[0] == room})]
    found += [week for week in WEEKS if follows(notebook, atoms, {a for a in atoms if a[1] == week})]
    return found + [f"{room} {week}" for room, week in atoms if follows(notebook, atoms, {(room, week)})]


@given(worlds())
@settings(max_examples=15, phases=[Phase.generate])  # a world takes a second: none is lived through to be made smaller
def test_nothing_that_may_not_be_known_follows_from_all_that_was_ever_read(world: World) -> None:
    with lived(world) as notebook:
        assert exposed(world, notebook) == []


LATE = World(
    [Sent(room, week, 60, 10, thursday(week) + timedelta(days=3)) for room in ROOMS[:2] for week in WEEKS]
    + [Sent(ROOMS[2], WEEKS[1], 60, 90, day(60))],
    {room: [] for room in ROOMS},
    [50, 70, LAST],
)
"""Two rooms as usual, and a release of July of a third that comes at the end of August."""


def test_a_release_that_comes_late_is_in_no_number() -> None:
    with lived(LATE) as notebook:
        assert len(notebook.rows) == 4
        assert exposed(LATE, notebook) == []


def test_were_it_counted_it_would_follow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.hub.entries.day_of", lambda _: date.min)
    with lived(LATE, lambda *_: True) as notebook:
        assert exposed(LATE, notebook) == ["room-2", "2026-W28", "room-2 2026-W28"]
