"""Every page of the hub in every state worth seeing: what is looked at for access, keys, width, weight and pictures."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from math import sqrt
from pathlib import Path
from random import Random

from playwright.sync_api import Page

from app.catalogue import RELEASED
from app.hub.accounts import Role
from app.hub.arrivals import Arrival, Sorted, sort
from app.hub.authority import Authority
from app.hub.conditions import HUB, Findings, Kind, Trouble
from app.hub.days import day_of
from app.hub.journal import TERMINAL
from app.sync import wire
from app.sync.identity import new_key, signing_request
from tests.hub.households import DAY_S, NOW, Clinic
from tests.hub.hubs import a_release, an_envelope, in_time

SIGMA2 = 1_500_000
MEANS = {"1": 0.4, "s": 0.3, "1/min": 0.35, "1/10 min": 0.2}
"""Of a metric's range, by its unit."""
LONG_NAME = "Sala de terapia familiar y de parejas 12"


def nothing(_page: Page) -> None:
    """Look, and do no more."""


@dataclass(frozen=True, slots=True)
class Sight:
    """A page of a clinic, as somebody sees it who has done something there; None: nobody has signed in."""

    name: str
    clinic: str
    path: str
    who: Role | None = Role.OWNER
    do: Callable[[Page], None] = nothing
    status: int = 200


def add_a_room(page: Page) -> None:
    page.locator("#name").fill("Winter garden")
    page.locator("form[action*='/devices/add'].sheet button").click()
    page.locator(".invited").wait_for()


def add_a_room_without_a_name(page: Page) -> None:
    page.locator("#name").fill("***")
    page.locator("form[action*='/devices/add'].sheet button").click()
    page.locator("[role=alert]:visible").wait_for()


def open_what_can_be_changed(page: Page) -> None:
    page.locator("summary").first.click()


def give_a_link(page: Page) -> None:
    page.locator("summary").last.click()
    page.locator("form[action*='/people/reset'] button").last.click()
    page.locator("code.link").wait_for()


def give_a_token(page: Page) -> None:
    page.locator("#name").fill(f"prometheus {page.locator('html').get_attribute('lang')}")
    page.locator("form[action*='/api/tokens/add'] button").click()
    page.locator("code.link").wait_for()


def declare_too_many(page: Page) -> None:
    page.locator("#count").evaluate("field => { field.type = 'text'; field.value = 'five'; }")
    page.locator("form[action*='/settings/therapists'] button").click()
    page.locator("[role=alert]:visible").wait_for()


def mistype(page: Page) -> None:
    page.locator("#name").fill("ana")
    page.locator("#password").fill("not it, not at all")
    page.locator("main button").click()
    page.locator("#wrong").wait_for()


def differ(page: Page) -> None:
    page.locator("#name").fill("ana")
    page.locator("#password").fill("four unrelated words here")
    page.locator("#again").fill("four other words, not these")
    page.locator("main button").click()
    page.locator("#wrong").wait_for()


SIGHTS = (
    Sight("empty", "empty", "/"),
    Sight("no rooms", "empty", "/rooms"),
    Sight("no devices", "empty", "/devices"),
    Sight("no address", "nowhere", "/devices"),
    Sight("one person", "empty", "/people"),
    Sight("young journal", "empty", "/audit"),
    Sight("clinic", "busy", "/"),
    Sight("clinic for a technician", "busy", "/", Role.TECH),
    Sight("clinic with trouble", "troubled", "/"),
    Sight("clinic that waits", "waiting", "/"),
    Sight("clinic with months withheld", "withheld", "/"),
    Sight("clinic too small", "small", "/"),
    Sight("rehearsal", "rehearsal", "/", None),
    Sight("rooms", "busy", "/rooms"),
    Sight("rooms that need a look", "busy", "/rooms?show=look"),
    Sight("no room found", "busy", "/rooms?q=zzz"),
    Sight("many rooms", "many", "/rooms?page=2"),
    Sight("room", "busy", "/rooms/garden-room"),
    Sight("room with numbers of its own", "busy", "/rooms/room-0"),
    Sight("room that waits for its unit", "busy", "/rooms/music-room"),
    Sight("alerts", "busy", "/alerts"),
    Sight("alerts to read only", "busy", "/alerts", Role.AUDITOR),
    Sight("no alerts", "empty", "/alerts"),
    Sight("devices", "busy", "/devices"),
    Sight("devices to read only", "busy", "/devices", Role.AUDITOR),
    Sight("device to change", "busy", "/devices", do=open_what_can_be_changed),
    Sight("room added", "busy", "/devices", do=add_a_room),
    Sight("room not added", "busy", "/devices", do=add_a_room_without_a_name),
    Sight("people", "busy", "/people"),
    Sight("person with a link", "busy", "/people", do=give_a_link),
    Sight("journal", "busy", "/audit"),
    Sight("glossary", "busy", "/glossary"),
    Sight("settings", "busy", "/settings"),
    Sight("settings to read only", "busy", "/settings", Role.AUDITOR),
    Sight("settings of a small clinic", "small", "/settings"),
    Sight("settings refused", "busy", "/settings", do=declare_too_many),
    Sight("programs", "busy", "/api"),
    Sight("program with a token", "busy", "/api", do=give_a_token),
    Sight("no programs", "empty", "/api"),
    Sight("authority to trust", "busy", "/trust", None),
    Sight("sign-in", "busy", "/sign-in", None),
    Sight("sign-in refused", "busy", "/sign-in", None, mistype),
    Sight("sign-in before anybody", "nobody", "/sign-in", None),
    Sight("welcome", "nobody", "/welcome/CODE", None),
    Sight("welcome refused", "nobody", "/welcome/CODE", None, differ),
    Sight("welcome too late", "nobody", "/welcome/used", None, status=410),
    Sight("not there", "busy", "/nowhere", status=404),
    Sight("not for this role", "busy", "/people", Role.TECH, status=403),
    Sight("not readable", "broken", "/", status=503),
)


@contextmanager
def clinics(folder: Path) -> Iterator[dict[str, Clinic]]:
    """The clinics that the sights are of, by name."""
    with ExitStack() as stack:
        makers = {
            "empty": nobody_but_an_owner,
            "nobody": lambda _: None,
            "nowhere": nobody_but_an_owner,
            "busy": busy,
            "many": many,
            "waiting": waiting,
            "withheld": withheld,
            "small": waiting,
            "troubled": troubled,
            "rehearsal": rehearsal,
            "broken": broken,
        }
        found = {}
        for name, make in makers.items():
            (folder / name).mkdir()
            address = None if name == "nowhere" else "hub.north.example"
            found[name] = Clinic(folder / name, stack, address, therapists=4 if name == "small" else 6)
            make(found[name])
        yield found


def nobody_but_an_owner(clinic: Clinic) -> None:
    clinic.visit(Role.OWNER)


def busy(clinic: Clinic) -> None:
    """Rooms in every standing, a year and more of releases, people and a journal."""
    for role in (Role.OWNER, Role.MANAGER, Role.AUDITOR, Role.TECH):
        clinic.visit(role)
    clinic.desk.people.add("tom@north.example", Role.TECH, NOW, TERMINAL)
    join(clinic, "Blue room", 20)
    join(clinic, LONG_NAME, 3)
    clinic.beat(join(clinic, "Garden room", 15), 2, microphones="fault")
    clinic.beat(join(clinic, "Attic", 40), 2, ago=3 * 3600)
    clinic.die(join(clinic, "Cellar", 8), ago=DAY_S + 3600)
    clinic.beat(join(clinic, "Library", 9), 2, outbox_waiting=4, outbox_dropped=3, clock="own")
    join(clinic, "Tower", 78)
    join(clinic, "Old house", 95)
    clinic.registry.revoke(join(clinic, "Gate house", 60), NOW - 5 * DAY_S)
    clinic.registry.add("Music room", NOW - DAY_S)
    clinic.registry.add("Salon", NOW - 9 * DAY_S)
    fault = Trouble("garden-room", Kind.MICROPHONES, "Garden room", 2)
    clinic.alerts.observe("north-1", Findings([fault]), NOW - 2 * DAY_S)
    wrong = [Trouble("attic", Kind.AWAY, "Attic", NOW - 3 * 3600), Trouble(f"{HUB}north-1", Kind.DISK, "north-1", 512)]
    clinic.alerts.observe("north-1", Findings([*wrong, Trouble("", Kind.ASIDE, "", 3)]), NOW)
    keep_days(clinic, "garden-room", 60)
    season(clinic, 60, rooms=3)
    clinic.declarations.declare_room("room-0", True, NOW - DAY_S, TERMINAL)


def many(clinic: Clinic) -> None:
    """More rooms than a page holds."""
    clinic.visit(Role.OWNER)
    for number in range(1, 73):
        clinic.beat(f"room-{number:02}", microphones="fault" if number == 7 else "ok")


def waiting(clinic: Clinic) -> None:
    """83 sessions of a month that is not over."""
    clinic.visit(Role.OWNER)
    clinic.beat("blue-room")
    plan = enumerate({45: 28, 46: 30, 47: 25}.items())
    in_time(clinic.store, [a_week("blue-room", n, f"2026-W{week}", sessions) for n, (week, sessions) in plan], NOW)


def withheld(clinic: Clinic) -> None:
    """Months too small, of a single week, without a release, shown, running, and a quarter with a remainder."""
    clinic.visit(Role.OWNER)
    clinic.beat("blue-room")
    spring, summer = {15: 55, 16: 55, 17: 55, 20: 30}, {28: 30, 29: 30, 32: 180, 36: 60, 37: 60, 38: 60, 39: 40}
    plan = enumerate((spring | summer | {40: 0, 41: 0, 43: 25, 45: 40}).items())
    in_time(clinic.store, [a_week("blue-room", n, f"2026-W{week}", sessions) for n, (week, sessions) in plan], NOW)


def troubled(clinic: Clinic) -> None:
    """Nothing is stored, messages were set aside, a room is newer than the hub; and a real and a simulated world."""
    clinic.visit(Role.OWNER)
    clinic.trouble = "the broker does not answer"
    newer = b'{"v":2,"epoch":"%s","seq":1}' % (b"0" * 32)
    items = [sort(Arrival("room-9", "m", b"{")), sort(Arrival("room-8", "m", newer))]
    clinic.store.commit([item for item in items if item], NOW)
    season(clinic, 9, rooms=2)
    season(clinic, 9, rooms=1, simulated=True)


def rehearsal(clinic: Clinic) -> None:
    """What the demo shows: three simulated rooms, twelve weeks."""
    clinic.open = True
    for number in range(3):
        clinic.beat(f"room-{number}", simulated=True)
    season(clinic, 12, rooms=3, simulated=True)


def broken(clinic: Clinic) -> None:
    """A database that lacks a table."""
    clinic.visit(Role.OWNER)
    with closing(sqlite3.connect(clinic.options.where)) as database:
        database.execute("ALTER TABLE health RENAME TO gone")


def join(clinic: Clinic, name: str, days_ago: int) -> str:
    """A room whose unit joined so long ago and is well now; its id."""
    then = NOW - days_ago * DAY_S
    invited = clinic.registry.add(name, then)
    authority = Authority(clinic.options.authority, clinic.options.clinic, then)
    clinic.registry.admit(authority, invited.device, invited.code, signing_request(new_key()), then)
    clinic.beat(invited.device)
    return invited.device


def season(clinic: Clinic, weeks: int, rooms: int, *, simulated: bool = False) -> None:
    """Weekly messages up to now: numbers that drift a little, under noise as large as it is."""
    messages = []
    for room in range(rooms):
        for ago in range(weeks):
            sessions = 0 if Random(f"{room} {ago}").random() < 0.08 else 27 - 2 * room
            messages.append(a_week(f"room-{room}", ago, week_before(ago + 1), sessions, simulated=simulated))
    in_time(clinic.store, messages, NOW)


def a_week(device: str, number: int, week: str, sessions: int, *, simulated: bool = False) -> Sorted:
    """A weekly message; with no sessions, a withheld one."""
    rng = Random(f"{device} {number} {simulated}")
    sums = {}
    for metric in RELEASED:
        drift = 0.03 * (number / 52 - 1) + rng.gauss(0, 0.01)
        sums[metric.id] = round(sessions * 1000 * (MEANS[metric.unit] - 0.5 + drift) + rng.gauss(0, sqrt(SIGMA2)))
    identity = sum(map(ord, f"{device}{simulated}")) * 1000 + number
    release = a_release(identity, week, sessions, sums=sums if sessions else None, sigma2=SIGMA2)
    envelope = an_envelope(1000 + number, release, device, epoch=f"{identity:032x}", simulated=simulated)
    item = sort(Arrival(device, "m", wire.seal(envelope)))
    assert item
    return item


def keep_days(clinic: Clinic, device: str, days: int) -> None:
    """Lines of past days, as heartbeats would have left them."""
    rng, rows = Random(device), []
    for ago in range(1, days):
        if ago in {11, 12, 33}:
            continue
        heard = 86_400 - rng.choice((0, 0, 0, 900, 4000, 30_000))
        rows.append(
            (device, (day_of(NOW) - timedelta(days=ago)).isoformat(), heard, 288, 288 * (ago < 2), 0, ago % 9 // 4, 0)
        )
    columns = "device, day, heard_s, heartbeats, faults, own_clock, waiting, dropped, software"
    with closing(sqlite3.connect(clinic.options.where)) as database, database:
        database.executemany(f"INSERT INTO health_days ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, '0.1.0')", rows)  # noqa: S608  our own names


def week_before(ago: int) -> str:
    """The ISO week so many weeks before the sights' own."""
    year, week, _ = (day_of(NOW) - timedelta(weeks=ago)).isocalendar()
    return f"{year}-W{week:02}"
