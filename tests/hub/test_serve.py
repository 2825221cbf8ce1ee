"""The whole hub as a process: real broker, real database, real kills."""

import json
import os
import signal
import socket
import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from app.hub.broker import Broker
from app.hub.errors import HubError
from app.hub.options import HubOptions
from app.hub.serve import serve
from app.sync import wire
from tests.hub.hubs import EPOCH, Hub, Room, a_heartbeat, a_release, is_gone, wait_until


def broker_pid(hub: Hub) -> int:
    return int((hub.state / "broker" / "broker.pid").read_text())


def committed(hub: Hub, device: str) -> list[tuple[str, int]]:
    """Week and sessions of a device's releases, read from the database file by another process: this one."""
    with closing(sqlite3.connect(f"file:{hub.state}/hub.sqlite?mode=ro", uri=True)) as database:
        return database.execute("SELECT week, sessions FROM releases WHERE device = ?", (device,)).fetchall()


def test_a_release_is_committed_before_it_is_acknowledged(shared_hub: Hub, room: Room) -> None:
    room.send(room.seal(7, a_release(1)))
    wait_until(lambda: (EPOCH, 7) in room.acknowledged)
    assert committed(shared_hub, room.device) == [("2026-W36", 25)]
    assert room.last_ack
    assert room.last_ack.hub_time > 1_700_000_000


def test_a_duplicate_is_acknowledged_again(shared_hub: Hub, room: Room) -> None:
    for _ in range(3):
        room.send(room.seal(7, a_release(2)))
    wait_until(lambda: room.acknowledged.count((EPOCH, 7)) == 3)
    assert committed(shared_hub, room.device) == [("2026-W36", 25)]


def test_poison_is_set_aside_and_does_not_block_the_line(shared_hub: Hub, room: Room) -> None:
    before = shared_hub.counts()["quarantined"]
    content = json.loads(room.seal(1, a_heartbeat()))
    room.send(b"\x00 poison")
    room.send(json.dumps(content | {"seq": 2, "body": {"kind": "poem"}}).encode())
    room.send(json.dumps(content | {"seq": 3, "v": 2}).encode())
    room.send(room.seal(4, a_heartbeat()))
    wait_until(lambda: (EPOCH, 4) in room.acknowledged)
    assert room.acknowledged == [(EPOCH, 2), (EPOCH, 4)]
    assert shared_hub.counts()["quarantined"] == before + 3


def test_a_room_shows_as_offline_after_its_death(shared_hub: Hub, room: Room) -> None:
    def card() -> str:
        return shared_hub.page(f"rooms/{room.device}")

    room.tell(wire.State(state="birth", epoch=EPOCH, boot=1, next_seq=5))
    room.send(room.seal(4, a_heartbeat()))
    wait_until(lambda: (EPOCH, 4) in room.acknowledged)
    wait_until(lambda: "</span> Online" in card())
    room.tell(wire.State(state="death", epoch=EPOCH, boot=1))
    wait_until(lambda: "</span> Offline since" in card())


def test_a_broker_that_dies_is_started_again(shared_hub: Hub, room: Room) -> None:
    before = broker_pid(shared_hub)
    os.kill(before, signal.SIGKILL)
    wait_until(lambda: is_gone(before))
    room.send(room.seal(1, a_heartbeat()))
    wait_until(lambda: (EPOCH, 1) in room.acknowledged)


def test_a_second_hub_on_the_same_folder_is_told_so(shared_hub: Hub) -> None:
    with pytest.raises(HubError, match="another hub is running"):
        serve(HubOptions("north", shared_hub.state, port=0, mqtt_port=0))


def test_a_backlog_survives_kills_of_the_hub_exactly_once(hub: Hub) -> None:
    room = Room(hub.mqtt_port)
    room.connect()
    payloads = [room.seal(seq, a_release(seq)) for seq in range(400)]
    for payload in payloads[:300]:
        room.send(payload)
    for kill in range(2):
        wait_until(lambda: len(room.acknowledged) > 50)
        broker = broker_pid(hub)
        hub.end(signal.SIGKILL)
        wait_until(partial(is_gone, broker))
        room.acknowledged.clear()
        hub.start()
        for payload in payloads[kill * 100 :]:  # a room sends again what was not acknowledged
            room.send(payload)
    for payload in payloads:
        room.send(payload)
    wait_until(lambda: {seq for _, seq in room.acknowledged} >= set(range(400)), 30)
    room.close()
    assert hub.counts()["releases"] == hub.counts()["messages"] == 400
    assert hub.counts()["quarantined"] == 0
    broker = broker_pid(hub)
    assert hub.end(signal.SIGTERM) == 0
    assert is_gone(broker)


def test_a_broker_left_behind_by_an_earlier_hub_is_stopped(tmp_path: Path) -> None:
    stale = Broker("north", tmp_path, 0)
    stale.start()
    fresh = Broker("north", tmp_path, stale.port)
    with closing(fresh), closing(stale):
        fresh.start()
        assert not stale.alive
        assert fresh.alive


def test_a_broker_of_the_clinics_own_may_come_later(tmp_path: Path) -> None:
    with closing(Broker("north", tmp_path / "own", 0)) as own:
        hub = Hub(tmp_path / "hub", broker_url=f"mqtt://127.0.0.1:{own.port}")
        hub.start()
        room = Room(own.port)
        try:
            wait_until(lambda: "does not answer: trying again" in hub.page())
            own.start()
            wait_until(lambda: "does not answer: trying again" not in hub.page())
            room.connect()
            room.send(room.seal(1, a_heartbeat()))
            wait_until(lambda: room.acknowledged == [(EPOCH, 1)])
        finally:
            room.close()
            hub.end(signal.SIGTERM)


def test_a_page_port_in_use_is_one_sentence(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(HubError, match="for the page cannot be used"):
            serve(HubOptions("north", tmp_path, port=taken.getsockname()[1], mqtt_port=0))


def test_a_broker_port_in_use_is_one_sentence(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(HubError, match="for MQTT cannot be used"):
            serve(HubOptions("north", tmp_path, port=0, mqtt_port=taken.getsockname()[1]))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"clinic": "North Clinic"}, "may only have a-z"),
        ({"host": "0.0.0.0"}, "is not encrypted"),  # noqa: S104  the point is that it is refused
        ({"port": 70000}, "does not exist"),
        ({"therapists": -1}, "cannot be"),
        ({"broker_url": "mqtt://broker.example:1883"}, "unprotected"),
        ({"broker_url": "mqtts://127.0.0.1"}, "must be mqtt://"),
    ],
)
def test_options_that_cannot_be_served_are_one_sentence(options: dict[str, object], words: str, tmp_path: Path) -> None:
    with pytest.raises(HubError, match=words):
        HubOptions(**({"clinic": "north", "state": tmp_path} | options))  # type: ignore[arg-type]
