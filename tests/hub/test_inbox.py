"""The inbox on a real broker, with a store that can fail."""

from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from threading import Event, Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.hub.arrivals import Sorted
from app.hub.broker import Broker
from app.hub.errors import StoreError
from app.hub.inbox import Inbox, acknowledgements
from app.hub.keys import Key
from app.hub.store import Store
from app.sync import wire
from tests.hub.hubs import EPOCH, Room, a_release, an_envelope, wait_until


class FullDisk(Store):
    """A store that cannot be written until there is room."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.tries = 0
        self.room = Event()

    def commit(self, items: Iterable[Sorted], now: int) -> list[Key]:
        self.tries += 1
        if not self.room.is_set():
            raise StoreError("the disk is full: make room")
        return super().commit(items, now)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    with closing(Broker("north", tmp_path / "broker", 0)) as broker:
        broker.start()
        yield broker


def test_what_cannot_be_stored_is_acknowledged_only_when_it_can(broker: Broker, tmp_path: Path) -> None:
    notices: list[str] = []
    stop = Event()
    with closing(FullDisk(tmp_path / "hub.sqlite")) as store:
        inbox = Inbox("north", ("127.0.0.1", broker.port), store, notices.append, store_retry_s=0.1)
        thread = Thread(target=inbox.run, args=(stop,))
        thread.start()
        room = Room(broker.port)
        try:
            assert inbox.subscribed.wait(10)
            room.connect()
            room.send(wire.seal(an_envelope(1, a_release(1))))
            wait_until(lambda: store.tries >= 3)
            assert room.acknowledged == []
            assert inbox.trouble == "the disk is full: make room"
            store.room.set()
            wait_until(lambda: room.acknowledged == [(EPOCH, 1)])
            assert store.counts().releases == 1
            assert inbox.trouble is None
            assert notices == ["the disk is full: make room", "messages are stored again"]  # once, not at every try
        finally:
            stop.set()
            thread.join()
            room.close()


@given(
    st.lists(st.tuples(st.sampled_from(["room-1", "room-2"]), st.sampled_from([EPOCH, "f" * 32]), st.integers(0, 9999)))
)
def test_acknowledgements_name_every_key_once_for_its_device_and_fit_the_wire(keys: list[Key]) -> None:
    told = [(device, ack.epoch, seq) for device, ack in acknowledgements(keys, 5) for seq in ack.seqs]
    assert sorted(told) == sorted(keys)
    assert all(0 < len(ack.seqs) <= wire.MAX_ACK_SEQS for _, ack in acknowledgements(keys, 5))


def test_three_hundred_keys_are_three_acknowledgements() -> None:
    keys = [("room-1", EPOCH, seq) for seq in range(300)]
    assert [len(ack.seqs) for _, ack in acknowledgements(keys, 5)] == [100, 100, 100]
