"""From `add-room` to revocation, each part as a process of its own, as a clinic starts them."""

import json
import os
import re
import signal
import stat
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from app.sync.outbox import Outbox
from tests.hub.clinics import Mosquitto
from tests.hub.hubs import a_release, wait_until
from tests.sync.brokers import free_port

PATIENCE_S = 60.0


class Part:
    """A `fermata` process; `said` is all that it has told."""

    def __init__(self, folder: Path, name: str, settings: Path, *words: str) -> None:
        self.log = folder / f"{name}.log"
        self.process = start(self.log, settings, *words)

    @property
    def said(self) -> str:
        return self.log.read_text()

    def wait(self, words: str) -> None:
        wait_until(lambda: words in self.said or self.process.poll() is not None, PATIENCE_S)
        assert words in self.said, self.said

    def end(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(PATIENCE_S) == 0, self.said


def environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("FERMATA_")}


def start(log: Path, settings: Path, *words: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "app", "--settings", str(settings), *words]
    with log.open("ab") as out:
        return subprocess.Popen(command, stdout=out, stderr=out, env=environment())


def fermata(settings: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "app", "--settings", str(settings), *words]
    return subprocess.run(command, capture_output=True, text=True, env=environment(), check=False)


class Clinic:
    """A hub at an address, as its settings file says; rooms get theirs from it."""

    def __init__(self, folder: Path, more: str = "") -> None:
        self.folder = folder
        self.settings = folder / "hub.toml"
        self.page = free_port()
        self.settings.write_text(
            f'[room]\nclinic = "north"\n[hub]\nstate = "{folder / "hub"}"\nport = {self.page}\naddress = "localhost"\n'
            f"mqtts_port = {free_port()}\ndoor_port = {free_port()}\n{more}"
        )
        self.parts: list[Part] = []

    def start(self, name: str, settings: Path, *words: str) -> Part:
        self.parts.append(Part(self.folder, name, settings, *words))
        return self.parts[-1]

    def counts(self) -> dict[str, int]:
        found: dict[str, int] = httpx.get(f"http://127.0.0.1:{self.page}/health", timeout=10).json()
        return found

    def room(self, name: str) -> Path:
        """A room's settings file as `add-room` prints it, and where this test keeps the room's things."""
        done = fermata(self.settings, "hub", "add-room", name)
        assert done.returncode == 0, done.stderr
        file = self.folder / f"{name}.toml"
        here = self.folder / f"room {name}"
        file.write_text(done.stdout + f'\n[paths]\noutbox = "{here}"\nkeys = "{here / "keys"}"\n')
        return file


@pytest.fixture
def clinic(tmp_path: Path) -> Iterator[Clinic]:
    clinic = Clinic(tmp_path)
    yield clinic
    for part in reversed(clinic.parts):
        part.process.kill()
        part.process.wait()


def test_a_room_joins_sends_is_acknowledged_and_when_revoked_is_cut_off_for_good(clinic: Clinic) -> None:
    hub = clinic.start("hub", clinic.settings, "hub")
    hub.wait("fermata hub ready")
    assert "mqtts://localhost:" in hub.said
    file = clinic.room("Blue room")
    settings = tomllib.loads(file.read_text())
    code, here = settings["join"]["code"], Path(settings["paths"]["outbox"])
    here.mkdir()
    outbox = Outbox(here / "outbox.sqlite", "blue-room", simulated=False)
    release = a_release(1)
    outbox.put(release.id, release.model_dump_json().encode())

    unit = clinic.start("unit", file, "send")
    wait_until(lambda: outbox.stock().releases_waiting == 0, PATIENCE_S)
    assert clinic.counts()["releases"] == 1
    unit.wait("this unit has joined its clinic as 'blue-room'")
    unit.wait("connected to the hub at localhost")
    assert code not in file.read_text()
    assert tomllib.loads(file.read_text()) == settings | {
        "join": {k: v for k, v in settings["join"].items() if k != "code"}
    }
    assert stat.S_IMODE((here / "keys/unit.pem").stat().st_mode) == 0o600
    rooms = fermata(clinic.settings, "hub", "rooms").stdout
    assert re.fullmatch(r"blue-room  joined, its certificate is good until [-0-9]+  \(Blue room\)\n", rooms)

    unit.end()  # started anew it needs no code
    unit = clinic.start("unit again", file, "send")
    unit.wait("connected to the hub at localhost")
    told = fermata(clinic.settings, "hub", "revoke", "Blue room")
    assert "is shut out" in told.stdout, told.stderr
    unit.wait("is away")
    unit.wait("refuses this unit")
    late = a_release(2)
    outbox.put(late.id, late.model_dump_json().encode())
    unit.end()
    assert clinic.counts()["releases"] == 1
    assert outbox.stock().releases_waiting == 1
    assert renewal(here, settings) == 403
    hub.wait("was refused: blue-room was revoked")
    outbox.shut()
    hub.end()


def renewal(here: Path, settings: dict[str, dict[str, str]]) -> int:
    """What the door answers a unit that asks for its next certificate."""
    from app.sync.identity import new_key, signing_request
    from app.sync.trust import trust

    context = trust((here / "keys/ca.pem").read_text(), here / "keys/unit.pem")
    body = json.dumps({"request": signing_request(new_key()).decode(), "fresh": True})
    url = f"https://localhost:{settings['join']['port']}/renew"
    return httpx.post(url, content=body, verify=context, timeout=20).status_code


def test_with_a_mosquitto_of_the_clinics_own_a_room_joins_and_is_cut_off(tmp_path: Path) -> None:
    files = tmp_path / "files"
    files.mkdir()
    port = free_port()
    clinic = Clinic(tmp_path, f'broker = "mqtts://localhost:{port}"\nbroker_files = "{files}"\n')
    file = clinic.room("Blue room")
    hub = clinic.start("hub", clinic.settings, "hub")
    wait_until((files / "rooms.acl").exists, PATIENCE_S)
    mosquitto = Mosquitto(files, port)
    hub.wait("fermata hub ready")
    try:
        settings = tomllib.loads(file.read_text())
        here = Path(settings["paths"]["outbox"])
        here.mkdir()
        outbox = Outbox(here / "outbox.sqlite", "blue-room", simulated=False)
        release = a_release(1)
        outbox.put(release.id, release.model_dump_json().encode())
        unit = clinic.start("unit", file, "send")
        wait_until(lambda: outbox.stock().releases_waiting == 0, PATIENCE_S)
        before = (files / "rooms.acl").read_text()
        assert fermata(clinic.settings, "hub", "revoke", "blue-room").returncode == 0
        wait_until(lambda: (files / "rooms.acl").read_text() != before, PATIENCE_S)
        mosquitto.permit([])  # what systemd does when the file has changed
        unit.wait("is away")
        late = a_release(2)
        outbox.put(late.id, late.model_dump_json().encode())
        unit.end()
        assert clinic.counts()["releases"] == 1
        assert renewal(here, settings) == 403
        outbox.shut()
    finally:
        for part in reversed(clinic.parts):
            part.process.kill()
            part.process.wait()
        mosquitto.close()


def test_a_room_needs_a_hub_with_an_address(tmp_path: Path) -> None:
    settings = tmp_path / "hub.toml"
    settings.write_text(f'[hub]\nstate = "{tmp_path / "hub"}"\n')
    done = fermata(settings, "hub", "add-room", "Blue room")
    assert (done.returncode, done.stdout) == (1, "")
    assert "set hub.address first" in done.stderr


def test_a_code_in_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    from app.send import erase

    file = tmp_path / "fermata.toml"
    file.write_text('[join]\ncode = "AAAA-BBBB"\n')
    assert not erase(tmp_path / "none.toml", "AAAA-BBBB")
    assert not erase(tmp_path, "AAAA-BBBB")
    file.write_text('[join]\ncode = """\nAAAA-BBBB"""\n')
    assert not erase(file, "AAAA-BBBB")
    file.write_text('# a card\n[join]\ncode = "AAAA-BBBB"  # once\nport = 8721\n[cues]\n')
    file.chmod(0o640)
    assert erase(file, "AAAA-BBBB")
    assert file.read_text() == "# a card\n[join]\nport = 8721\n[cues]\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
