import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from threading import Thread
from zlib import crc32

import pytest

from app.sync import wire
from app.sync.address import Address, AddressError
from app.sync.courier import Courier, Pace, Timing
from app.sync.outbox import Outbox
from tests.sync.authority import Authority
from tests.sync.brokers import CLINIC, NOW, Broker, FakeHub, free_port, until

QUICK = Pace(
    heartbeat_s=3600,
    resend_s=0.2,
    resend_most_s=1,
    reconnect_s=0.05,
    reconnect_most_s=0.2,
    poll_s=0.02,
    greeting_s=0.1,  # but for those that say so, the hubs of these tests have no memory
)


def release(number: int) -> tuple[str, bytes]:
    identity = f"{number:032x}"
    content = wire.Release(id=identity, week="2026-W06", sessions=0, sums=None, ranges={}, sigma2=9, rho=0.5)
    return identity, content.model_dump_json().encode()


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    started = Broker(tmp_path_factory.mktemp("broker"))
    yield started
    started.kill()


@pytest.fixture
def hub(broker: Broker) -> Iterator[FakeHub]:
    started = FakeHub(broker.port)
    yield started
    started.stop()


@pytest.fixture
def outbox(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Outbox]:
    """Each test is a room of its own."""
    device = f"room-{crc32(request.node.name.encode())}"
    opened = Outbox(tmp_path / "outbox.db", device, simulated=False)
    yield opened
    opened.shut()


def courier_to(port: int, outbox: Outbox, said: list[str] | None = None) -> Courier:
    notify = (said if said is not None else []).append
    return Courier(outbox, Address("127.0.0.1", port), CLINIC, "0.1.0", notify, pace=QUICK)


def test_what_lies_in_the_outbox_is_committed_and_acknowledged(broker: Broker, hub: FakeHub, outbox: Outbox) -> None:
    for number in range(250):  # more than one acknowledgement can name
        outbox.put(*release(number))
    courier = courier_to(broker.port, outbox)
    until(lambda: not outbox.waiting(), courier.step)
    courier.end()
    assert hub.releases() == [release(number)[0] for number in range(250)]
    assert outbox.hub_time() == NOW


def test_a_brokers_receipt_is_not_the_hubs(broker: Broker, hub: FakeHub, outbox: Outbox) -> None:
    hub.silent = True
    outbox.put(*release(1))
    courier = courier_to(broker.port, outbox)
    until(lambda: hub.deliveries >= 4, courier.step)  # release and heartbeat, each sent again
    assert len(outbox.waiting()) == 2
    hub.silent = False
    until(lambda: not outbox.waiting(), courier.step)
    courier.end()
    assert (hub.releases(), hub.contradictions) == ([release(1)[0]], 0)


def test_an_hour_without_the_hubs_word_is_told(broker: Broker, hub: FakeHub, outbox: Outbox) -> None:
    hub.silent = True
    later, said = [0.0], list[str]()
    timing = Timing(elapsed=lambda: time.monotonic() + later[0])
    address = Address("127.0.0.1", broker.port)
    courier = Courier(outbox, address, CLINIC, "0.1.0", said.append, pace=QUICK, timing=timing)
    until(lambda: hub.deliveries >= 2, courier.step)
    assert len(said) == 1
    later[0] = 3601.0
    until(lambda: len(said) == 2, courier.step)
    assert "no acknowledgement from the hub for an hour" in said[1]
    courier.end()


def test_a_unit_that_has_met_its_hub_sends_nothing_before_the_hub_has_said_what_it_knows(
    broker: Broker, hub: FakeHub, outbox: Outbox
) -> None:
    """This hub says nothing of what it knows; so it may be that what waits here is a copy's."""
    state, later, said = outbox.state(), [0.0], list[str]()
    word = wire.Word(epoch=state.epoch, generation="a" * 32, boot=0, seq=None, sha256=None, hub_time=NOW)
    outbox.greet(word)
    outbox.put(*release(1))
    timing = Timing(elapsed=lambda: time.monotonic() + later[0])
    address, pace = Address("127.0.0.1", broker.port), replace(QUICK, greeting_s=0.0)
    courier = Courier(outbox, address, CLINIC, "0.1.0", said.append, pace=pace, timing=timing)
    hub.states.clear()
    until(lambda: len(hub.states) >= 3, courier.step)  # its birth, told again and again
    assert hub.states[0].state == "birth"
    later[0] = 3601.0
    until(lambda: len(said) == 2, courier.step)
    assert "no acknowledgement from the hub for an hour" in said[1]
    assert outbox.device not in {device for device, _, _ in hub.committed}
    link = courier._link
    assert link
    link.acks.append(word.model_dump_json().encode())
    until(lambda: not outbox.waiting(), courier.step)
    courier.end()
    assert said[0].startswith("connected")
    assert len(said) == 2, "the line was kept all the while"
    assert release(1)[0] in hub.releases()


def test_birth_and_death_are_told(broker: Broker, hub: FakeHub, outbox: Outbox) -> None:
    hub.states.clear()
    courier = courier_to(broker.port, outbox)
    until(lambda: len(hub.states) == 1, courier.step)
    courier.end()
    until(lambda: len(hub.states) == 2)
    birth, death = hub.states
    assert (birth.state, birth.epoch, birth.boot) == ("birth", outbox.epoch, 1)
    assert (death.state, death.epoch, death.boot) == ("death", outbox.epoch, 1)


def test_a_command_lies_in_the_outbox_as_bytes(broker: Broker, hub: FakeHub, outbox: Outbox) -> None:
    courier = courier_to(broker.port, outbox)
    until(lambda: outbox.hub_time() is not None, courier.step)
    hub.command(outbox.device, b"\x00any bytes")
    until(lambda: bool(outbox.received()), courier.step)
    courier.end()
    assert [payload for _, payload in outbox.received()] == [b"\x00any bytes"]


def test_heartbeats_come_at_fixed_times(broker: Broker, hub: FakeHub, outbox: Outbox) -> None:
    pace = Pace(heartbeat_s=1, resend_s=5, reconnect_s=0.05, poll_s=0.02, greeting_s=0.1)
    courier = Courier(outbox, Address("127.0.0.1", broker.port), CLINIC, "0.1.0", lambda _: None, pace=pace)
    until(lambda: sum(key[0] == outbox.device for key in hub.committed) >= 3, courier.step)
    courier.end()
    bodies = [wire.unseal(payload).body for key, payload in hub.committed.items() if key[0] == outbox.device]
    assert {body.kind for body in bodies} == {"heartbeat"}
    assert [body.clock for body in bodies if isinstance(body, wire.Heartbeat)][-1] == "hub"


def test_a_broker_that_is_away_is_one_notice_and_is_waited_for(tmp_path: Path, outbox: Outbox) -> None:
    said: list[str] = []
    outbox.put(*release(1))
    port = free_port()
    courier = courier_to(port, outbox, said)
    for _ in range(30):
        courier.step()
    (away,) = said
    assert away.startswith(f"the hub at 127.0.0.1:{port} is away")
    broker = Broker(tmp_path, port=port)
    hub = FakeHub(port)
    until(lambda: not outbox.waiting(), courier.step)
    assert said[1:] == [f"connected to the hub at 127.0.0.1:{port}"]
    broker.kill()
    for _ in range(30):
        courier.step()
    assert len(said) == 3
    courier.end()
    hub.stop()


class Wire:
    """A line to the broker that can go dead without a word: it stays open, and nothing passes either way."""

    def __init__(self, to: int) -> None:
        self.dead = False
        self._to = to
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._server.getsockname()[1])
        Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._server.accept()
                far = socket.create_connection(("127.0.0.1", self._to))
                for source, sink in ((near, far), (far, near)):
                    Thread(target=self._pump, args=(source, sink), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError), source:
            while content := source.recv(65536):
                if not self.dead:
                    sink.sendall(content)
            sink.shutdown(socket.SHUT_WR)

    def cut(self) -> None:
        self._server.close()


def test_a_line_that_goes_dead_without_a_word_is_noticed_and_nothing_is_lost(
    broker: Broker, hub: FakeHub, outbox: Outbox
) -> None:
    line, said = Wire(broker.port), list[str]()
    outbox.put(*release(1))
    pace = replace(QUICK, keepalive_s=1)
    courier = Courier(outbox, Address("127.0.0.1", line.port), CLINIC, "0.1.0", said.append, pace=pace)
    until(lambda: not outbox.waiting(), courier.step)
    line.dead = True
    outbox.put(*release(2))
    until(lambda: len(said) == 2, courier.step)
    assert "is away" in said[1]
    assert len(outbox.waiting()) == 1
    line.dead = False
    until(lambda: not outbox.waiting(), courier.step)
    courier.end()
    line.cut()
    assert {release(1)[0], release(2)[0]} <= {*hub.releases()}
    assert hub.contradictions == 0


COURIER = """
import sys
from pathlib import Path
from app.sync.address import Address
from app.sync.courier import Courier, Pace
from app.sync.outbox import Outbox

outbox = Outbox(Path(sys.argv[1]), "room-1")
pace = Pace(heartbeat_s=1, resend_s=0.3, resend_most_s=1, reconnect_s=0.05, reconnect_most_s=0.2, poll_s=0.02,
            greeting_s=0.1)
Courier(outbox, Address("127.0.0.1", int(sys.argv[2])), "north", "0.1.0", print, pace=pace).run(lambda: False)
"""


def test_killed_couriers_and_a_killed_broker_lose_nothing(tmp_path: Path) -> None:
    dice = random.Random(4)
    broker = Broker(tmp_path)
    hub = FakeHub(broker.port)
    outbox = Outbox(tmp_path / "outbox.db", "room-1", simulated=True)

    def start() -> subprocess.Popen[bytes]:
        command = [sys.executable, "-c", COURIER, str(tmp_path / "outbox.db"), str(broker.port)]
        return subprocess.Popen(command, stdout=subprocess.DEVNULL)

    courier = start()
    for number in range(120):
        outbox.put(*release(number))
        if number in {30, 60, 90}:
            seen = hub.deliveries
            until(lambda seen=seen: hub.deliveries > seen)  # type: ignore[misc]
            until(lambda: dice.random() < 0.2)
            courier.send_signal(signal.SIGKILL)
            courier.wait()
            courier = start()
        if number == 75:
            broker.kill()
            broker.start()
    until(lambda: outbox.stock().releases_waiting == 0)
    courier.kill()
    courier.wait()
    assert hub.releases() == [release(number)[0] for number in range(120)]
    assert hub.contradictions == 0
    until(lambda: hub.states[-1].state == "death")
    assert hub.states[0].boot == 1
    outbox.shut()
    hub.stop()
    broker.kill()


@pytest.mark.parametrize("host", ["192.0.2.7", "hub.clinic.example", "10.0.0.1", "::2"])
def test_in_the_clear_it_never_leaves_this_machine(host: str) -> None:
    with pytest.raises(AddressError, match="another machine"):
        Address(host, 1883)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_this_machine_needs_no_certificates(host: str) -> None:
    assert Address(host, 1883).trust() is None


def test_settings_that_cannot_work_say_which(tmp_path: Path, outbox: Outbox) -> None:
    with pytest.raises(AddressError, match="belong together"):
        Address("127.0.0.1", 8883, ca=tmp_path / "ca.pem")
    with pytest.raises(AddressError, match=r"set send\.host"):
        Address("", 1883)
    missing = Address("hub.example", 8883, tmp_path / "ca.pem", tmp_path / "unit.pem", tmp_path / "unit.key")
    with pytest.raises(AddressError, match="certificate files"):
        Courier(outbox, missing, CLINIC, "0.1.0", lambda _: None)


# paho leaves the socket of a failed handshake to the garbage collector
@pytest.mark.filterwarnings("ignore:.*SSLSocket:pytest.PytestUnraisableExceptionWarning")
def test_with_certificates_both_sides_are_checked(tmp_path: Path, outbox: Outbox) -> None:
    clinic, stranger = Authority(tmp_path / "clinic"), Authority(tmp_path / "stranger")
    certificate, key = clinic.sign("hub")
    tls = f'tls {{ cert_file: "{certificate}", key_file: "{key}", ca_file: "{clinic.file}", verify: true }}'
    broker = Broker(tmp_path, tls=tls)

    def says(ca: Path, unit: tuple[Path, Path]) -> str:
        said: list[str] = []
        address = Address("127.0.0.1", broker.port, ca, *unit)
        courier = Courier(outbox, address, CLINIC, "0.1.0", said.append, pace=QUICK)
        until(lambda: bool(said), courier.step)
        courier.end()
        return said[0]

    assert says(clinic.file, clinic.sign("room-1")).startswith("connected")
    assert "certificate verify failed" in says(stranger.file, clinic.sign("room-1"))
    assert "is away" in says(clinic.file, stranger.sign("room-1"))
    broker.kill()
