"""What the hub remembers of units and asks of them."""

import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from app.hub.arrivals import Arrival, Sorted, sort
from app.hub.errors import OrderError
from app.hub.orders import FILE, Orders, Signer
from app.hub.store import Store
from app.sync import wire
from app.sync.command import LONGEST_S, Reboot, Rename, check, verify
from tests.hub.hubs import EPOCH, Hub, Room, a_heartbeat, an_envelope, wait_until

NOW = 1_790_000_000


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with closing(Store(tmp_path / "hub.sqlite")) as store:
        yield store


@pytest.fixture
def orders(tmp_path: Path, store: Store) -> Iterator[Orders]:
    store.commit([birth()], NOW)
    with closing(Orders(tmp_path / "hub.sqlite")) as orders:
        yield orders


def birth(epoch: str = EPOCH, boot: int = 1, **more: object) -> Sorted:
    content = {"state": "birth", "epoch": epoch, "boot": boot, "next_seq": 0, **more}
    item = sort(Arrival("room-1", "state", wire.State.model_validate(content).model_dump_json().encode()))
    assert item
    return item


def message(seq: int, body: wire.Heartbeat | wire.Result) -> Sorted:
    item = sort(Arrival("room-1", "m", wire.seal(an_envelope(seq, body))))
    assert item
    return item


def test_a_word_tells_the_highest_start_and_number_that_were_heard_of(store: Store) -> None:
    new = store.word("room-1", EPOCH, NOW)
    assert (new.boot, new.seq, new.sha256, new.generation) == (0, None, None, store.generation())
    store.commit([birth(boot=9), birth(boot=3)], NOW)
    store.commit([birth(boot=4), message(41, a_heartbeat()), message(17, a_heartbeat())], NOW)
    word = store.word("room-1", EPOCH, NOW)
    assert (word.boot, word.seq, word.hub_time) == (9, 41, NOW)
    assert word.sha256 == wire.fingerprint(wire.seal(an_envelope(41, a_heartbeat())))
    assert store.word("room-1", "f" * 32, NOW).seq is None


def test_a_command_is_signed_for_one_unit_and_open_until_it_is_answered(orders: Orders, store: Store) -> None:
    signer = Signer(Path(store._name).parent)
    first = orders.ask(signer, "room-1", Rename(name="Garden"), NOW)
    second = orders.ask(signer, "room-1", Reboot(), NOW)
    assert (first, second) == (NOW, NOW + 1), "numbers rise, and are seconds where they can be"
    assert [each.number for each in orders.open(NOW)] == [first, second]
    order = verify(orders.open(NOW)[0].payload, signer.public)
    assert order.expires - NOW < LONGEST_S
    check(order, "room-1", EPOCH, None, NOW)
    store.commit([message(1, wire.Result(number=first, outcome="done"))], NOW + 5)
    store.commit([message(2, wire.Result(number=first, outcome="refused", reason="replayed"))], NOW + 6)
    store.commit([message(3, wire.Result(number=None, outcome="refused", reason="unsigned"))], NOW + 7)
    assert [each.number for each in orders.open(NOW)] == [second]
    assert [each.outcome for each in orders.all()] == ["done", None]
    assert orders.refusals() == {"room-1": ["replayed", "unsigned"]}
    assert orders.open(NOW + 8 * 86400) == []


def test_a_unit_under_another_name_on_the_wire_is_not_sent_what_was_for_the_old(orders: Orders, store: Store) -> None:
    orders.ask(Signer(Path(store._name).parent), "room-1", Reboot(), NOW)
    store.commit([birth("f" * 32, boot=1, before=EPOCH)], NOW)
    assert orders.open(NOW) == []


def test_a_unit_that_was_never_there_is_one_sentence(orders: Orders, tmp_path: Path) -> None:
    with pytest.raises(OrderError, match="no unit room-9 has ever been connected"):
        orders.ask(Signer(tmp_path), "room-9", Reboot(), NOW)


def test_the_key_is_made_once_for_the_hub_only(tmp_path: Path) -> None:
    first = Signer(tmp_path / "hub")
    assert Signer(tmp_path / "hub").public == first.public
    assert stat.S_IMODE((tmp_path / "hub" / FILE).stat().st_mode) == 0o600
    (tmp_path / "hub" / FILE).write_text("no key")
    with pytest.raises(OrderError, match="put back the copy"):
        Signer(tmp_path / "hub")


def test_a_running_hub_says_what_it_knows_and_sends_what_was_asked(shared_hub: Hub, room: Room) -> None:
    room.tell(wire.State(state="birth", epoch=EPOCH, boot=3, next_seq=8))
    wait_until(lambda: len(room.words) == 1)
    assert (room.words[0].boot, room.words[0].seq) == (3, None)
    room.send(room.seal(7, a_heartbeat()))
    wait_until(lambda: (EPOCH, 7) in room.acknowledged)
    with closing(Orders(shared_hub.state / "hub.sqlite")) as orders:
        number = orders.ask(Signer(shared_hub.state), room.device, Reboot(), int(room.words[0].hub_time))
        wait_until(lambda: len(room.commands) == 1)
        order = verify(room.commands[0], Signer(shared_hub.state).public)
        assert (order.device, order.epoch, order.number) == (room.device, EPOCH, number)
        room.tell(wire.State(state="birth", epoch=EPOCH, boot=4, next_seq=8))
        wait_until(lambda: len(room.commands) == 2)  # it may have lost the first
        assert room.words[-1].seq == 7
        room.send(wire.seal(an_envelope(8, wire.Result(number=number, outcome="taken"), room.device)))
        wait_until(lambda: orders.open(0) == [])
