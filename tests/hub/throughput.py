"""How fast one inbox takes messages in, each committed before it is acknowledged: `python -m tests.hub.throughput`.

A real broker holds a backlog of releases and heartbeats from many rooms. An inbox in a process of its own takes it in,
into SQLite (synchronous FULL) and into PostgreSQL, in turns. Its own CPU is counted,
the broker's and the database's are not.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from statistics import median
from threading import Event

from paho.mqtt.client import Client, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion

from app.hub import inbox
from app.hub.arrivals import Sorted
from app.hub.broker import Broker
from app.hub.inbox import Inbox
from app.hub.keys import Key
from app.hub.store import Store
from app.sync import wire
from tests.hub.hubs import a_heartbeat, a_release, an_envelope
from tests.hub.postgres import Postgres, programs

ROOMS = 200
LEAST_A_SECOND = 1000.0
MOST_CPU_US = 250.0


class Counted(Store):
    """A store that ends the inbox once so many messages are committed."""

    def __init__(self, where: Path | str, total: int, stop: Event) -> None:
        super().__init__(where)
        self._total, self._stop = total, stop
        self._keys: set[Key] = set()
        """A broker brings again what waits too long for its PUBACK."""
        self.commits = 0

    def commit(self, items: Iterable[Sorted], now: int) -> list[Key]:
        keys = super().commit(items, now)
        self._keys.update(keys)
        self.commits += 1
        if len(self._keys) >= self._total:
            self._stop.set()
        return keys


def take_in(where: Path | str, port: int, total: int, batch: int) -> dict[str, float]:
    """Take in so many messages; seconds, CPU seconds, commits. Zero only subscribes."""
    stop = Event()
    inbox.BATCH = batch
    with closing(Counted(where, total, stop)) as store:
        taker = Inbox("north", ("127.0.0.1", port), store, print)
        if not total:
            stop.set()
            wait_for_subscription(taker)
            return {}
        began, cpu = time.perf_counter(), cpu_s()
        taker.run(stop)
        return {"seconds": time.perf_counter() - began, "cpu": cpu_s() - cpu, "commits": store.commits}


def wait_for_subscription(taker: Inbox) -> None:
    """Let the broker know the inbox, so that it keeps what comes for it."""
    assert taker._connect()
    while not taker.subscribed.is_set():
        taker._client.loop(0.1)
    taker._client.disconnect()


def cpu_s() -> float:
    """CPU seconds of this process so far, the system's share included."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def fill(port: int, total: int) -> None:
    """A backlog: releases and heartbeats in turn, from so many rooms in turn."""
    client = Client(CallbackAPIVersion.VERSION2, client_id="rooms", protocol=MQTTv311)
    client.max_inflight_messages_set(500)
    client.connect("127.0.0.1", port)
    client.loop_start()
    last = None
    for number in range(total):
        device = f"room-{number % ROOMS}"
        body = a_release(number) if (number // ROOMS) % 2 else a_heartbeat()
        payload = wire.seal(an_envelope(number // ROOMS, body, device))
        last = client.publish(wire.topic("north", device, "m"), payload, qos=1)
        if number % 2000 == 1999:
            last.wait_for_publish(60)
    if last:
        last.wait_for_publish(60)
    client.disconnect()
    client.loop_stop()
    client._reset_sockets()  # paho leaves its pair of sockets to the garbage collector


def in_a_process(where: Path | str, port: int, total: int, batch: int) -> dict[str, float]:
    """`take_in` in a process of its own, as the hub is."""
    kind = "url" if isinstance(where, str) else "path"
    command = [
        sys.executable,
        "-m",
        "tests.hub.throughput",
        "--worker",
        json.dumps([kind, str(where), port, total, batch]),
    ]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def measure(where: Path | str, folder: Path, total: int, batch: int) -> dict[str, float]:
    """One backlog through one inbox into this database; fails if not every message is there."""
    with closing(Broker("north", folder / "broker", 0)) as broker:
        broker.start()
        in_a_process(where, broker.port, 0, batch)
        fill(broker.port, total)
        found = in_a_process(where, broker.port, total, batch)
    with closing(Store(where)) as store:
        assert store.counts().messages == total, f"{store.counts().messages} of {total} are there"
    return {"a_second": total / found["seconds"], "cpu_us": found["cpu"] / total * 1e6, "commits": found["commits"]}


def main() -> None:
    """Measure in turns and report; exit 1 if a median is short of what is asked."""
    parser = argparse.ArgumentParser(prog="python -m tests.hub.throughput", description=__doc__.split("\n")[0])
    parser.add_argument("--messages", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--batches", default="100,500", help="sizes of a commit, by comma")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.worker:
        kind, where, *rest = json.loads(asked.worker)
        print(json.dumps(take_in(Path(where) if kind == "path" else where, *rest)))  # noqa: T201
        return
    databases = ["SQLite FULL"] + (["PostgreSQL"] if programs() else [])
    sizes = [int(size) for size in asked.batches.split(",")]
    found: dict[tuple[str, int], list[dict[str, float]]] = {}
    for _ in range(asked.rounds):
        for size in sizes:
            for name in databases:
                found.setdefault((name, size), []).append(one(name, asked.messages, size))
    print(f"{asked.messages} messages of {ROOMS} rooms, medians of {asked.rounds} rounds in turns\n")  # noqa: T201
    print("| database | at most in a commit | messages a second | CPU a message | commits |\n|---|---|---|---|---|")  # noqa: T201
    short = False
    for (name, size), each in found.items():
        a_second, cpu = median(row["a_second"] for row in each), median(row["cpu_us"] for row in each)
        print(f"| {name} | {size} | {a_second:.0f} | {cpu:.0f} µs | {median(row['commits'] for row in each):.0f} |")  # noqa: T201
        short |= a_second < LEAST_A_SECOND or cpu > MOST_CPU_US
    sys.exit(short)


def one(name: str, messages: int, batch: int) -> dict[str, float]:
    """One measurement on fresh files."""
    with tempfile.TemporaryDirectory(prefix="fermata-throughput-") as folder:
        here = Path(folder)
        if name == "PostgreSQL":
            with closing(Postgres()) as postgres:
                return measure(postgres.url, here, messages, batch)
        return measure(here / "hub.sqlite", here, messages, batch)


if __name__ == "__main__":
    main()
