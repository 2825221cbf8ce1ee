"""`fermata send --show`: what it prints is what is on the wire, to the byte."""

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from app.__main__ import cli
from app.catalogue import RELEASED
from app.settings import Settings
from app.show import show
from app.sources import load
from app.sync import wire
from app.sync.outbox import Message, Outbox
from tests.conftest import Golden
from tests.test_imports import all_below

RANGES = {metric.id: metric.released for metric in RELEASED if metric.released}
NOW = 1_780_000_000


def release(number: int, sums: dict[str, int] | None) -> tuple[str, bytes]:
    identity, sessions = f"{number:032x}", 25 if sums else 0
    body = wire.Release(
        id=identity,
        week=f"2026-W{20 + number}",
        sessions=sessions,
        sums=sums,
        ranges=RANGES,
        sigma2=1_500_000,
        rho=0.5,
    )
    return identity, body.model_dump_json().encode()


@pytest.fixture
def room(tmp_path: Path) -> Settings:
    """An outbox with what has left, what waits, and what was stored and erased."""
    settings = load(None, {"room": {"clinic": "north", "device": "room-1"}, "paths": {"outbox": str(tmp_path)}})
    outbox = Outbox(settings.paths.outbox_file, "room-1", simulated=True)
    outbox.birth()
    outbox.put(*release(1, dict(zip(RANGES, (-900, -2500, 1250, 0, 3000, -4000), strict=True))))
    outbox.write_health("ok")
    outbox.beat(1, "0.1.0")
    outbox.acknowledge(outbox.epoch, [0, 1], NOW)
    outbox.put(*release(2, None))
    outbox.beat(2, "0.1.0")
    outbox.receive(b"a command")
    outbox.shut()
    return settings


def messages(room: Settings) -> list[Message]:
    outbox = Outbox(room.paths.outbox_file, "room-1")
    try:
        return outbox.messages()
    finally:
        outbox.shut()


def test_every_message_is_there_byte_for_byte(room: Settings) -> None:
    payloads = [message.payload for message in messages(room)]
    printed = [line.encode() for line in show(room) if line and not line.startswith("#")]
    states, sent = printed[:2], printed[2:]
    assert sent == payloads
    assert [json.loads(state)["state"] for state in states] == ["birth", "death"]


def test_every_fingerprint_is_that_of_the_bytes_below_it(room: Settings) -> None:
    lines = list(show(room))
    for number, line in enumerate(lines):
        found = re.search(r"(\d+) bytes, SHA-256 ([0-9a-f]{64})$", line)
        if found:
            payload = next(each for each in lines[number:] if not each.startswith("#")).encode()
            assert (len(payload), wire.fingerprint(payload)) == (int(found[1]), found[2])


def test_it_reads_as_reviewed(room: Settings, golden: Golden, monkeypatch: pytest.MonkeyPatch) -> None:
    outbox = Outbox(room.paths.outbox_file, "room-1")
    epoch = outbox.epoch
    outbox.shut()
    monkeypatch.setenv("FERMATA_ROOM__CLINIC", "north")
    monkeypatch.setenv("FERMATA_PATHS__OUTBOX", str(room.paths.outbox))
    said = CliRunner().invoke(cli, ["send", "--show"])
    assert said.exit_code == 0
    text = said.output.replace(epoch, "e" * 32).replace(str(room.paths.outbox), "/var/lib/fermata-outbox")
    text = re.sub(r'"pad":"[0-9a-f]+', lambda salt: '"pad":"'.ljust(len(salt[0]), "5"), text)
    golden("golden/show.txt", re.sub(r"SHA-256 [0-9a-f]{64}", "SHA-256 (64 digits)", text))


def test_looking_changes_nothing(room: Settings) -> None:
    before = messages(room)
    first = list(show(room))
    assert list(show(room)) == first
    assert messages(room) == before


def test_looking_needs_no_network() -> None:
    assert "app.sync.outbox" in all_below("app.show")
    assert not all_below("app.show") & {"app.sync.link", "app.sync.courier"}


def test_without_an_outbox_it_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FERMATA_PATHS__OUTBOX", str(tmp_path / "none"))
    said = CliRunner().invoke(cli, ["send", "--show"])
    assert said.exit_code != 0
    assert "start `fermata listen` first" in str(said.exception)
