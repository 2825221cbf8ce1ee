"""A real hub and a real unit, one of them restored from an older copy, or away for long."""

import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from app.attend import Attend
from app.hub.backup import backup, restore
from app.hub.orders import Orders, Signer
from app.release.ledger import Ledger
from app.release.release import RANGES
from app.settings import Settings
from app.sync.address import Address
from app.sync.command import Rename
from app.sync.courier import Courier, Pace
from app.sync.outbox import Outbox
from app.sync.told import Told
from tests.hub.hubs import Hub
from tests.sync.brokers import until
from tests.sync.test_courier import release

QUICK = Pace(
    heartbeat_s=3600, resend_s=0.3, resend_most_s=2, reconnect_s=0.05, reconnect_most_s=0.2, poll_s=0.02, greeting_s=60
)


class Unit:
    """A room unit's card in a folder, and its two processes' work as steps of a test's."""

    def __init__(self, folder: Path, hub: Hub) -> None:
        self.folder, self.said = folder, list[str]()
        self.ledger, self.told = Ledger(folder / "ledger.sqlite"), Told(folder / "told.sqlite")
        self.outbox = Outbox(folder / "outbox.sqlite", "room-1", simulated=True)
        unit = Settings.model_validate({"hub": {"command_key": Signer(hub.state).public}})
        self.attend = Attend(unit, self.ledger, self.outbox, self.told, self.said.append)
        address = Address("127.0.0.1", hub.mqtt_port)
        self.courier = Courier(self.outbox, address, "north", "0.1.0", self.said.append, pace=QUICK)

    def work(self, done: Callable[[], bool]) -> None:
        def step() -> None:
            self.courier.step()
            self.attend.step(in_session=False)

        until(done, step)

    def put(self, *numbers: int) -> None:
        for number in numbers:
            self.outbox.put(*release(number))

    def empty(self) -> bool:
        return not self.outbox.is_old() and not self.outbox.waiting()

    def off(self) -> None:
        self.courier.end()
        self.ledger.shut()
        self.told.shut()
        self.outbox.shut()

    def image(self, to: Path) -> None:
        """Copy the card, switched off."""
        shutil.rmtree(to, ignore_errors=True)
        shutil.copytree(self.folder, to)


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    hub = Hub(tmp_path / "hub", clinic="north")
    hub.start()
    yield hub
    if hub.process:
        hub.process.terminate()
        hub.process.wait()
        assert hub.process.stdout
        hub.process.stdout.close()


def stop(hub: Hub) -> None:
    hub.end(signal.SIGTERM)


def test_a_hub_restored_from_a_backup_gets_again_what_it_had_forgotten(tmp_path: Path, hub: Hub) -> None:
    (tmp_path / "card").mkdir()
    unit = Unit(tmp_path / "card", hub)
    unit.put(1, 2)
    unit.work(unit.empty)
    backup(hub.state / "hub.sqlite", tmp_path / "copy.sqlite")
    unit.put(3, 4, 5)
    unit.work(lambda: unit.empty() and hub.counts()["withheld"] == 5)
    stop(hub)
    restore(hub.state / "hub.sqlite", tmp_path / "copy.sqlite", int(time.time()))
    hub.start()
    assert hub.counts()["withheld"] == 2
    unit.put(6)
    unit.work(lambda: unit.empty() and hub.counts()["withheld"] == 6)
    assert hub.counts()["quarantined"] == 0
    assert not unit.outbox.is_old()
    assert unit.outbox.state().before is None, "a healthy unit is not called a copy"
    unit.off()


def test_a_hub_whose_disk_was_put_back_without_a_word_gets_it_again_too(tmp_path: Path, hub: Hub) -> None:
    """A snapshot of the whole machine: the generation is the old one."""
    (tmp_path / "card").mkdir()
    unit = Unit(tmp_path / "card", hub)
    unit.put(1)
    unit.work(unit.empty)
    stop(hub)
    shutil.copytree(hub.state, tmp_path / "snapshot")
    hub.start()
    unit.put(2, 3)
    unit.work(lambda: unit.empty() and hub.counts()["withheld"] == 3)
    stop(hub)
    shutil.rmtree(hub.state)
    shutil.copytree(tmp_path / "snapshot", hub.state)
    hub.start()
    unit.work(lambda: unit.empty() and hub.counts()["withheld"] == 3)
    assert hub.counts()["quarantined"] == 0
    unit.off()


def hold(ledger: Ledger, sessions: int) -> None:
    for _ in range(sessions):
        session = ledger.open_session()
        ledger.close(session, dict.fromkeys(RANGES, 1.0), "2026-W06", 3000.0)
        ledger.forget(session)


@pytest.mark.parametrize("offline", [0, 6])
def test_a_card_restored_from_an_image_sends_nothing_of_it_and_begins_anew(
    tmp_path: Path, hub: Hub, offline: int
) -> None:
    """`offline`: so many messages it makes before it meets the hub, and so comes further than its image was."""
    (tmp_path / "card").mkdir()
    unit = Unit(tmp_path / "card", hub)
    unit.put(1)
    unit.work(unit.empty)
    hold(unit.ledger, 12)
    unit.off()
    unit.image(tmp_path / "image")
    unit = Unit(tmp_path / "card", hub)
    unit.put(2, 3)
    unit.work(unit.empty)
    before = hub.counts()
    epoch = unit.outbox.epoch
    unit.off()
    unit = Unit(tmp_path / "image", hub)
    for _ in range(2 if offline else 0):
        unit.outbox.birth()
    unit.put(*range(100, 100 + offline + 1))  # what its old ledger might have sealed once more
    unit.work(lambda: unit.outbox.epoch != epoch and unit.empty())
    assert unit.ledger.waiting() == []
    assert hub.counts()["withheld"] == before["withheld"] == 3
    unit.put(7)
    unit.work(lambda: unit.empty() and hub.counts()["withheld"] == 4)
    assert hub.counts()["quarantined"] == 0
    assert unit.outbox.state().before == epoch
    assert any("restored from an old copy" in sentence for sentence in unit.said)
    unit.off()


def test_a_command_goes_from_the_hubs_table_to_the_room_and_its_result_back(tmp_path: Path, hub: Hub) -> None:
    (tmp_path / "card").mkdir()
    unit = Unit(tmp_path / "card", hub)
    unit.put(1)
    unit.work(unit.empty)
    with closing(Orders(hub.state / "hub.sqlite")) as orders:
        orders.ask(Signer(hub.state), "room-1", Rename(name="Garden"), int(time.time()))
        unit.work(lambda: unit.told.get("name") == "Garden")
        unit.outbox.beat(7, "0.1.0")  # the next heartbeat's time has come
        unit.work(lambda: [each.outcome for each in orders.all()] == ["done"])
    unit.off()


DAYS = 30 if os.environ.get("HYPOTHESIS_PROFILE") == "deep" else 3


def test_after_days_of_outage_all_is_caught_up_in_a_minute(tmp_path: Path, hub: Hub) -> None:
    """Thirty days with HYPOTHESIS_PROFILE=deep."""
    (tmp_path / "card").mkdir()
    outbox = Outbox(tmp_path / "card/outbox.sqlite", "room-1", simulated=True)
    outbox._db.do("PRAGMA synchronous = OFF")  # the month is lived in seconds
    for slot in range(DAYS * 288):
        outbox.beat(slot, "0.1.0")
        if slot % 288 == 0:
            outbox.put(*release(slot))
    held = sum(file.stat().st_size for file in (tmp_path / "card").iterdir())
    assert held < 64 * 2**20
    assert outbox.stock().dropped == 0
    outbox.shut()
    unit = Unit(tmp_path / "card", hub)
    begun = time.monotonic()
    while not unit.empty():
        unit.courier.step()
        assert time.monotonic() - begun < 240, "four times the minute, on a machine four times slower"
    took = time.monotonic() - begun
    print(f"caught up {DAYS * 288} heartbeats and {DAYS} releases, {held / 1e6:.1f} MB, in {took:.0f} s")  # noqa: T201
    assert hub.counts()["withheld"] == DAYS
    assert hub.counts()["messages"] >= DAYS * 289
    unit.off()
