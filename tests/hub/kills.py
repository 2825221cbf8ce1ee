"""A hub on SQLite killed again and again under load: `python -m tests.hub.kills --kills 50 --seed 1`, or `make kills`.

Simulated rooms send over a real broker as fast as a hub of thousands is sent to; meanwhile the hub lets go of old rows,
of which there are many. It is killed (SIGKILL) at a random moment, its broker dies with it, and the database is opened
and read before it is started again. Whatever was ever acknowledged must be there once, and all that is counted of it
must be right. Exit 1 if anything is not.
"""

import argparse
import random
import signal
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock, Thread

import click

from app.hub.arrivals import Arrival, sort
from app.hub.plate import look
from app.hub.store import Store
from app.hub.trends import by_week
from app.simulation.room import SimulatedRoom
from app.simulation.simulation import Plan, Simulation
from app.sync import wire
from tests.hub.hubs import Hub, a_heartbeat, an_envelope, wait_until

DAY_S = 86_400
LONGEST_S = 3.0
"""After the hub is ready it is killed within so many seconds."""
READY_S = 60.0


@dataclass(frozen=True)
class Load:
    """What the hub has to do."""

    rooms: int = 60
    speed: float = 500.0
    """Times faster than life: 60 rooms are then as many as 30,000."""
    old_rooms: int = 200
    old_beats: int = 300
    """Heartbeats of each of these whose time is over: a hub that starts has so many rows to let go of."""


@dataclass
class Witness:
    """What the hub has acknowledged, by device, epoch and number, with each message's hash."""

    landed: dict[tuple[str, str, int], str] = field(default_factory=dict)
    twice: int = 0
    lock: Lock = field(default_factory=Lock)

    def see(self, room: SimulatedRoom, seq: int, payload: bytes) -> None:
        with self.lock:
            key = (room.device, room.epoch, seq)
            self.twice += key in self.landed
            self.landed[key] = wire.fingerprint(payload)

    def so_far(self) -> dict[tuple[str, str, int], str]:
        with self.lock:
            return dict(self.landed)


def fill(where: Path, load: Load, now: int) -> set[tuple[str, str, int]]:
    """Heartbeats of three days ago; their keys."""
    keys = set()
    with closing(Store(where)) as store:
        for number in range(load.old_rooms):
            device, epoch = f"old-{number:03}", f"{number:032x}"
            payloads = [
                wire.seal(an_envelope(seq, a_heartbeat(), device, epoch, simulated=True))
                for seq in range(load.old_beats)
            ]
            items = [item for payload in payloads if (item := sort(Arrival(device, "m", payload)))]
            keys |= set(store.commit(items, now - 3 * DAY_S))
    return keys


def faults(where: Path, acknowledged: dict[tuple[str, str, int], str], old: set[tuple[str, str, int]]) -> list[str]:
    """What is wrong with the database of a hub that does not run."""
    found = []
    with closing(sqlite3.connect(where)) as database:
        if (said := database.execute("PRAGMA quick_check").fetchone()[0]) != "ok":
            found.append(f"the file is damaged: {said}")
        rows = {tuple(row[:3]): row[3] for row in database.execute("SELECT device, epoch, seq, sha256 FROM messages")}
        spans = database.execute("SELECT device, epoch, first, last FROM forgotten").fetchall()
        bodies = database.execute("SELECT count(DISTINCT sha256) FROM releases").fetchone()[0]
        aside = database.execute("SELECT count(*) FROM quarantine").fetchone()[0]
        told = dict(database.execute("SELECT device, messages FROM health").fetchall())
        beats = dict(database.execute("SELECT device, sum(heartbeats) FROM health_days GROUP BY device").fetchall())
        kinds = database.execute("SELECT device, count(*) FROM messages WHERE kind = 'heartbeat' GROUP BY device")
        there = Counter(dict(kinds.fetchall()))
    gone = {(device, epoch, seq) for device, epoch, first, last in spans for seq in range(first, last + 1)} - set(rows)
    there.update(device for device, _, _ in gone)
    known = set(rows) | gone
    checks = {
        "acknowledged and lost": {key for key, sha256 in acknowledged.items() if rows.get(key) != sha256},
        "old and lost": old - known,
        "set aside": aside,
        "counted otherwise than stored": Counter(device for device, _, _ in known) - Counter(told),
        "counted more than stored": Counter(told) - Counter(device for device, _, _ in known),
        "heartbeats in the days and not stored, or the other way": {
            device for device in told if beats.get(device, 0) != there[device]
        },
    }
    found += [f"{what}: {wrong}" for what, wrong in checks.items() if wrong]
    with closing(Store(where)) as store:
        releases = store.releases()
        if store.weeks() != by_week(releases):
            found.append("the sums by week are not those of the releases")
        if bodies != len(releases):
            found.append("a release is there twice")
    return found


@dataclass(frozen=True)
class Result:
    """How it went."""

    kills: int
    acknowledged: int
    forgotten: int
    wrong: tuple[str, ...]


def run(folder: Path, kills: int, seed: int, load: Load, progress: Callable[[str], None]) -> Result:
    """Kill so often; stop at what is wrong."""
    dice, witness, where = random.Random(seed), Witness(), folder / "hub.sqlite"
    folder.mkdir(exist_ok=True)
    old = fill(where, load, int(time.time()))
    hub = Hub(folder, rehearsal=True)
    hub.start()
    plate = look(folder)
    plan = Plan(load.rooms, 1e9, load.speed, seed=seed)
    simulation = Simulation(plan, plate.clinic, (plate.host, plate.port), plate.generation, witness.see)
    simulation.connect(lambda _: None)
    stop = Stop(simulation)
    living = Thread(target=stop.live)
    living.start()
    wrong: list[str] = []
    try:
        for number in range(1, kills + 1):
            begun = len(witness.so_far())
            wait_until(lambda: len(witness.so_far()) > begun, READY_S)  # noqa: B023  waited for before it changes
            time.sleep(dice.uniform(0, LONGEST_S))
            hub.end(signal.SIGKILL)
            acknowledged = witness.so_far()
            wrong = faults(where, acknowledged, old)
            progress(f"kill {number} of {kills}: {len(acknowledged)} acknowledged, {'; '.join(wrong) or 'all there'}")
            if wrong:
                break
            hub.start()
    finally:
        stop.asked = True
        living.join()
        if hub.process:
            wait_until(lambda: stop.over, READY_S)
            hub.end(signal.SIGTERM)
    if not wrong and simulation.waiting:
        wrong.append(f"{simulation.waiting} were not acknowledged in the end")
    wrong += faults(where, witness.so_far(), old) if not wrong else []
    with closing(sqlite3.connect(where)) as database:
        spans = database.execute("SELECT coalesce(sum(last - first + 1), 0) FROM forgotten").fetchone()[0]
    return Result(number, len(witness.so_far()), spans, tuple(wrong))


class Stop:
    """A simulation that ends when it is asked to."""

    def __init__(self, simulation: Simulation) -> None:
        self.asked = self.over = False
        self._simulation = simulation

    def live(self) -> None:
        try:
            self._simulation.live(lambda _: self._simulation.end() if self.asked else None)
            self._simulation.leave()
        finally:
            self.over = True


def main() -> None:
    """Kill and report; exit 1 if something is wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.hub.kills", description=__doc__.split("\n")[0])
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--rooms", type=int, default=Load.rooms)
    parser.add_argument("--speed", type=float, default=Load.speed, help="times faster than life (500)")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    begun = time.monotonic()

    def progress(line: str) -> None:
        click.echo(f"{time.monotonic() - begun:6.0f} s  {line}")

    with tempfile.TemporaryDirectory(prefix="fermata-kills-") as folder:
        load = Load(asked.rooms, asked.speed)
        result = run(Path(folder), asked.kills, asked.seed, load, progress)
    verdict = "; ".join(result.wrong) or "each acknowledged message is there, none twice, all counts are right"
    click.echo(
        f"\n{result.kills} kills, seed {asked.seed}, {load}: {result.acknowledged} messages acknowledged, "
        f"{result.forgotten} old rows let go of meanwhile; {verdict}"
    )
    sys.exit(bool(result.wrong))


if __name__ == "__main__":
    main()
