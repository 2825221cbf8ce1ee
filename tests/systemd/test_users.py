"""The users and the folder that they share, as systemd makes them and as two users meet them."""

import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from app.sync.outbox import Outbox

UNITS = Path(__file__).parents[2] / "systemd"
LISTEN, SEND, SHARED = 64101, 64102, 64100
"""Ids that nobody has: a process may be them without their being in any list."""
AS_ROOT = pytest.mark.skipif(os.getuid() != 0, reason="only root can be two users")

BECOME = """
import os, sys
from pathlib import Path
from app.release.ledger import Ledger
from app.sync.outbox import Outbox
os.setgroups([])
os.setgid(int(sys.argv[1]))
os.setuid(int(sys.argv[2]))
os.umask(0o077)
file = Path(sys.argv[3])
"""
PUT = """
box = Outbox(file, "room-1", simulated=True)
box.write_health("ok")
box.shut()
"""
BEAT = """
box = Outbox(file, "room-1")
assert box.beat(1, "0.1.0")
assert box.stock().heartbeats_waiting == 1
box.shut()
"""
TOGETHER = """
import time
os.umask(0o007)
if sys.argv[4] == "first":
    box = Outbox(file, "room-1", simulated=True)
else:
    while not file.exists():
        time.sleep(0.01)
    box = Outbox(file, "room-1")
mine = file.with_name(sys.argv[2])
mine.touch()
while not all(file.with_name(each).exists() for each in sys.argv[5:]):
    time.sleep(0.01)
wal = file.with_name(file.name + "-wal")
assert wal.exists() and wal.stat().st_mode & 0o777 == 0o660, "the log is there while both have it open"
for number in range(40):
    box.write_health("ok")
    box.beat(int(sys.argv[2]) * 1000 + number, "0.1.0")
box.receive(b"for listen")
box.shut()
"""
OPEN_LEDGER = "Ledger(file).shut()"
READ = "file.read_bytes()"


def test_systemd_makes_the_users_and_the_folder(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    files = [str(each) for each in sorted((UNITS / "sysusers.d").iterdir())]
    subprocess.run(["systemd-sysusers", f"--root={tmp_path}", *files], check=True, capture_output=True)
    users = {line.split(":")[0]: line.split(":") for line in (tmp_path / "etc/passwd").read_text().splitlines()}
    groups = {line.split(":")[0]: line.split(":")[2] for line in (tmp_path / "etc/group").read_text().splitlines()}
    assert set(users) == {"fermata-listen", "fermata-send", "fermata-hub"}
    assert users["fermata-listen"][3] == users["fermata-send"][3] == groups["fermata"]
    assert users["fermata-listen"][2] != users["fermata-send"][2]
    assert users["fermata-hub"][3] != groups["fermata"]
    assert all(user[6].endswith("nologin") for user in users.values())


def test_the_outbox_folder_gives_its_group_to_what_is_in_it() -> None:
    (line,) = [
        line for line in (UNITS / "tmpfiles.d/fermata-room.conf").read_text().splitlines() if not line.startswith("#")
    ]
    assert line.split() == ["d", "/var/lib/fermata-outbox", "2770", "root", "fermata", "-"]


@pytest.fixture
def room() -> Iterator[Path]:
    """A room unit's two folders, as the units and tmpfiles.d make them."""
    top = Path(tempfile.mkdtemp(prefix="fermata-"))  # pytest's own folders are shut to other users
    top.chmod(0o755)
    (top / "outbox").mkdir()
    os.chown(top / "outbox", 0, SHARED)
    (top / "outbox").chmod(0o2770)
    (top / "ledger").mkdir(mode=0o700)
    os.chown(top / "ledger", LISTEN, SHARED)
    yield top
    shutil.rmtree(top)


def run_as(user: int, program: str, file: Path) -> subprocess.CompletedProcess[str]:
    """Run some Python as this user, with the units' group and umask."""
    command = [sys.executable, "-c", BECOME + program, str(SHARED), str(user), str(file)]
    return subprocess.run(command, check=False, capture_output=True, text=True, cwd=UNITS.parent)


@AS_ROOT
def test_both_users_write_the_outbox_and_only_one_has_the_ledger(room: Path) -> None:
    outbox, ledger = room / "outbox/outbox.sqlite", room / "ledger/ledger.sqlite"
    for user, program, file in (
        (LISTEN, PUT, outbox),
        (SEND, BEAT, outbox),
        (LISTEN, PUT, outbox),
        (LISTEN, OPEN_LEDGER, ledger),
    ):
        done = run_as(user, program, file)
        assert done.returncode == 0, done.stderr
    assert stat.S_IMODE(outbox.stat().st_mode) == 0o660
    assert stat.S_IMODE(ledger.stat().st_mode) == 0o600
    refused = run_as(SEND, READ, ledger)
    assert refused.returncode != 0
    assert "PermissionError" in refused.stderr


@AS_ROOT
@pytest.mark.parametrize("first", [LISTEN, SEND])
def test_whichever_user_opens_the_outbox_first_the_other_can_write(room: Path, first: int) -> None:
    outbox = room / "outbox/outbox.sqlite"
    second = SEND if first == LISTEN else LISTEN
    for user in (first, second, first):
        done = run_as(user, PUT, outbox)
        assert done.returncode == 0, done.stderr


@AS_ROOT
@pytest.mark.parametrize("first", [LISTEN, SEND])
def test_both_users_write_at_once_through_one_log_whoever_made_it(room: Path, first: int) -> None:
    outbox = room / "outbox/outbox.sqlite"
    second = SEND if first == LISTEN else LISTEN
    both = [
        subprocess.Popen(
            [
                *(sys.executable, "-c", BECOME + TOGETHER, str(SHARED), str(user), str(outbox), order),
                *(str(LISTEN), str(SEND)),
            ],
            stderr=subprocess.PIPE,
            text=True,
            cwd=UNITS.parent,
        )
        for user, order in ((first, "first"), (second, "second"))
    ]
    with ExitStack() as left:
        for process in both:
            left.enter_context(process)
            left.callback(process.kill)
        for process in reversed(both):  # who comes second meets what the first has half made
            _, errors = process.communicate(timeout=120)
            assert process.returncode == 0, errors
    assert outbox.stat().st_uid == first
    opened = Outbox(outbox, "room-1")
    assert opened.stock().heartbeats_waiting == 80
    assert len(opened.received()) == 2
    opened.shut()
