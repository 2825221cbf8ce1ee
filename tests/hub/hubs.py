"""A real hub as a process, and a room unit that sends until the hub has acknowledged."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from threading import Event

import httpx
from paho.mqtt.client import Client, MQTTMessage, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion

from app.catalogue import RELEASED
from app.hub.accounts import Role
from app.hub.arrivals import Accepted, Sorted
from app.hub.days import midnight
from app.hub.journal import By
from app.hub.people import People
from app.hub.periods import thursday
from app.hub.store import Store
from app.sync import wire

EPOCH = "0" * 31 + "1"
SERVE = """
import json, pathlib, sys
from app.hub.options import HubOptions
from app.hub.serve import serve
options = json.loads(sys.argv[1])
paths = {name: pathlib.Path(options[name]) for name in ("state", "certificate", "key") if name in options}
serve(HubOptions(**(options | paths)))
"""


def a_release(number: int, week: str = "2026-W36", sessions: int = 25, **changes: object) -> wire.Release:
    ranges = {metric.id: metric.released for metric in RELEASED if metric.released}
    fields: dict[str, object] = {
        "id": f"{number:032x}",
        "week": week,
        "sessions": sessions,
        "sums": dict.fromkeys(ranges, -100 * sessions),
        "ranges": ranges,
        "sigma2": 1_500_000,
        "rho": 0.5,
    }
    return wire.Release.model_validate(fields | changes)


def in_time(store: Store, items: Iterable[Sorted], now: int) -> None:
    """Commit weekly messages as they come: each on the Sunday of its week, or now if that is still to come."""
    for item in items:
        assert isinstance(item, Accepted)
        assert isinstance(item.envelope.body, wire.Release)
        sunday = midnight(thursday(item.envelope.body.week) + timedelta(days=3))
        store.commit([item], min(sunday, now))


def a_heartbeat(**changes: object) -> wire.Heartbeat:
    fields: dict[str, object] = {
        "software": "0.1.0",
        "microphones": "ok",
        "clock": "hub",
        "outbox_waiting": 0,
        "outbox_dropped": 0,
    }
    return wire.Heartbeat.model_validate(fields | changes)


def an_envelope(
    seq: int,
    body: wire.Release | wire.Heartbeat | wire.Result,
    device: str = "room-1",
    epoch: str = EPOCH,
    simulated: bool = False,
) -> wire.Envelope:
    return wire.Envelope(device=device, epoch=epoch, seq=seq, simulated=simulated, body=body)


class Hub:
    """`fermata hub` as a process of its own."""

    def __init__(self, state: Path, **options: object) -> None:
        self.state = state
        self._options = {"clinic": "north", "state": str(state), "port": 0, "mqtt_port": 0} | options
        self.process: subprocess.Popen[str] | None = None
        self.url = ""
        self.mqtt_port = 0
        self._visit = ""

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", SERVE, json.dumps(self._options)], stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout
        ready = self.process.stdout.readline()
        assert ready.startswith("fermata hub ready: "), ready
        self.url = ready.split()[3]
        self.mqtt_port = int(ready.rpartition(":")[2].rstrip(")\n"))
        self._options["mqtt_port"] = self.mqtt_port  # the same again after a restart, as rooms expect

    def end(self, number: signal.Signals) -> int:
        assert self.process
        self.process.send_signal(number)
        code = self.process.wait(10)
        assert self.process.stdout
        self.process.stdout.close()
        self.process = None
        return code

    def page(self, path: str = "") -> str:
        """The clinic's page or another, as somebody sees it who has signed in."""
        port = self.url.rpartition(":")[2].rstrip("/")
        if not self._visit:
            by, now = By("", "127.0.0.1"), int(time.time())
            with closing(People(self.state / "hub.sqlite")) as people:
                code = people.add("reader", Role.MANAGER, now, by)
                self._visit = people.begin(people.use(code, "", "none", now, by), "none", None, now, by)
        answer = httpx.get(self.url + path, cookies={f"fermata-{port}": self._visit}, timeout=10)
        assert answer.status_code == 200
        return answer.text

    def counts(self) -> dict[str, int]:
        found: dict[str, int] = httpx.get(self.url + "health", timeout=10).json()
        return found


class Room:
    """A room unit, as little of it as the hub sees."""

    def __init__(self, port: int, device: str = "room-1") -> None:
        self.device = device
        self.acknowledged: list[tuple[str, int]] = []
        self.last_ack: wire.Ack | None = None
        self.words: list[wire.Word] = []
        self.commands: list[bytes] = []
        self._listening = Event()
        self._client = Client(
            CallbackAPIVersion.VERSION2, client_id=f"test-{device}", clean_session=False, protocol=MQTTv311
        )
        self._client.on_message = self._on_message
        topics = [(wire.topic("north", device, leaf), 1) for leaf in ("ack", "cmd")]
        self._client.on_connect = lambda client, *_: client.subscribe(topics)
        self._client.on_subscribe = lambda *_: self._listening.set()
        self._client.max_inflight_messages_set(1000)
        self._client.reconnect_delay_set(1, 1)
        self._port = port

    def connect(self) -> None:
        self._client.connect("127.0.0.1", self._port)
        self._client.loop_start()
        assert self._listening.wait(10)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()
        self._client._reset_sockets()  # paho leaves its pair of sockets to the garbage collector

    def seal(self, seq: int, body: wire.Release | wire.Heartbeat) -> bytes:
        return wire.seal(an_envelope(seq, body, self.device))

    def send(self, payload: bytes) -> None:
        self._client.publish(wire.topic("north", self.device, "m"), payload, qos=1)

    def tell(self, state: wire.State) -> None:
        self._client.publish(wire.topic("north", self.device, "state"), state.model_dump_json(), qos=1, retain=True)

    def _on_message(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        if message.topic.endswith("/cmd"):
            self.commands.append(bytes(message.payload))
            return
        said = wire.read_down(bytes(message.payload))
        if isinstance(said, wire.Word):
            self.words.append(said)
        else:
            self.last_ack = said
            self.acknowledged += [(said.epoch, seq) for seq in said.seqs]


def wait_until(true: Callable[[], bool], seconds: float = 15.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.02)


def is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
