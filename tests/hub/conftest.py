"""A hub and a room for each test that wants them."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hub.databases import KINDS, Anew, databases
from tests.hub.hubs import Hub, Room


def running(state: Path) -> Iterator[Hub]:
    hub = Hub(state, therapists=6)
    hub.start()
    yield hub
    if hub.process:
        hub.end(signal.SIGKILL)


@pytest.fixture(scope="module", params=KINDS)
def anew(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Anew]:
    """Empty databases of each kind in turn."""
    yield from databases(request.param, tmp_path_factory)


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    """A hub of the test's own, to be killed."""
    yield from running(tmp_path / "hub")


@pytest.fixture(scope="module")
def shared_hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """A hub for tests that only send: each from a room of its own."""
    yield from running(tmp_path_factory.mktemp("shared") / "hub")


@pytest.fixture
def room(shared_hub: Hub, request: pytest.FixtureRequest) -> Iterator[Room]:
    """A room that no other test has."""
    room = Room(shared_hub.mqtt_port, request.node.name.replace("_", "-")[:48])
    room.connect()
    yield room
    room.close()
