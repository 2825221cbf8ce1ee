"""A real NATS server that speaks MQTT, and the least hub that keeps its word: it acknowledges what it has committed."""

import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from threading import Event, Lock

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from app.sync import wire

CLINIC = "north"
NOW = 1_780_000_000
PATIENCE_S = 30.0


def nats_server() -> str:
    found = shutil.which("nats-server", path=str(Path(sys.executable).parent)) or shutil.which("nats-server")
    assert found, "nats-server comes with the extra [hub]"
    return found


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def until(done: Callable[[], bool], step: Callable[[], object] = lambda: time.sleep(0.02)) -> None:
    """Step until it is done; fail when patience ends."""
    deadline = time.monotonic() + PATIENCE_S
    while not done():
        assert time.monotonic() < deadline, "it took too long"
        step()


class Broker:
    """A NATS server with its store in this folder; killed and started again at will."""

    def __init__(self, folder: Path, port: int = 0, tls: str = "") -> None:
        self.port = port or free_port()
        self._config = folder / "nats.conf"
        self._config.write_text(
            f'server_name: hub\nhost: 127.0.0.1\nport: -1\njetstream {{ store_dir: "{folder}/store", '
            f"sync_interval: always }}\nmqtt {{ host: 127.0.0.1, port: {self.port}\n{tls} }}\n"
        )
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen([nats_server(), "-c", str(self._config)], stderr=subprocess.DEVNULL)
        until(self._answers)

    def _answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return True

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


class FakeHub:
    """Commits into a dictionary and acknowledges, unless told to keep silent."""

    def __init__(self, port: int) -> None:
        self.committed: dict[tuple[str, str, int], bytes] = {}
        self.deliveries = 0
        self.states: list[wire.State] = []
        self.contradictions = 0
        self.silent = False
        self._lock = Lock()
        self._ready = Event()
        self._client = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id="hub", clean_session=False, protocol=mqtt.MQTTv311
        )
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = lambda client, *_: client.subscribe(
            [(wire.topic(CLINIC, "+", "m"), 1), (wire.topic(CLINIC, "+", "state"), 1)]
        )
        self._client.on_subscribe = lambda *_: self._ready.set()
        self._client.on_message = self._on_message
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        assert self._ready.wait(PATIENCE_S)

    def _on_message(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        if message.topic.endswith("/state"):
            self.states.append(wire.State.model_validate_json(message.payload))
            return
        envelope = wire.unseal(bytes(message.payload))
        with self._lock:
            self.deliveries += 1
            if self.silent:
                return
            first = self.committed.setdefault((envelope.device, envelope.epoch, envelope.seq), bytes(message.payload))
            self.contradictions += first != message.payload
        ack = wire.Ack(epoch=envelope.epoch, seqs=(envelope.seq,), hub_time=NOW)
        self._client.publish(wire.topic(CLINIC, envelope.device, "ack"), ack.model_dump_json(), qos=1)

    def command(self, device: str, payload: bytes) -> None:
        self._client.publish(wire.topic(CLINIC, device, "cmd"), payload, qos=1).wait_for_publish(PATIENCE_S)

    def releases(self) -> list[str]:
        with self._lock:
            bodies = [wire.unseal(payload).body for payload in self.committed.values()]
        return sorted(body.id for body in bodies if isinstance(body, wire.Release))

    def stop(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()
