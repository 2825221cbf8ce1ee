"""A hub and a room for each test that wants them."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hub.hubs import Hub, Room


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    hub = Hub(tmp_path / "hub", therapists=6)
    hub.start()
    yield hub
    if hub.process:
        hub.end(signal.SIGKILL)


@pytest.fixture
def room(hub: Hub) -> Iterator[Room]:
    room = Room(hub.mqtt_port)
    room.connect()
    yield room
    room.close()
