"""Who may do what at a broker: the embedded NATS and a real mosquitto with the shipped configuration, side by side."""

import socket
import ssl
import subprocess
import time
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from app.hub.authority import Authority, write_secret
from app.hub.permits import Permit, mosquitto_acl, permits
from app.hub.registry import DAY_S
from app.sync.address import Address
from app.sync.courier import Courier, Pace, Timing
from app.sync.outbox import Outbox
from tests.hub.clinics import CLINIC, SETTLE_S, Clinic, Mosquitto, Unit, the_unit, topic
from tests.hub.doors import dated, self_signed
from tests.hub.hubs import wait_until

BROKERS = ["nats", "mosquitto"]
SPYING = [
    "$MQTT/sub/#",
    "$MQTT/#",
    "#",
    "+/#",
    "fermata/#",
    "+/+/+/+/+",
    topic("+", "ack"),
    topic("room-a", "ack"),
    topic("room-a", "cmd"),
    topic("room-a", "m"),
    topic("room-a", "state"),
    "$SYS/#",
    "$JS/#",
    "_INBOX/#",
    "$share/g/fermata/#",
]

# paho leaves the socket of a failed handshake to the garbage collector
pytestmark = pytest.mark.filterwarnings("ignore:.*SSLSocket:pytest.PytestUnraisableExceptionWarning")


@pytest.fixture(scope="module", params=BROKERS)
def clinic(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    """A clinic of rooms a and b whose broker knows both."""
    with closing(Clinic(tmp_path_factory.mktemp(request.param) / "clinic", request.param)) as clinic:
        clinic.unit("room-a")
        clinic.unit("room-b")
        clinic.follow()
        yield clinic


@pytest.fixture
def hub(clinic: Clinic) -> Iterator[Unit]:
    """The hub's side, hearing all rooms."""
    with the_unit(clinic, clinic.warden.hub) as hub:
        hub.hear(topic("+", "m"), topic("+", "state"))
        assert hub.granted == [True, True]
        yield hub


@pytest.fixture
def room_a(clinic: Clinic) -> Iterator[Unit]:
    with the_unit(clinic, clinic.folder / "room-a.pem", "room-a-itself") as room:
        room.hear(topic("room-a", "ack"), topic("room-a", "cmd"))
        assert room.granted == [True, True]
        yield room


@pytest.fixture
def file_b(clinic: Clinic) -> Path:
    return clinic.folder / "room-b.pem"


def speak(hub: Unit, room_a: Unit, word: bytes) -> None:
    """Let something pass both ways between hub and room a, and see that it has come."""
    hub.say(topic("room-a", "ack"), word)
    hub.say(topic("room-a", "cmd"), word)
    room_a.say(topic("room-a", "state"), word, retain=True)
    room_a.say(topic("room-a", "m"), word)
    wait_until(lambda: (topic("room-a", "m"), word) in hub.got)
    wait_until(lambda: {(topic("room-a", "ack"), word), (topic("room-a", "cmd"), word)} <= set(room_a.got))


def test_a_room_has_its_own_four_topics(hub: Unit, room_a: Unit) -> None:
    speak(hub, room_a, b"own")


def test_what_a_room_says_on_anothers_topics_arrives_nowhere(
    clinic: Clinic, hub: Unit, room_a: Unit, file_b: Path
) -> None:
    with the_unit(clinic, file_b) as room_b:
        for leaf in ("m", "state", "ack", "cmd"):
            room_b.say(topic("room-a", leaf), b"forged")
        for leaf in ("ack", "cmd"):
            room_b.say(topic("room-b", leaf), b"forged")
        assert room_b.received or room_b.gone  # receipts mean nothing
    with the_unit(clinic, file_b) as room_b:
        room_b.say(topic("room-b", "m"), b"behind it")
        wait_until(lambda: (topic("room-b", "m"), b"behind it") in hub.got)
    speak(hub, room_a, b"after")
    assert b"forged" not in {payload for _, payload in hub.got + room_a.got}


def test_nothing_of_anothers_arrives(clinic: Clinic, hub: Unit, room_a: Unit, file_b: Path) -> None:
    with ExitStack() as stack:
        spies = {spying: stack.enter_context(the_unit(clinic, file_b)) for spying in SPYING}
        for spying, spy in spies.items():
            spy.hear(spying)
        speak(hub, room_a, b"secret")
        time.sleep(SETTLE_S)
        assert {spying: spy.got for spying, spy in spies.items()} == {spying: [] for spying in SPYING}


def test_anothers_session_gives_nothing(clinic: Clinic, hub: Unit, file_b: Path) -> None:
    for name in ("room-a-lasting", "hub-lasting"):
        own = clinic.warden.hub if name == "hub-lasting" else clinic.folder / "room-a.pem"
        with the_unit(clinic, own, name, clean=False) as owner:
            owner.hear(*([topic("+", "m")] if name == "hub-lasting" else [topic("room-a", "ack")]))
            with the_unit(clinic, file_b, name, clean=False) as thief:
                wait_until(lambda owner=owner: owner.gone)  # type: ignore[misc]
                with the_unit(clinic, clinic.folder / "room-a.pem") as room_a:
                    room_a.hear(topic("room-a", "ack"), topic("room-a", "cmd"))
                    speak(hub, room_a, b"secret")
                time.sleep(SETTLE_S)
                assert thief.got == []


def test_a_name_that_is_only_claimed_counts_for_nothing(clinic: Clinic, hub: Unit, room_a: Unit, file_b: Path) -> None:
    with ExitStack() as stack:
        units = [stack.enter_context(the_unit(clinic, file_b, user=name)) for name in ("hub", "room-a.1", "room-a")]
        for unit in units:
            unit.hear(topic("room-a", "ack"))
            unit.say(topic("room-a", "m"), b"forged")
        speak(hub, room_a, b"secret")
        time.sleep(SETTLE_S)
        assert [unit.got for unit in units] == [[], [], []]
    assert b"forged" not in {payload for _, payload in hub.got}


def test_a_receipt_for_what_the_broker_then_drops_is_told_after_an_hour(clinic: Clinic, tmp_path: Path) -> None:
    """A unit that may hear and not speak: its broker takes all it says, and none of it comes to the hub."""
    file = clinic.unit("room-mute")
    clinic.follow()
    mute = Permit("room-mute.1", (), (topic("room-mute", "ack"), topic("room-mute", "cmd")))
    rooms = {member.identity: member.device for member in clinic.registry.members(0) if not member.revoked}
    given = [*(each for each in permits(CLINIC, rooms) if each.name != mute.name), mute]
    if isinstance(clinic.broker, Mosquitto):
        (clinic.folder / "broker-files/rooms.acl").write_text(mosquitto_acl(given))
    clinic.broker.permit(given)
    outbox = Outbox(tmp_path / "outbox.sqlite", "room-mute", simulated=False)
    address = Address("localhost", clinic.broker.port, clinic.authority.file, file, file)
    later, said = [0.0], list[str]()
    courier = Courier(
        outbox,
        address,
        CLINIC,
        "0.1.0",
        said.append,
        pace=Pace(heartbeat_s=3600, resend_s=0.2, poll_s=0.02, greeting_s=0.1),
        timing=Timing(elapsed=lambda: time.monotonic() + later[0]),
    )

    def told(words: str) -> bool:
        courier.step()
        return any(words in line for line in said)

    with the_unit(clinic, clinic.warden.hub) as hub, the_unit(clinic, file) as raw:
        hub.hear(topic("+", "m"))
        raw.say(topic("room-mute", "m"), b"dropped")
        assert raw.received == 1
        wait_until(lambda: told("connected to the hub"))
        wait_until(lambda: not told("acknowledgement") and max(courier._flight._tries.values(), default=0) >= 3)
        later[0] = 3601.0
        wait_until(lambda: told("no acknowledgement from the hub for an hour"))
        assert hub.got == []
        assert outbox.stock().heartbeats_waiting > 0
    courier.end()
    outbox.shut()
    clinic.broker.permit(permits(CLINIC, rooms))


def first_words(clinic: Clinic, folder: Path, host: str, known: int | None) -> str:
    """What a unit first says of its hub, of which it knows that this time is past."""
    folder.mkdir()
    outbox = Outbox(folder / "outbox.sqlite", "room-b", simulated=False)
    if known:
        outbox.acknowledge(outbox.epoch, [], known)
    file = clinic.folder / "room-b.pem"
    said = list[str]()
    address = Address(host, clinic.broker.port, clinic.authority.file, file, file)
    courier = Courier(outbox, address, CLINIC, "0.1.0", said.append, pace=Pace(heartbeat_s=3600, poll_s=0.02))

    def told() -> bool:
        courier.step()
        return bool(said)

    wait_until(told)
    courier.end()
    outbox.shut()
    return said[0]


def test_a_unit_believes_a_hub_by_its_name_and_by_dates_as_far_as_it_knows_them(clinic: Clinic, tmp_path: Path) -> None:
    now = int(time.time())
    ended = dated(clinic.authority, clinic.warden.broker, now - 9 * DAY_S, now - 2 * DAY_S)
    clinic.show(ended)
    assert "has ended" in first_words(clinic, tmp_path / "known", "localhost", now - DAY_S)
    assert first_words(clinic, tmp_path / "before", "localhost", now - 3 * DAY_S).startswith("connected")
    assert first_words(clinic, tmp_path / "unknown", "localhost", None).startswith("connected")
    clinic.show(dated(clinic.authority, clinic.warden.broker, now + 2 * DAY_S, now + 9 * DAY_S))
    assert first_words(clinic, tmp_path / "1970", "localhost", None).startswith("connected")
    clinic.show(clinic.authority.server_certificate(["hub.example"], now))
    assert "mismatch" in first_words(clinic, tmp_path / "name", "localhost", None)
    clinic.show(Authority(tmp_path / "other", CLINIC, now).server_certificate(["localhost"], now))
    assert "certificate verify failed" in first_words(clinic, tmp_path / "authority", "localhost", None)
    clinic.show(clinic.authority.server_certificate(["localhost", "127.0.0.1"], now))
    assert first_words(clinic, tmp_path / "good", "localhost", now).startswith("connected")


def is_let_in(clinic: Clinic, file: Path | None) -> bool:
    try:
        with the_unit(clinic, file) as unit:
            return bool(unit.connected)
    except OSError:  # ssl.SSLError is one
        return False


def test_a_known_unit_is_let_in(clinic: Clinic, file_b: Path) -> None:
    assert is_let_in(clinic, file_b)


def test_a_unit_without_a_certificate_is_refused(clinic: Clinic) -> None:
    assert not is_let_in(clinic, None)


def test_another_clinics_unit_is_refused(clinic: Clinic, tmp_path: Path) -> None:
    file = tmp_path / "stranger.pem"
    write_secret(file, Authority(tmp_path / "other", "north", time.time()).hub_certificate(time.time()))
    assert not is_let_in(clinic, file)


def test_a_self_signed_unit_is_refused(clinic: Clinic, tmp_path: Path) -> None:
    assert not is_let_in(clinic, self_signed(tmp_path, "room-a.1"))


def test_an_ended_certificate_is_refused(clinic: Clinic) -> None:
    ended = clinic.unit("room-ended", time.time() - 91 * DAY_S)
    good = clinic.unit("room-good", time.time() - 89 * DAY_S)
    clinic.follow()
    assert not is_let_in(clinic, ended)
    assert is_let_in(clinic, good)


def shaken(port: int, context: ssl.SSLContext) -> ssl.SSLSocket:
    """A connection after its handshake."""
    line = socket.create_connection(("127.0.0.1", port), 10)
    try:
        return context.wrap_socket(line, server_hostname="localhost")
    except OSError:
        line.close()
        raise


def speaks(port: int, version: ssl.TLSVersion, clinic: Clinic) -> bool:
    """Whether what listens there takes up this version of TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that TLS 1.1 is old is why we ask
        context.minimum_version = context.maximum_version = version
    context.load_verify_locations(clinic.authority.file)
    context.load_cert_chain(clinic.folder / "room-b.pem")
    try:
        with shaken(port, context) as line:
            return line.version() is not None
    except OSError:
        return False


def test_tls_before_1_2_is_refused(clinic: Clinic) -> None:
    assert not speaks(clinic.broker.port, ssl.TLSVersion.TLSv1_1, clinic)
    assert speaks(clinic.broker.port, ssl.TLSVersion.TLSv1_2, clinic)
    assert speaks(clinic.broker.port, ssl.TLSVersion.TLSv1_3, clinic)


def test_the_tls_1_1_of_this_test_would_be_taken_up_by_who_takes_it(clinic: Clinic) -> None:
    """A control: else the test above would pass whatever the brokers do."""
    server = ["openssl", "s_server", "-accept", "0", "-www", "-cert", str(clinic.warden.broker), "-tls1_1"]
    options = ["-key", str(clinic.warden.broker), "-cipher", "ALL:@SECLEVEL=0"]
    with subprocess.Popen(server + options, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout
        line = next(line for line in process.stdout if line.startswith("ACCEPT"))
        assert speaks(int(line.rpartition(":")[2]), ssl.TLSVersion.TLSv1_1, clinic)
        process.kill()


def test_a_revoked_unit_is_cut_off_and_stays_out(clinic: Clinic) -> None:
    file = clinic.unit("room-lost")
    clinic.follow()
    with the_unit(clinic, file) as lost, the_unit(clinic, clinic.folder / "room-b.pem") as room_b:
        lost.hear(topic("room-lost", "ack"))
        clinic.registry.revoke("room-lost", int(time.time()))
        clinic.follow()
        wait_until(lambda: lost.gone)
        assert not is_let_in(clinic, file)
        assert room_b.gone is isinstance(clinic.broker, Mosquitto)  # which is started anew, and all come back
    assert is_let_in(clinic, clinic.folder / "room-b.pem")


def test_mosquitto_told_by_a_signal_leaves_a_revoked_unit_deaf_and_mute(clinic: Clinic) -> None:
    if not isinstance(clinic.broker, Mosquitto):
        pytest.skip("the embedded broker cuts it off")
    file = clinic.unit("room-deaf")
    clinic.follow()
    with the_unit(clinic, clinic.warden.hub) as hub, the_unit(clinic, file) as lost:
        hub.hear(topic("+", "m"))
        lost.hear(topic("room-deaf", "ack"))
        hub.say(topic("room-deaf", "ack"), b"before")
        wait_until(lambda: bool(lost.got))
        clinic.registry.revoke("room-deaf", int(time.time()))
        clinic.warden.look(time.time())
        clinic.broker.reread()
        wait_until(lambda: not is_let_in(clinic, file))
        hub.say(topic("room-deaf", "ack"), b"after")
        lost.say(topic("room-deaf", "m"), b"after")
        time.sleep(SETTLE_S)
        assert (lost.got, hub.got) == ([(topic("room-deaf", "ack"), b"before")], [])


def test_a_new_unit_in_a_revoked_units_room_is_let_in_and_the_old_one_is_not(clinic: Clinic) -> None:
    old = clinic.unit("room-again").rename(clinic.folder / "old.pem")
    clinic.registry.revoke("room-again", int(time.time()))
    new = clinic.unit("room-again")
    clinic.follow()
    assert is_let_in(clinic, new)
    assert not is_let_in(clinic, old)


def test_a_broker_shows_its_next_certificate_without_a_restart_of_the_hub(clinic: Clinic) -> None:
    def serial() -> str:
        context = ssl.create_default_context(cafile=clinic.authority.file)
        context.load_cert_chain(clinic.folder / "room-b.pem")
        with shaken(clinic.broker.port, context) as line:
            shown = line.getpeercert()
        assert shown
        return str(shown["serialNumber"])

    before = serial()
    permits = clinic.warden.look(time.time() + 301 * DAY_S)
    assert permits
    clinic.broker.permit(permits)
    wait_until(lambda: serial() != before)
