"""A broker is started again when it has ended, and when it does not write although there is room."""

import shutil
from pathlib import Path

import pytest

from app.hub.mending import ENOUGH, Mender

WELL = b"[INF] Server is ready\n"
UNWELL = b"[ERR] JetStream failed to store a msg on stream 'x': no space left on device\n"


class Server:
    """Counts its starts; its log begins anew with each."""

    def __init__(self, log: Path) -> None:
        self.starts, self.alive, self._log = 0, False, log
        self.start()

    def start(self) -> None:
        self.starts, self.alive = self.starts + 1, True
        self._log.write_bytes(WELL)

    def close(self) -> None:
        self.alive = False

    def say(self, words: bytes) -> None:
        with self._log.open("ab") as log:
            log.write(words)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "broker.log"


@pytest.fixture
def server(log: Path) -> Server:
    return Server(log)


@pytest.fixture
def mender(server: Server, log: Path) -> Mender:
    return Mender(server, log)


def test_a_server_that_is_well_is_left_alone(server: Server, mender: Mender) -> None:
    assert [mender.look(), mender.look()] == [None, None]
    assert server.starts == 1


def test_one_that_has_ended_is_started_again(server: Server, mender: Mender) -> None:
    server.close()
    assert "ended unexpectedly" in (mender.look() or "")
    assert mender.look() is None
    assert server.starts == 2


def test_one_that_cannot_write_is_started_again_once(server: Server, mender: Mender) -> None:
    mender.look()
    server.say(UNWELL)
    assert "there is room now" in (mender.look() or "")
    assert mender.look() is None
    assert server.starts == 2


def test_it_waits_until_there_is_room(server: Server, mender: Mender, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=ENOUGH - 1))
    server.say(UNWELL)
    assert mender.look() is None
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=ENOUGH))
    assert mender.look()
    assert server.starts == 2


def test_words_that_come_in_two_parts_are_heard(server: Server, mender: Mender) -> None:
    server.say(UNWELL[:30])
    assert mender.look() is None
    server.say(UNWELL[30:])
    assert mender.look()


def test_a_log_that_was_put_aside_is_read_from_its_start(server: Server, mender: Mender, log: Path) -> None:
    server.say(WELL * 100)
    mender.look()
    log.unlink()
    assert mender.look() is None
    log.write_bytes(UNWELL)
    assert mender.look()


def test_the_words_are_those_of_the_server_that_is_installed() -> None:
    from app.hub.broker import _program
    from app.hub.mending import CANNOT_WRITE

    assert CANNOT_WRITE in _program().read_bytes()
