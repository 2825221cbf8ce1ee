"""A hub of ten thousand rooms after two years, and how fast its pages are: `python -m tests.hub.crowd --rooms 10000`.

Fills a database by bulk insert: weekly releases, a line of health a room and day, a day of heartbeats, certificates,
commands, a journal. Then asks every page that answers a GET, found by walking the routes, of the real application
in this process (ASGI, no network between), each many times, and tells half and 95 % of the times. Exit 1 if any is
over the bar.
"""

import argparse
import json
import os
import random
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import click
from sqlalchemy import Connection, Engine, Table, event

from app.catalogue import RELEASED
from app.hub.accounts import Role
from app.hub.database import open_database
from app.hub.days import day_of
from app.hub.journal import TERMINAL
from app.hub.registry import Registry
from app.hub.tables import (
    CERTIFICATES,
    COMMANDS,
    FORGOTTEN,
    HEALTH,
    HEALTH_DAYS,
    JOURNAL,
    MESSAGES,
    QUARANTINE,
    RELEASES,
    RESULTS,
    ROOMS,
    WEEKS,
)
from app.hub.trends import Release
from app.hub.weeks import gathered, single
from tests.hub.households import Clinic
from tests.hub.postgres import Postgres, programs
from tests.hub.visitors import Browser, let_in, routes

BAR_S = 0.3
DAY_S = 86_400
RANGES: dict[str, tuple[float, float]] = {metric.id: metric.released for metric in RELEASED if metric.released}
RANGES_JSON = json.dumps(RANGES)
CERTIFICATES_EACH = 12
RAW = ("messages", "releases", "health_days", "certificates", "commands", "results")
"""Tables that grow with time, in each room: no page may read them from one end to the other."""
PARAMETERS = {"device": "room-00007", "code": "nobody-knows-it"}
VARIANTS = {
    "/rooms": ("?show=look", "?q=ward+7", "?page=100", "?show=look&page=3"),
    "/rooms/{device}": ("?lang=es",),
    "/devices": ("?page=100",),
    "/audit": ("?before=5000",),
    "/": ("?lang=es",),
}

Row = tuple[Any, ...]


@dataclass(frozen=True)
class Size:
    """How much there is."""

    rooms: int
    weeks: int = 104
    days: int = 730
    beats: int = 288
    """Heartbeats of each room whose rows are still there."""
    entries: int = 200_000
    """Of the journal."""
    seed: int = 1


class Crowd:
    """The rows of every table, made up; the same for the same size and time."""

    def __init__(self, size: Size, now: int) -> None:
        self.size, self.now = size, now
        self._dice = random.Random(size.seed)
        self._weeks: list[Row] = []

    def tables(self) -> Iterator[tuple[Table, int, Iterable[Row]]]:
        """Each table with how many rows and the rows, in the order of its columns."""
        size, rooms = self.size, self.size.rooms
        yield ROOMS, rooms, self.rooms()
        yield HEALTH, rooms, self.health()
        yield CERTIFICATES, CERTIFICATES_EACH * rooms, self.certificates()
        yield COMMANDS, rooms, self.commands()
        yield RESULTS, rooms, self.results()
        yield FORGOTTEN, rooms, self.forgotten()
        yield QUARANTINE, rooms // 50, self.quarantine()
        yield JOURNAL, size.entries, self.journal()
        yield RELEASES, size.weeks * rooms, self.releases()
        yield WEEKS, len(self._weeks), self._weeks
        yield HEALTH_DAYS, size.days * rooms, self.health_days()
        yield MESSAGES, (size.weeks + size.beats) * rooms, self.messages()

    def device(self, room: int) -> str:
        return f"room-{room:05}"

    def epoch(self, room: int) -> str:
        return f"{room:032x}"

    def sha256(self) -> str:
        return f"{self._dice.getrandbits(256):064x}"

    def rooms(self) -> Iterator[Row]:
        for room in range(self.size.rooms):
            name = f"Ward {room % 97} room {room}"
            ends = self.now + self._dice.randint(25, 90) * DAY_S if room % 100 else self.now + 5 * DAY_S
            yield self.device(room), name, 1, self.now - 730 * DAY_S, None, name.casefold(), ends

    def health(self) -> Iterator[Row]:
        last = (self.size.weeks + self.size.beats) * 3
        for room in range(self.size.rooms):
            away, ill = room % 83 == 0, room % 211 == 0
            beat = self.now - (self._dice.randint(1000, 9 * DAY_S) if away else self._dice.randint(0, 300))
            state = "death" if away else "birth"
            told = (self.epoch(room), 3, last, beat, self.epoch(room), last, "0.1.0", "fault" if ill else "ok", "hub")
            yield self.device(room), last, False, state, beat, *told, int(room % 307 == 0) * 4, 0

    def certificates(self) -> Iterator[Row]:
        for room in range(self.size.rooms):
            for number in range(CERTIFICATES_EACH):
                issued = self.now - 60 * DAY_S * (CERTIFICATES_EACH - number)
                yield f"{self._dice.getrandbits(158):040x}", self.device(room), 1, issued, issued + 90 * DAY_S

    def commands(self) -> Iterator[Row]:
        for room in range(self.size.rooms):
            made = self.now - 30 * DAY_S if room % 5 else self.now - DAY_S
            yield self.device(room), self.epoch(room), made, b"{}" * 200, made, made + 7 * DAY_S

    def results(self) -> Iterator[Row]:
        for room in range(self.size.rooms):
            made = self.now - 30 * DAY_S if room % 5 else self.now - 2 * DAY_S
            yield self.device(room), self.epoch(room), 7, made, "done", None, made

    def forgotten(self) -> Iterator[Row]:
        for room in range(self.size.rooms):
            yield self.device(room), self.epoch(room), 10**6, 2 * 10**6

    def quarantine(self) -> Iterator[Row]:
        for number in range(self.size.rooms // 50):
            aside = (self.device(number), "m", self.epoch(number), number, self.sha256(), "not an envelope")
            yield number + 1, *aside, number % 10 != 0, b"{" * 500, self.now, self.now, 1

    def journal(self) -> Iterator[Row]:
        for number in range(self.size.entries):
            at = self.now - 730 * DAY_S + number * 300
            yield number + 1, at, f"person-{number % 20}", "127.0.0.1", "signed-in", ""

    def releases(self) -> Iterator[Row]:
        """By week; each week's sums are kept for later."""
        monday = day_of(self.now)
        for ago in range(self.size.weeks, 0, -1):
            year, number, _ = (monday - timedelta(weeks=ago)).isocalendar()
            week, singles = f"{year}-W{number:02}", []
            for room in range(self.size.rooms):
                release = self.release(room, week)
                singles.append(single(release, simulated=False))
                sums = None if release.sums is None else json.dumps(release.sums)
                body = (self.device(room), week, release.sessions, sums, RANGES_JSON, release.sigma2, 0.5, False)
                yield f"{ago:06x}{room:026x}", *body, self.sha256(), self.now - ago * 7 * DAY_S, False
            (total,) = gathered(singles)
            self._weeks.append((False, week, total.released, total.withheld, total.told()))

    def release(self, room: int, week: str) -> Release:
        n = self._dice.randint(20, 30) if self._dice.random() < 0.95 else 0
        about = 80 + room % 50
        sums = {metric: round(n * self._dice.gauss(about, 40) + self._dice.gauss(0, 1225)) for metric in RANGES}
        return Release(self.device(room), week, n, sums if n else None, RANGES, 1_500_000, simulated=False)

    def health_days(self) -> Iterator[Row]:
        today = day_of(self.now)
        days = [(today - timedelta(days=ago)).isoformat() for ago in range(self.size.days, 0, -1)]
        for room in range(self.size.rooms):
            device = self.device(room)
            for day in days:
                yield device, day, 86_400, 288, 0, 0, 1, 0, "0.1.0"

    def messages(self) -> Iterator[Row]:
        for room in range(self.size.rooms):
            device, epoch = self.device(room), self.epoch(room)
            for ago in range(self.size.weeks, 0, -1):
                yield device, epoch, 3 * (self.size.weeks - ago), self.sha256(), "release", self.now - ago * 7 * DAY_S
            for beat in range(self.size.beats):
                seq, at = 3 * (self.size.weeks + beat), self.now - DAY_S + beat * 300 + room % 300
                yield device, epoch, seq, self.sha256(), "heartbeat", at


def is_empty(where: Path | str) -> bool:
    """Whether no room is there."""
    with closing(Registry(where)) as registry:
        return not registry.count()


def fill(where: Path | str, crowd: Crowd, progress: Callable[[str, int, Iterable[Row]], Iterable[Row]]) -> None:
    """Bring the database up to date and put all rows in; `progress` shows how far a table is."""
    engine = open_database(where)
    try:
        for table, length, rows in crowd.tables():
            shown = progress(table.name, length, rows)
            with engine.connect() as connection:
                _copy(connection, table, shown) if isinstance(where, str) else _insert(connection, table, shown)
        if isinstance(where, str):  # what PostgreSQL does by itself in time
            with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.exec_driver_sql("VACUUM ANALYZE")
    finally:
        engine.dispose()


def _insert(connection: Connection, table: Table, rows: Iterable[Row]) -> None:
    driver: Any = connection.connection.driver_connection
    driver.execute("PRAGMA synchronous = OFF")
    driver.execute("PRAGMA cache_size = -500000")
    driver.execute("BEGIN")
    marks = ", ".join("?" * len(table.columns))
    driver.executemany(f"INSERT INTO {table.name} ({_names(table)}) VALUES ({marks})", rows)  # noqa: S608  names of ours
    driver.execute("COMMIT")


def _copy(connection: Connection, table: Table, rows: Iterable[Row]) -> None:
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor:
        with cursor.copy(f"COPY {table.name} ({_names(table)}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        if "id" in table.columns:
            cursor.execute(f"SELECT setval(pg_get_serial_sequence('{table.name}', 'id'), max(id)) FROM {table.name}")  # noqa: S608
    driver.commit()


def _names(table: Table) -> str:
    return ", ".join(f'"{column.name}"' for column in table.columns)


def paths(clinic: Clinic) -> Iterator[str]:
    """Every page that answers a GET, and some of them as people ask for them."""
    for route in routes(clinic.pages().routes):
        if "GET" in (route.methods or ()):
            here = re.sub(r"\{(\w+)\}", lambda found: PARAMETERS[found[1]], route.path)
            yield here
            yield from (here + query for query in VARIANTS.get(route.path, ()))


def declare(clinic: Clinic) -> None:
    """Have one room stand declared, so that its page and its export have numbers of its own."""
    clinic.declarations.declare_room(PARAMETERS["device"], True, clinic.now - 30 * DAY_S, TERMINAL)


@contextmanager
def statements() -> Iterator[list[tuple[str, Any]]]:
    """What is asked of databases meanwhile, with its parameters."""
    asked: list[tuple[str, Any]] = []

    def note(_c: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:  # noqa: ANN401  SQLAlchemy's
        asked.append((statement, parameters))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        event.remove(Engine, "before_cursor_execute", note)


@dataclass(frozen=True)
class Timing:
    """How long a page takes."""

    path: str
    times: tuple[float, ...]
    cpu: float
    """Seconds of this process for one; a PostgreSQL's own are not in it."""
    statements: int
    kilobytes: float

    def share(self, of: float) -> float:
        """So many of the times are not longer."""
        return sorted(self.times)[min(len(self.times) - 1, int(of * len(self.times)))]


def time_page(browser: Browser, path: str, requests: int) -> Timing:
    """Ask for a page again and again."""
    times = []
    with statements() as asked:
        answer = browser.get(path)
    assert answer.status_code in {200, 303, 410}, f"{path} answers {answer.status_code}"
    cpu = time.process_time()
    for _ in range(requests):
        begun = time.perf_counter()
        browser.get(path)
        times.append(time.perf_counter() - begun)
    cpu = (time.process_time() - cpu) / requests
    return Timing(path, tuple(times), cpu, len(asked), len(answer.content) / 1000)


def measure(where: Path | str, folder: Path, size: Size, requests: int) -> list[Timing]:
    """Fill a database, and time every page over it."""
    now = int(time.time())

    def progress(name: str, length: int, rows: Iterable[Row]) -> Iterable[Row]:
        with click.progressbar(rows, length, f"{name:13}", file=sys.stderr, update_min_steps=5000) as bar:
            yield from bar

    if is_empty(where):
        begun = time.monotonic()
        fill(where, Crowd(size, now), progress)
        click.echo(f"filled in {time.monotonic() - begun:.0f} s", err=True)
    with ExitStack() as stack:
        clinic = Clinic(folder, stack, therapists=50, where=where)
        clinic.now = now
        declare(clinic)
        browser = Browser(clinic.pages(), let_in(clinic.desk, Role.OWNER, f"owner-{now}"))
        asked = list(paths(clinic))
        with click.progressbar(asked, label="pages        ", file=sys.stderr) as bar:
            return [time_page(browser, path, requests) for path in bar]


def read_whole(engine: Engine, asked: Iterable[tuple[str, Any]]) -> set[str]:
    """Which tables that grow with time are read from one end to the other by what was asked, by the database's plan."""
    found: set[str] = set()
    with engine.connect() as connection:
        postgresql = connection.dialect.name == "postgresql"
        if postgresql:  # small tables would be read whole whatever indexes they have
            connection.exec_driver_sql("SET enable_seqscan = off")
        for statement, parameters in asked:
            if statement.lstrip().startswith(("SELECT", "WITH")):
                how = "EXPLAIN (FORMAT JSON) " if postgresql else "EXPLAIN QUERY PLAN "
                rows = connection.exec_driver_sql(how + statement, parameters).all()
                found |= set(_whole_in(rows[0][0][0]["Plan"])) if postgresql else set(_scanned(rows))
    return found


def _scanned(rows: Iterable[Any]) -> Iterator[str]:
    for row in rows:
        words = row.detail.split()
        if words[0] == "SCAN" and words[1] in RAW:
            yield words[1]


def _whole_in(plan: dict[str, Any]) -> Iterator[str]:
    if plan.get("Relation Name") in RAW and not (plan.get("Index Cond") or plan.get("Recheck Cond")):
        yield plan["Relation Name"]
    for below in plan.get("Plans", ()):
        yield from _whole_in(below)


def table(timings: Iterable[Timing]) -> str:
    """The times in Markdown."""
    rows = ["| page | half within | 95 % within | own CPU | statements | kB |", "|---|---|---|---|---|---|"]
    for each in timings:
        half, most = each.share(0.5) * 1000, each.share(0.95) * 1000
        cells = (f"{half:.0f} ms", f"{most:.0f} ms", f"{each.cpu * 1000:.0f} ms", each.statements)
        rows.append(f"| {each.path} | {' | '.join(map(str, cells))} | {each.kilobytes:.0f} |")
    return "\n".join(rows)


def main() -> None:
    """Fill, time, report; exit 1 if a page is too slow."""
    parser = argparse.ArgumentParser(prog="python -m tests.hub.crowd", description=__doc__.split("\n")[0])
    parser.add_argument("--rooms", type=int, default=10_000)
    parser.add_argument("--weeks", type=int, default=104, help="of releases (104)")
    parser.add_argument("--days", type=int, default=730, help="of health (730)")
    parser.add_argument("--requests", type=int, default=40, help="for each page (40)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database", help="a file or postgresql://…, filled if it is empty")
    asked = parser.parse_args()
    size = Size(asked.rooms, asked.weeks, asked.days, seed=asked.seed)
    slow = False
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="fermata-crowd-")))
        wheres: list[Path | str] = [folder / "hub.sqlite"]
        if asked.database:
            wheres = [asked.database if asked.database.startswith("postgresql:") else Path(asked.database)]
        elif programs():
            wheres.append(stack.enter_context(closing(Postgres())).url)
        for where in wheres:
            timings = measure(where, folder, size, asked.requests)
            kind = "PostgreSQL" if isinstance(where, str) else "SQLite"
            load = f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
            click.echo(f"\n{kind}, {size}, {asked.requests} requests a page, {load}\n\n{table(timings)}\n")
            slow |= any(each.share(0.95) > BAR_S for each in timings)
    sys.exit(slow)


if __name__ == "__main__":
    main()
