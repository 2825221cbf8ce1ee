"""A clinic's authority, registry and warden over a real broker of either kind, and units that knock at it."""

import os
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Protocol

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from app.hub.authority import Authority, write_secret
from app.hub.broker import Broker
from app.hub.permits import Permit, permits
from app.hub.registry import Registry
from app.hub.warden import Warden
from app.sync import wire
from app.sync.identity import new_key, signing_request
from tests.hub.hubs import wait_until
from tests.sync.brokers import free_port

CLINIC = "north"
SHIPPED = Path(__file__).parents[2] / "systemd/mosquitto/fermata.conf"
RELOADED = "Reloaded server configuration"
"""What a NATS server says when it has read its configuration anew."""
SETTLE_S = 0.3
"""What has not come so long after something that came behind it does not come."""


class Guard(Protocol):
    """A broker that knows units by their certificates."""

    port: int

    def permit(self, permits: list[Permit]) -> None: ...
    def close(self) -> None: ...


class Mosquitto:
    """A mosquitto with the configuration that is shipped, its paths those of this test."""

    def __init__(self, files: Path, port: int = 0) -> None:
        self.port = port or free_port()
        config = SHIPPED.read_text().replace("/var/lib/fermata-broker", str(files))
        config = config.replace("listener 8883", f"listener {self.port} 127.0.0.1")
        me = "user root\n" if os.getuid() == 0 else ""
        self._config = files.parent / "mosquitto.conf"
        self._config.write_text(f"{me}{config}\npersistence true\npersistence_location {files.parent}/\n")
        self._log = files.parent / "mosquitto.log"
        self._start()

    def _start(self) -> None:
        with self._log.open("ab") as log:
            program = "/usr/sbin/mosquitto"
            self._process = subprocess.Popen([program, "-c", str(self._config)], stdout=log, stderr=log)
        wait_until(lambda: answers(self.port))

    def permit(self, _permits: list[Permit]) -> None:
        """What fermata-mosquitto.path does when the hub has written its files."""
        self.close()
        self._start()

    def reread(self) -> None:
        """Read the files again without cutting anybody off."""
        self._process.send_signal(signal.SIGHUP)

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(20)


def answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


class Clinic:
    """Rooms come and go; their certificates lie in files."""

    def __init__(self, folder: Path, kind: str) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        files = folder / "broker-files"
        files.mkdir()
        self.authority = Authority(folder / "authority", CLINIC, time.time())
        self.registry = Registry(folder / "hub.sqlite")
        own = folder / "authority"
        self.warden = Warden(
            CLINIC,
            ["localhost", "127.0.0.1"],
            self.authority,
            self.registry,
            own,
            files if kind == "mosquitto" else None,
        )
        given = self.warden.look(time.time())
        assert given
        self.broker: Guard
        if kind == "mosquitto":
            self.broker = Mosquitto(files)
        else:
            nats = Broker(CLINIC, folder / "broker", 0, self.warden.shield("127.0.0.1"))
            nats.permit(given)
            nats.start()
            self.broker = nats

    def follow(self) -> None:
        """Let the broker know of what has changed, and wait until it does."""
        given = self.warden.look(time.time())
        assert given, "nothing has changed"
        before = self._readings()
        self.broker.permit(given)
        wait_until(lambda: isinstance(self.broker, Mosquitto) or self._readings() > before)

    def _readings(self) -> int:
        """How often the embedded broker has read its configuration anew; a mosquitto is started anew."""
        return self.broker.log.read_text().count(RELOADED) if isinstance(self.broker, Broker) else 0

    def show(self, certificate: str) -> None:
        """Let the broker show this certificate (with its key, PEM), and wait until it does."""
        for file in (self.warden.broker, *(self.folder / "broker-files").glob("broker.pem")):
            write_secret(file, certificate)
        rooms = {member.identity: member.device for member in self.registry.members(0) if not member.revoked}
        self.broker.permit(permits(CLINIC, rooms))
        wait_until(lambda: self._shown() in certificate)

    def _shown(self) -> str:
        """The certificate that the broker shows, PEM."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        line = socket.create_connection(("127.0.0.1", self.broker.port), 5)
        with line, context.wrap_socket(line) as guarded:
            found = guarded.getpeercert(binary_form=True)
        return ssl.DER_cert_to_PEM_cert(found or b"")

    def unit(self, room: str, now: float | None = None) -> Path:
        """Key and certificate of a unit that has joined as this room, at a time."""
        at = int(time.time() if now is None else now)
        invited = self.registry.add(room, at)
        key = new_key()
        given = self.registry.admit(self.authority, invited.device, invited.code, signing_request(key), at)
        file = self.folder / f"{invited.device}.pem"
        file.write_text(key + given.pem)
        return file

    def close(self) -> None:
        self.broker.close()
        self.registry.close()


class Unit:
    """A client with a certificate, or without; it tells all that it was told."""

    def __init__(
        self, clinic: Clinic, file: Path | None, name: str = "", *, clean: bool = True, user: str = ""
    ) -> None:
        self.got: list[tuple[str, bytes]] = []
        self.granted: list[bool] = []
        self.received = 0
        self.connected: bool | None = None
        self.gone = False
        self._client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=name or f"unit{time.monotonic_ns()}",
            clean_session=clean,
            protocol=mqtt.MQTTv311,
            reconnect_on_failure=False,
        )
        context = ssl.create_default_context(cafile=clinic.authority.file)
        if file:
            context.load_cert_chain(file)
        self._client.tls_set_context(context)
        if user:
            self._client.username_pw_set(user, "anything")
        self._client.on_connect = lambda _c, _d, _f, code, _p: setattr(self, "connected", not code.is_failure)
        self._client.on_message = lambda _c, _d, message: self.got.append((message.topic, bytes(message.payload)))
        self._client.on_subscribe = lambda _c, _d, _m, codes, _p: self.granted.extend(not c.is_failure for c in codes)
        self._client.on_publish = lambda *_: setattr(self, "received", self.received + 1)
        self._client.on_disconnect = lambda *_: setattr(self, "gone", True)
        self._client.connect("127.0.0.1", clinic.broker.port)
        self._client.loop_start()
        wait_until(lambda: self.connected is not None or self.gone)

    def hear(self, *topics: str) -> None:
        """Subscribe, and wait for the answer or the end."""
        self.granted.clear()
        self._client.subscribe([(topic, 1) for topic in topics])
        wait_until(lambda: len(self.granted) == len(topics) or self.gone)

    def say(self, topic: str, payload: bytes = b"", *, retain: bool = False) -> None:
        """Publish, and wait for the receipt or the end."""
        before = self.received
        self._client.publish(topic, payload, 1, retain)
        wait_until(lambda: self.received > before or self.gone)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()
        self._client._reset_sockets()


@contextmanager
def the_unit(
    clinic: Clinic, file: Path | None, name: str = "", *, clean: bool = True, user: str = ""
) -> Iterator[Unit]:
    with closing(Unit(clinic, file, name, clean=clean, user=user)) as unit:
        yield unit


def topic(device: str, leaf: str) -> str:
    """A device's topic, or one with + for all."""
    return f"{wire.ROOT}/{CLINIC}/{device}/{leaf}"
