import os
import random
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.durable import DamagedError, DurableError
from app.sync import wire
from app.sync.outbox import KEPT, KEPT_S, MOST_FROM_HUB, MOST_RESULTS, Outbox, OutboxError

NOW = 1_780_000_000


def release(number: int) -> tuple[str, bytes]:
    identity = f"{number:032x}"
    content = wire.Release(
        id=identity, week="2026-W06", sessions=20, sums={"silence_share": number}, ranges={}, sigma2=9, rho=0.5
    )
    return identity, content.model_dump_json().encode()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "outbox.db"


@pytest.fixture
def outbox(path: Path) -> Iterator[Outbox]:
    opened = Outbox(path, "room-1", simulated=False)
    yield opened
    opened.shut()


def test_what_is_put_waits_sealed_until_the_hub_has_committed_it(outbox: Outbox) -> None:
    outbox.put(*release(1))
    (message,) = outbox.waiting()
    envelope = wire.unseal(message.payload)
    assert (envelope.device, envelope.epoch, envelope.seq, envelope.simulated) == ("room-1", outbox.epoch, 0, False)
    assert isinstance(envelope.body, wire.Release)
    assert envelope.body.id == release(1)[0]
    assert outbox.acknowledge(outbox.epoch, [0], NOW) == 1
    assert outbox.waiting() == []


def test_a_release_is_taken_once(outbox: Outbox) -> None:
    outbox.put(*release(1))
    first = outbox.waiting()
    outbox.put(*release(1))
    assert outbox.waiting() == first
    outbox.acknowledge(outbox.epoch, [0], NOW)
    outbox.put(*release(1))
    assert outbox.waiting() == []


def test_a_message_is_the_same_bytes_each_time(path: Path, outbox: Outbox) -> None:
    outbox.put(*release(1))
    outbox.beat(1, "0.1.0")
    before = outbox.waiting()
    outbox.write_health("fault")
    again = Outbox(path, "room-1", simulated=False)
    assert again.waiting() == before
    again.shut()


def test_what_is_no_release_is_refused(outbox: Outbox) -> None:
    with pytest.raises(OutboxError, match="is none"):
        outbox.put("0" * 32, b"{}")
    with pytest.raises(OutboxError, match="under its own id"):
        outbox.put("0" * 32, release(1)[1])
    assert outbox.messages() == []


def test_the_epoch_is_the_files_and_numbers_rise_through_restarts(path: Path) -> None:
    seqs, epochs = [], set()
    for number in range(3):
        outbox = Outbox(path, "room-1", simulated=False)
        epochs.add(outbox.epoch)
        outbox.beat(number, "0.1.0")
        seqs += [message.seq for message in outbox.waiting()]
        outbox.acknowledge(outbox.epoch, seqs, NOW)
        birth = outbox.birth()
        assert (birth.boot, birth.next_seq) == (number + 1, number + 1)
        outbox.shut()
    assert seqs == [0, 1, 2]
    assert len(epochs) == 1


def test_another_epochs_acknowledgement_is_not_ours(outbox: Outbox) -> None:
    outbox.put(*release(1))
    assert outbox.acknowledge("f" * 32, [0], NOW) == 0
    assert len(outbox.waiting()) == 1
    assert outbox.hub_time() is None


def test_an_acknowledgement_twice_or_of_nothing_changes_nothing(outbox: Outbox) -> None:
    outbox.put(*release(1))
    assert outbox.acknowledge(outbox.epoch, [0, 0, 5], NOW) == 1
    assert outbox.acknowledge(outbox.epoch, [0], NOW + 5) == 0
    assert outbox.messages()[0].acknowledged == NOW


def test_acknowledged_releases_are_kept_100_days_and_heartbeats_not(outbox: Outbox) -> None:
    outbox.put(*release(1))
    outbox.beat(1, "0.1.0")
    outbox.acknowledge(outbox.epoch, [0, 1], NOW)
    assert [message.release for message in outbox.messages()] == [release(1)[0]]
    for number in range(2, KEPT + 2):
        outbox.put(*release(number))
        outbox.acknowledge(outbox.epoch, [number], NOW + number)
    outbox.acknowledge(outbox.epoch, [], NOW + KEPT_S)
    assert len(outbox.messages()) == KEPT + 1
    outbox.acknowledge(outbox.epoch, [], NOW + KEPT_S + 1)
    assert [message.release for message in outbox.messages()] == [release(n)[0] for n in range(2, KEPT + 2)]


def test_no_wrong_clock_takes_the_releases_of_the_last_100_days(outbox: Outbox) -> None:
    for number in range(KEPT):
        outbox.put(*release(number))
        outbox.acknowledge(outbox.epoch, [number], NOW + number * 7 * 86400)
    for wrong in (10 * 365 * 86400, -10 * 365 * 86400):
        outbox.acknowledge(outbox.epoch, [], NOW + wrong)
        assert outbox.stock().releases_kept == KEPT
    assert outbox.hub_time() == NOW + wrong


def word(outbox: Outbox, **changes: object) -> wire.Word:
    """What a hub says that has all that was acknowledged, and nothing more."""
    state = outbox.state()
    content: dict[str, object] = {
        "epoch": state.epoch,
        "generation": "a" * 32,
        "boot": state.boot,
        "seq": None,
        "sha256": None,
        "hub_time": NOW,
    }
    return wire.Word.model_validate(content | changes)


def test_a_hub_with_another_memory_gets_all_releases_again_and_no_heartbeats(outbox: Outbox) -> None:
    for number in range(3):
        outbox.put(*release(number))
    outbox.beat(1, "0.1.0")
    first = [message.payload for message in outbox.messages()][:3]
    assert outbox.greet(word(outbox))
    outbox.acknowledge(outbox.epoch, [0, 1, 2, 3], NOW)
    assert outbox.greet(word(outbox, seq=3, sha256="0" * 64))
    assert outbox.waiting() == []
    assert outbox.greet(word(outbox, generation="b" * 32, seq=0))
    assert [message.payload for message in outbox.waiting()] == first
    assert outbox.generation() == "b" * 32
    assert not outbox.is_old()


def test_a_hub_that_knows_less_than_it_acknowledged_gets_all_releases_again_once(outbox: Outbox) -> None:
    outbox.put(*release(1))
    outbox.put(*release(2))
    outbox.greet(word(outbox))
    outbox.acknowledge(outbox.epoch, [0, 1], NOW)
    outbox.greet(word(outbox, seq=0))
    assert len(outbox.waiting()) == 2
    outbox.acknowledge(outbox.epoch, [0], NOW)
    outbox.greet(word(outbox, seq=0))
    assert len(outbox.waiting()) == 1


@pytest.mark.parametrize(
    "more", [{"boot": 2}, {"seq": 2}, {"seq": 9, "sha256": "0" * 64}, {"seq": 1, "sha256": "0" * 64}]
)
def test_a_unit_of_which_the_hub_knows_more_is_a_copy_and_sends_nothing(
    path: Path, outbox: Outbox, more: dict[str, object]
) -> None:
    outbox.birth()
    outbox.put(*release(1))
    outbox.put(*release(2))
    outbox.greet(word(outbox))
    assert not outbox.is_old()
    assert len(outbox.waiting()) == 2
    outbox.greet(word(outbox, **more))
    assert outbox.is_old()
    assert outbox.waiting() == []
    again = Outbox(path, "room-1")
    assert again.is_old()
    before = outbox.epoch
    again.receive(b"anything")
    again.renew()
    again.shut()
    assert outbox.messages() == []
    assert outbox.received() == []
    state = outbox.state()
    assert (state.before, state.next_seq, outbox.is_old()) == (before, 0, False)
    assert outbox.epoch == state.epoch != before
    outbox.put(*release(3))
    assert wire.unseal(outbox.waiting()[0].payload).epoch == state.epoch


def test_what_a_hub_says_of_another_epoch_is_not_about_us(outbox: Outbox) -> None:
    assert not outbox.greet(word(outbox, epoch="f" * 32, boot=99, seq=99))
    assert not outbox.is_old()
    assert outbox.generation() is None


def test_results_of_commands_go_with_a_heartbeat_and_are_bounded(outbox: Outbox) -> None:
    for number in range(MOST_RESULTS + 5):
        outbox.receive(b"command")
        ((lies, _),) = outbox.received()
        outbox.done(lies, wire.Result(number=number, outcome="done"))
    assert outbox.waiting() == []
    outbox.beat(1, "0.1.0")
    outbox.beat(2, "0.1.0")
    bodies = [wire.unseal(message.payload).body for message in outbox.waiting()]
    assert [body.kind for body in bodies] == ["heartbeat", *["result"] * MOST_RESULTS, "heartbeat"]
    assert len({len(message.payload) for message in outbox.waiting()}) == 1


def test_an_outbox_of_the_first_version_is_read(path: Path) -> None:
    Outbox(path, "room-1", simulated=False).shut()
    with closing(sqlite3.connect(path)) as old:
        old.executescript("DROP TABLE hub; DROP TABLE results")
    outbox = Outbox(path, "room-1")
    assert (outbox.generation(), outbox.is_old(), outbox.shall_rotate()) == (None, False, False)
    outbox.shut()


def test_a_heartbeat_says_how_the_unit_is_and_nothing_of_its_use(outbox: Outbox) -> None:
    outbox.put(*release(1))
    outbox.write_health("fault")
    assert outbox.beat(7, "0.1.0")
    body = wire.unseal(outbox.waiting()[1].payload).body
    assert body == wire.Heartbeat(
        software="0.1.0", microphones="fault", clock="own", outbox_waiting=1, outbox_dropped=0
    )


def test_a_slot_has_one_heartbeat_through_restarts(path: Path, outbox: Outbox) -> None:
    assert outbox.beat(7, "0.1.0")
    assert not outbox.beat(7, "0.1.0")
    again = Outbox(path, "room-1", simulated=False)
    assert not again.beat(7, "0.1.0")
    assert again.beat(8, "0.1.0")
    again.shut()


def test_releases_go_before_heartbeats(outbox: Outbox) -> None:
    outbox.beat(1, "0.1.0")
    outbox.put(*release(1))
    assert [message.seq for message in outbox.waiting()] == [1, 0]


def test_without_room_heartbeats_are_dropped_oldest_first_and_counted_and_releases_never(path: Path) -> None:
    outbox = Outbox(path, "room-1", simulated=False, bound=3 * 2**20 + 192 * 1024)
    for number in range(60):
        outbox.put(*release(number))
    for slot in range(300):
        outbox.beat(slot, "0.1.0")
    stock = outbox.stock()
    assert stock.releases_waiting == 60
    assert stock.dropped > 0
    assert stock.heartbeats_waiting + stock.dropped == 300
    assert path.stat().st_size <= 192 * 1024
    beats = [message.seq for message in outbox.messages() if message.release is None]
    assert beats[-1] == 359
    body = wire.unseal(outbox.messages()[-1].payload).body
    assert isinstance(body, wire.Heartbeat)
    assert body.outbox_dropped > 0
    outbox.shut()


FULL_DISK = """
import sys
from pathlib import Path
from app.durable import FullError
from app.sync.outbox import Outbox
from tests_release import release

folder = Path(sys.argv[1])
outbox = Outbox(folder / "outbox.db", "room-1", simulated=False)
for slot in range(300):
    outbox.beat(slot, "0.1.0")
with (folder / "filler").open("wb", buffering=0) as filler:
    try:
        while True:
            filler.write(b"x" * 4096)
    except OSError:
        pass
put = 0
for number in range(150):
    outbox.put(*release(number))
stock = outbox.stock()
assert stock.releases_waiting == 150, stock
assert stock.heartbeats_waiting + stock.dropped == 300, stock
assert stock.dropped > 0, stock
(folder / "filler").unlink()
outbox.acknowledge(outbox.epoch, [], 1)
assert (folder / "outbox.db.ballast").stat().st_size == 2**20
print("held")
"""


def test_a_full_disk_still_lets_a_release_in_and_heartbeats_go(tmp_path: Path) -> None:
    """On a real full disk of 6 MB, in a mount namespace of its own."""
    if subprocess.run(["unshare", "-rm", "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine gives no mount namespace")
    shutil.copy(__file__, tmp_path / "tests_release.py")
    script = f'mount -t tmpfs -o size=6m none "$1" && exec {sys.executable} -c "$2" "$1"'
    (tmp_path / "disk").mkdir()
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", script, "sh", str(tmp_path / "disk"), FULL_DISK],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
    )
    assert done.stdout == "held\n", done.stderr


def test_both_users_can_write_whatever_the_umask(path: Path) -> None:
    before = os.umask(0o077)
    try:
        outbox = Outbox(path, "room-1", simulated=False)
        outbox.put(*release(1))
        modes = {file.name: file.stat().st_mode & 0o777 for file in path.parent.iterdir()}
        outbox.shut()
    finally:
        os.umask(before)
    assert len(modes) == 4  # with log, index and ballast
    assert set(modes.values()) == {0o660}


def test_a_rehearsals_outbox_stays_one(path: Path) -> None:
    rehearsal = Outbox(path, "room-1", simulated=True)
    rehearsal.put(*release(1))
    assert wire.unseal(rehearsal.waiting()[0].payload).simulated
    rehearsal.shut()
    with pytest.raises(OutboxError, match="a rehearsal: use another folder"):
        Outbox(path, "room-1", simulated=False)
    with pytest.raises(OutboxError, match="belongs to 'room-1'"):
        Outbox(path, "room-2", simulated=True)


def test_send_takes_the_outbox_as_it_is_and_makes_none(path: Path) -> None:
    with pytest.raises(OutboxError, match="start `fermata listen` first"):
        Outbox(path, "room-1")
    Outbox(path, "room-1", simulated=True).shut()
    taken = Outbox(path, "room-1")
    assert taken.simulated
    taken.shut()


@pytest.mark.parametrize("device", ["", "Room", "room.1", "a/b", "x" * 49])
def test_a_device_id_that_no_topic_takes_is_refused(path: Path, device: str) -> None:
    with pytest.raises(OutboxError, match="no device id"):
        Outbox(path, device, simulated=False)
    assert not path.exists()


def test_what_the_hub_sends_lies_there_until_done_and_is_bounded(outbox: Outbox) -> None:
    assert outbox.receive(b"one")
    assert outbox.receive(b"two")
    (first, payload), _ = outbox.received()
    assert payload == b"one"
    outbox.done(first)
    assert [payload for _, payload in outbox.received()] == [b"two"]
    assert not outbox.receive(b"x" * 20_000)
    for _ in range(MOST_FROM_HUB - 1):
        assert outbox.receive(b"more")
    assert not outbox.receive(b"too many")


def test_a_damaged_outbox_is_one_sentence(path: Path) -> None:
    path.write_bytes(b"no database " * 1000)
    with pytest.raises(DamagedError, match="put it aside"):
        Outbox(path, "room-1", simulated=False)


def test_a_folder_that_cannot_be_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DurableError, match="check its folder"):
        Outbox(tmp_path / "file" / "outbox.db", "room-1", simulated=False)


OTHER_PROCESS = """
import sys
from pathlib import Path
from app.sync.outbox import Outbox
from tests_release import release

outbox = Outbox(Path(sys.argv[1]), "room-1", simulated=False)
print(outbox.epoch, flush=True)
if sys.argv[2] == "listen":
    for number in range(60):
        outbox.put(*release(number))
        outbox.write_health("ok")
else:
    carried = 0
    while carried < 60:
        outbox.beat(carried, "0.1.0")
        waiting = outbox.waiting()
        outbox.acknowledge(outbox.epoch, [message.seq for message in waiting], 1)
        carried += sum(message.release is not None for message in waiting)
print("done", flush=True)
"""


def test_two_processes_make_and_use_it_at_once(path: Path, tmp_path: Path) -> None:
    shutil.copy(__file__, tmp_path / "tests_release.py")
    both = [
        subprocess.Popen(
            [sys.executable, "-c", OTHER_PROCESS, str(path), which],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(tmp_path)},
        )
        for which in ("listen", "send")
    ]
    said = [process.communicate(timeout=60) for process in both]
    assert said[0] == said[1], "one epoch, no error"
    assert said[0][0].endswith("done\n")
    outbox = Outbox(path, "room-1", simulated=False)
    assert sorted(message.release or "" for message in outbox.messages()) == [release(n)[0] for n in range(60)]
    outbox.shut()


DEEDS = st.lists(
    st.tuples(st.sampled_from(["put", "beat", "send", "ack", "forge", "cut", "lose"]), st.integers(0, 9)), max_size=30
)


@given(DEEDS, st.integers(0, 2**32))
@settings(max_examples=25, deadline=None)
def test_put_ack_and_power_cut_in_any_order_deliver_each_once(  # noqa: C901 - one case a deed
    tmp_path_factory: pytest.TempPathFactory, deeds: list[tuple[str, int]], seed: int
) -> None:
    """The hub keeps the first bytes of a number, as a unique key does; the network may lose anything."""
    path, dice = tmp_path_factory.mktemp("law") / "outbox.db", random.Random(seed)
    outbox = Outbox(path, "room-1", simulated=False)
    committed: dict[int, bytes] = {}
    unheard: list[list[int]] = []
    put = set()

    def send() -> None:
        taken = dice.sample(waiting := outbox.waiting(), dice.randint(0, len(waiting)))
        for message in taken:
            assert committed.setdefault(message.seq, message.payload) == message.payload
        unheard.append([message.seq for message in taken])

    for deed, number in deeds:
        match deed:
            case "put":
                outbox.put(*release(number))
                put.add(release(number)[0])
            case "beat":
                outbox.beat(number, "0.1.0")
            case "send":
                send()
            case "ack" if unheard:
                outbox.acknowledge(outbox.epoch, unheard.pop(dice.randrange(len(unheard))), NOW)
            case "forge":
                outbox.acknowledge("f" * 32, [number], NOW)
            case "cut":
                outbox.shut()
                outbox = Outbox(path, "room-1", simulated=False)
            case "lose":
                unheard.clear()
    while waiting := outbox.waiting():
        send()
        outbox.acknowledge(outbox.epoch, unheard.pop(), NOW)
        assert len(outbox.waiting()) <= len(waiting)
    bodies = [wire.unseal(payload).body for payload in committed.values()]
    assert sorted(body.id for body in bodies if isinstance(body, wire.Release)) == sorted(put)
    outbox.shut()


def test_two_messages_are_never_the_same_bytes_even_under_one_number(
    tmp_path: Path, outbox: Outbox, path: Path
) -> None:
    """Else a restored copy would be taken for what it is a copy of: heartbeats are all alike."""
    copy = tmp_path / "copy.db"
    with sqlite3.connect(path) as old, sqlite3.connect(copy) as new:
        old.backup(new)
    other = Outbox(copy, outbox.device)
    assert outbox.beat(7, "0.1.0")
    assert other.beat(7, "0.1.0")
    one, two = outbox.waiting()[0], other.waiting()[0]
    other.shut()
    assert (one.seq, wire.unseal(one.payload).body) == (two.seq, wire.unseal(two.payload).body)
    assert one.payload != two.payload
    assert len(one.payload) == len(two.payload)
