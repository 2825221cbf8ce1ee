"""A unit at its hub's door: joining, renewing, and whom it does not believe."""

import json
import ssl
import stat
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from http.client import HTTPSConnection
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from app.durable import DurableError
from app.hub.authority import Authority
from app.hub.door import LARGEST_BODY
from app.hub.registry import DAY_S
from app.hub.roster import WRONG
from app.send import send
from app.sources import load
from app.sync.identity import Identity, new_key, signing_request
from app.sync.joining import Door, DoorError, ShutError, StrangerError
from app.sync.keeper import Keeper, Patience
from app.sync.trust import distrust, trust
from tests.hub.doors import OpenDoor, dated, self_signed
from tests.hub.hubs import wait_until

TEN_YEARS = 3653 * DAY_S


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[OpenDoor]:
    with closing(OpenDoor(tmp_path / "hub")) as opened:
        yield opened


class Unit:
    """A unit whose time passes when the test says so."""

    def __init__(self, folder: Path, hub: OpenDoor, known: int | None = None) -> None:
        self.identity = Identity(folder)
        self.said: list[str] = []
        self.elapsed = 0.0
        self.door = Door("127.0.0.1", hub.port, known)
        self.keeper = Keeper(
            self.identity, self.door, self.said.append, lambda: 0.0, Patience(), elapsed=lambda: self.elapsed
        )


@pytest.fixture
def unit(tmp_path: Path, hub: OpenDoor) -> Unit:
    return Unit(tmp_path / "unit", hub)


def join(unit: Unit, hub: OpenDoor, room: str = "Blue room") -> None:
    invited = hub.registry.add(room, int(hub.now))
    assert unit.keeper.join(invited.device, invited.code, hub.authority.fingerprint)


def test_a_unit_joins_with_its_code_and_keeps_its_key_to_itself(tmp_path: Path, hub: OpenDoor, unit: Unit) -> None:
    join(unit, hub)
    assert unit.said == ["this unit has joined its clinic as 'blue-room'"]
    files = {file.name: stat.S_IMODE(file.stat().st_mode) for file in (tmp_path / "unit").iterdir()}
    assert files == {"unit.pem": 0o600, "ca.pem": 0o600, "code": 0o600}
    assert stat.S_IMODE((tmp_path / "unit").stat().st_mode) == 0o700
    assert unit.identity.ends() == int(hub.now) + 90 * DAY_S
    key = serialization.load_pem_private_key(unit.identity.unit.read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    assert isinstance(key.curve, ec.SECP256R1)
    secret = unit.identity.unit.read_text().splitlines()[1]
    assert secret not in "".join(file.read_text("latin-1") for file in (tmp_path / "hub").rglob("*") if file.is_file())


def test_nothing_is_told_where_the_fingerprint_is_wrong(hub: OpenDoor, unit: Unit) -> None:
    invited = hub.registry.add("Blue room", int(hub.now))
    for _ in range(3):
        unit.elapsed += 1000
        assert unit.keeper.join("blue-room", invited.code, "0" * 64) is False
    assert len(unit.said) == 1
    assert "is not the hub of this fingerprint" in unit.said[0]
    assert (hub.said, unit.identity.there, hub.registry.members(0)[0].certificate_ends) == ([], False, None)


def test_who_only_knows_the_authoritys_certificate_is_not_told_the_code(
    tmp_path: Path, hub: OpenDoor, unit: Unit
) -> None:
    """It is public: somebody between could show it, but cannot prove to be of it."""
    impostor = Authority(tmp_path / "impostor", "north", hub.now)
    hub.show(impostor.server_certificate(["127.0.0.1"], hub.now))
    assert unit.keeper.join("blue-room", "AAAA-AAAA", hub.authority.fingerprint) is False
    assert "is not the clinic's hub" in unit.said[0]
    assert hub.said == []


def test_a_rooms_certificate_does_not_pass_for_the_hubs(hub: OpenDoor, unit: Unit) -> None:
    key = new_key()
    given = hub.authority.admit(signing_request(key), "127.0.0.1", hub.now)
    hub.show(key + given.pem)
    with pytest.raises(StrangerError, match="purpose"):
        unit.door.join(hub.authority.pem, "blue-room", "", b"")


def test_a_hub_of_another_name_is_not_believed(tmp_path: Path) -> None:
    with closing(OpenDoor(tmp_path / "hub", ("hub.example",))) as hub:
        unit = Unit(tmp_path / "unit", hub)
        with pytest.raises(StrangerError, match="mismatch"):
            unit.door.join(hub.authority.pem, "blue-room", "", b"")


@pytest.mark.parametrize("off", [-56 * 365 * DAY_S, -TEN_YEARS, TEN_YEARS], ids=["1970", "behind", "ahead"])
def test_a_unit_whose_clock_is_far_off_joins_and_renews(off: int, hub: OpenDoor, unit: Unit) -> None:
    """The hub's certificate is good by the hub's clock; moved by as much, it is this machine's clock that is off."""
    begins, ends = time.time() - off - DAY_S, time.time() - off + DAY_S
    hub.show(dated(hub.authority, hub.certificate, begins, ends))
    join(unit, hub)
    assert unit.keeper.renew(fresh=True)
    with pytest.raises(ssl.SSLCertVerificationError):  # a control: by the dates it would not have been believed
        HTTPSConnection("127.0.0.1", hub.port, context=with_dates(hub)).connect()


def with_dates(hub: OpenDoor) -> ssl.SSLContext:
    return ssl.create_default_context(cadata=hub.authority.pem)


def test_a_certificate_that_had_ended_when_the_hub_last_spoke_is_refused(tmp_path: Path, hub: OpenDoor) -> None:
    hub.show(dated(hub.authority, hub.certificate, hub.now - 9 * DAY_S, hub.now - DAY_S))
    for known, believed in ((int(hub.now), False), (int(hub.now) - 2 * DAY_S, True), (None, True)):
        unit = Unit(tmp_path / f"unit-{known}", hub, known)
        with pytest.raises(ShutError if believed else StrangerError):  # shut out by the hub itself, as it has no code
            unit.door.join(hub.authority.pem, "blue-room", "", unit.identity.request())


def raw(hub: OpenDoor, path: str, body: bytes, shown: Path | None = None) -> tuple[int, bytes]:
    line = HTTPSConnection("127.0.0.1", hub.port, context=trust(hub.authority.pem, shown), timeout=20)
    with closing(line):
        line.request("POST", path, body)
        answer = line.getresponse()
        return answer.status, answer.read()


def test_every_refusal_has_the_same_words_and_is_told_once_at_the_hub(hub: OpenDoor) -> None:
    code = hub.registry.add("Blue room", int(hub.now)).code
    request = signing_request(new_key()).decode()

    def ask(device: str, code: str, request: str) -> bytes:
        return json.dumps({"device": device, "code": code, "request": request}).encode()

    asked = [
        ("/join", ask("blue-room", "AAAA-AAAA", request)),
        ("/join", ask("red-room", code, request)),
        ("/join", ask("blue-room", code, "no request")),
        ("/join", b"not json"),
        ("/join", b"[" * 10_000),
        ("/join", b"{" * (LARGEST_BODY + 1)),  # a longer one may be cut off before its answer is read
        ("/join", json.dumps({"device": 7}).encode()),
        ("/renew", json.dumps({"request": request}).encode()),
    ]
    answers = {raw(hub, path, body) for path, body in asked for _ in range(2)}
    assert answers == {(403, b'{"detail":"refused"}')}
    assert len(hub.said) == len(set(hub.said)) >= 6
    assert code not in "".join(hub.said)


def test_a_code_tried_six_times_is_locked(hub: OpenDoor, unit: Unit) -> None:
    code = hub.registry.add("Blue room", int(hub.now)).code
    for guess in range(WRONG):
        with pytest.raises(ShutError):
            unit.door.join(hub.authority.pem, "blue-room", f"AAAA-AAA{guess}", unit.identity.request())
    assert unit.keeper.join("blue-room", code, hub.authority.fingerprint) is None
    assert "make a new one" in unit.said[0]
    assert [line.partition(": ")[2][:12] for line in hub.said] == ["a wrong code", "the code of "]


def test_who_hangs_up_in_the_middle_is_no_trouble(hub: OpenDoor) -> None:
    line = HTTPSConnection("127.0.0.1", hub.port, context=trust(hub.authority.pem, None), timeout=20)
    line.putrequest("POST", "/join")
    line.putheader("Content-Length", "100")
    line.endheaders(b"half")
    line.close()
    wait_until(lambda: len(hub.said) == 1)
    assert "asks for nothing that we know" in hub.said[0]


def test_who_asks_often_has_to_wait(tmp_path: Path) -> None:
    with closing(OpenDoor(tmp_path / "hub", each=3)) as hub:
        assert [raw(hub, "/join", b"")[0] for _ in range(5)] == [403, 403, 403, 429, 429]
        assert sum("too often" in line for line in hub.said) == 1


def test_cut_off_before_the_answer_it_asks_again_and_joins(hub: OpenDoor, unit: Unit) -> None:
    invited = hub.registry.add("Blue room", int(hub.now))
    unit.door.join(hub.authority.pem, "blue-room", invited.code, unit.identity.request())  # the answer is lost
    assert not unit.identity.there
    assert unit.keeper.join("blue-room", invited.code, hub.authority.fingerprint)


def test_two_units_with_one_code_are_one_unit(tmp_path: Path, hub: OpenDoor, unit: Unit) -> None:
    invited = hub.registry.add("Blue room", int(hub.now))
    other = Unit(tmp_path / "other", hub)
    assert unit.keeper.join("blue-room", invited.code, hub.authority.fingerprint)
    assert other.keeper.join("blue-room", invited.code, hub.authority.fingerprint) is None
    assert not other.identity.there
    assert "used already" in hub.said[-1]


def test_a_hub_that_is_away_is_waited_for(tmp_path: Path, hub: OpenDoor) -> None:
    gone = Unit(tmp_path / "gone", hub)
    gone.keeper._door = Door("127.0.0.1", 1)
    tries = 0
    for _ in range(600):
        gone.elapsed += 1
        before = gone.keeper._tries
        assert gone.keeper.join("blue-room", "AAAA-AAAA", "0" * 64) is False
        tries += gone.keeper._tries > before
    assert 5 < tries < 12
    assert len(gone.said) == 1


def test_without_a_code_it_says_so_and_waits(tmp_path: Path) -> None:
    settings, said, looks = tmp_path / "fermata.toml", list[str](), iter([False, True])
    settings.write_text(f'[paths]\nkeys = "{tmp_path / "keys"}"\n[join]\nfingerprint = "{"0" * 64}"\n')
    send(load(settings), lambda: next(looks), said.append)
    assert said == ["this unit has not joined its hub and has no code for it: add its room at the hub again"]


def test_it_renews_thirty_days_before_its_end_by_the_hubs_time(hub: OpenDoor, unit: Unit) -> None:
    join(unit, hub)
    start, before = int(hub.now), unit.identity.unit.read_text()
    for day in range(60):
        hub.now = start + day * DAY_S
        unit.elapsed += DAY_S
        unit.keeper.step(int(hub.now))
    assert unit.identity.unit.read_text() == before
    hub.now = start + 60 * DAY_S
    unit.elapsed += DAY_S
    unit.keeper.step(int(hub.now))
    assert unit.identity.ends() == start + 150 * DAY_S
    assert unit.identity.unit.read_text().splitlines()[1] != before.splitlines()[1]
    assert unit.said[-1] == "this unit's certificate was renewed"


def test_off_for_months_it_renews_with_the_certificate_that_has_ended(hub: OpenDoor, unit: Unit) -> None:
    join(unit, hub)
    told = int(hub.now)
    hub.now += 300 * DAY_S
    for _ in range(70):  # a broker that lets it in no more tells it no time
        unit.elapsed += 1
        unit.keeper.step(told)
    assert unit.identity.ends() == int(hub.now) + 90 * DAY_S


def test_off_for_more_than_a_year_it_says_what_to_do(hub: OpenDoor, unit: Unit) -> None:
    join(unit, hub)
    told = int(hub.now)
    hub.now += (90 + 366) * DAY_S
    for _ in range(9000):
        unit.elapsed += 1
        unit.keeper.step(told)
    assert len(unit.said) == 2
    assert "add its room again" in unit.said[1]
    assert sum("refused" in line for line in hub.said) == 1


def test_a_revoked_unit_cannot_renew_and_says_so_once(hub: OpenDoor, unit: Unit) -> None:
    join(unit, hub)
    hub.registry.revoke("blue-room", int(hub.now))
    for _ in range(9000):
        unit.elapsed += 1
        unit.keeper.step(None)
    assert [line[:40] for line in unit.said[1:]] == ["the hub no longer takes this unit: it wa"]
    assert sum("was revoked" in line for line in hub.said) == 1


def test_a_silent_hub_that_sees_no_need_is_asked_rarely(hub: OpenDoor, unit: Unit) -> None:
    join(unit, hub)
    before = unit.identity.unit.read_text()
    for _ in range(9000):
        unit.elapsed += 1
        unit.keeper.step(None)
    assert unit.identity.unit.read_text() == before
    assert len(unit.said) == 1


def of_nobody(_hub: OpenDoor, folder: Path) -> Path:
    return self_signed(folder, "blue-room.1")


def of_another_clinic(hub: OpenDoor, folder: Path) -> Path:
    file = folder / "other.pem"
    file.write_text(Authority(folder / "other", "north", hub.now).hub_certificate(hub.now))
    return file


@pytest.mark.parametrize("stranger", [of_nobody, of_another_clinic])
def test_a_strangers_certificate_renews_nothing(
    stranger: Callable[[OpenDoor, Path], Path], hub: OpenDoor, unit: Unit, tmp_path: Path
) -> None:
    join(unit, hub)
    shown = stranger(hub, tmp_path)
    with pytest.raises(DoorError):
        unit.door.renew(hub.authority.pem, shown, signing_request(new_key()), fresh=True)


def test_tls_before_1_2_is_refused_at_the_door(hub: OpenDoor) -> None:
    context = distrust()
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises(OSError, match=r"(?i)alert|protocol|EOF|reset"):
        HTTPSConnection("127.0.0.1", hub.port, context=context).connect()


def test_a_certificate_that_is_not_ours_is_not_taken(tmp_path: Path, hub: OpenDoor, unit: Unit) -> None:
    join(unit, hub)
    before = unit.identity.unit.read_text()
    foreign = Authority(tmp_path / "foreign", "north", hub.now)
    key = new_key()
    for authority, request in ((foreign, signing_request(key)), (hub.authority, signing_request(new_key()))):
        with pytest.raises(DurableError, match="not for this unit"):
            unit.identity.renew(key, authority.admit(request, "blue-room.1", hub.now).pem)
    assert unit.identity.unit.read_text() == before


def test_our_chain_is_as_strict_readers_of_the_standard_want_it(tmp_path: Path, hub: OpenDoor, unit: Unit) -> None:
    join(unit, hub)
    for file, purpose in ((unit.identity.unit, "sslclient"), (hub.certificate, "sslserver")):
        leaf = tmp_path / "leaf.pem"
        leaf.write_text("-----BEGIN CERT" + file.read_text().partition("-----BEGIN CERT")[2])
        command = [
            "openssl",
            "verify",
            "-x509_strict",
            "-purpose",
            purpose,
            "-CAfile",
            str(hub.authority.file),
            str(leaf),
        ]
        subprocess.run(command, check=True, capture_output=True)
    assert timedelta(days=397) >= x509.load_pem_x509_certificate(hub.certificate.read_bytes()).not_valid_after_utc - (
        datetime.fromtimestamp(hub.now - 1, UTC)
    ) - timedelta(seconds=1)
