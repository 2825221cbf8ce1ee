import json
import secrets
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.catalogue import RELEASED
from app.durable import DamagedError, ForeignError, FullError, InUseError
from app.release.ledger import Ledger, LedgerError
from app.release.week import moved, weeks_between

WEEK = "2026-W05"
VALUES: dict[str, float | None] = {metric.id: 0.25 for metric in RELEASED}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


@pytest.fixture
def ledger(path: Path) -> Iterator[Ledger]:
    opened = Ledger(path)
    yield opened
    opened.shut()


def add(ledger: Ledger, week: str = WEEK, share: float = 0.25) -> str:
    session = ledger.open_session()
    assert ledger.close(session, {**VALUES, "therapist_talk_share": share}, week, 3000.0)
    return session


def shares(ledger: Ledger) -> list[float]:
    return sorted(each.values["therapist_talk_share"] or 0.0 for each in ledger.waiting())


def on_disk(path: Path) -> bytes:
    """All bytes of the ledger's folder."""
    return b"".join(file.read_bytes() for file in sorted(path.parent.iterdir()))


def secrets_of(ledger: Ledger) -> list[bytes]:
    """Key, and every session's id and ciphertext, as they lie in the file now."""
    rows = ledger._db.all("SELECT locked FROM waiting") + ledger._db.all("SELECT key FROM vault")
    rows += ledger._db.all("SELECT key FROM open") + ledger._db.all("SELECT checkpoint FROM open")
    ids = ledger._db.all("SELECT session FROM waiting WHERE session IS NOT NULL UNION SELECT session FROM open")
    return [bytes(row[0]) for row in rows] + [row[0].encode() for row in ids]


def test_a_closed_session_waits_with_its_week_and_the_released_values_only(ledger: Ledger) -> None:
    session = ledger.open_session()
    assert ledger.close(session, {**VALUES, "coverage": 0.9, "silence_share": None}, WEEK, 600.0)
    (waiting,) = ledger.waiting()
    assert waiting.week == WEEK
    assert dict(waiting.values) == {**VALUES, "silence_share": None}


def test_under_ten_measurable_minutes_nothing_waits(ledger: Ledger) -> None:
    session = ledger.open_session()
    assert not ledger.close(session, VALUES, WEEK, 599.9)
    assert ledger.waiting() == []
    assert ledger.interrupted() is None


def test_a_session_without_values_leaves_nothing(ledger: Ledger) -> None:
    assert not ledger.close(ledger.open_session(), None, WEEK, 3000.0)
    assert ledger.waiting() == []


def test_after_a_power_cut_the_last_checkpoint_is_there(path: Path) -> None:
    ledger = Ledger(path)
    session = ledger.open_session()
    ledger.checkpoint(session, "first")
    ledger.checkpoint(session, "second")
    ledger.shut()
    again = Ledger(path)
    assert again.interrupted() == (session, "second")
    again.close(session, VALUES, WEEK, 3000.0)
    assert again.interrupted() is None
    again.shut()


def test_an_open_session_bars_another(ledger: Ledger) -> None:
    ledger.open_session()
    with pytest.raises(LedgerError, match="close or withdraw"):
        ledger.open_session()


def test_only_the_open_session_takes_a_checkpoint(ledger: Ledger) -> None:
    with pytest.raises(LedgerError, match="not open"):
        ledger.checkpoint("0" * 32, "text")


def test_an_open_session_can_be_withdrawn(ledger: Ledger) -> None:
    session = ledger.open_session()
    ledger.checkpoint(session, "text")
    ledger.withdraw(session)
    assert ledger.interrupted() is None
    assert ledger.waiting() == []


def test_a_closed_session_can_be_withdrawn_until_it_is_forgotten(ledger: Ledger) -> None:
    add(ledger, share=0.1)
    second = add(ledger, share=0.2)
    ledger.withdraw(second)
    assert shares(ledger) == [0.1]
    third = add(ledger, share=0.3)
    ledger.forget(third)
    ledger.withdraw(third)
    assert shares(ledger) == [0.1, 0.3]


def test_withdrawal_survives_a_restart(path: Path) -> None:
    ledger = Ledger(path)
    session = add(ledger)
    ledger.shut()
    again = Ledger(path)
    assert again.withdrawable() == session
    again.withdraw(session)
    assert (again.waiting(), again.withdrawable()) == ([], None)
    again.shut()


def test_the_next_session_cuts_the_link_of_the_one_before(ledger: Ledger) -> None:
    add(ledger)
    ledger.open_session()
    assert ledger.withdrawable() is None


def test_forgetting_renumbers_and_reorders_all_that_waits(ledger: Ledger) -> None:
    for share in range(12):
        session = add(ledger, share=float(share))
    before = {each.row for each in ledger.waiting()}
    ledger.forget(session)
    after = ledger.waiting()
    assert before.isdisjoint(each.row for each in after)
    assert [each.values["therapist_talk_share"] for each in after] != [float(share) for share in range(12)]


def test_nothing_waits_longer_than_13_weeks(ledger: Ledger) -> None:
    add(ledger, "2025-W50", 0.1)
    add(ledger, "2025-W51", 0.2)
    assert ledger.expire("2026-W10") == 0
    assert ledger.expire("2026-W11") == 1
    assert shares(ledger) == [0.2]


@pytest.mark.parametrize("ending", ["withdraw", "forget", "expire", "seal", "open", "close"])
def test_what_is_erased_is_in_no_file(path: Path, ledger: Ledger, ending: str) -> None:
    for _ in range(12):
        last = add(ledger)
    before = secrets_of(ledger)
    if ending == "close":
        ledger.forget(last)
        last = ledger.open_session()
        for number in range(30):
            ledger.checkpoint(last, json.dumps({"tally": [number] * 900}))
        before = [*secrets_of(ledger)[-3:-1], last.encode()]
    disk = on_disk(path)
    assert all(secret in disk for secret in before), "the scan must see what is there"
    match ending:
        case "withdraw":
            ledger.withdraw(last)
        case "forget":
            ledger.forget(last)
        case "expire":
            assert ledger.expire("2026-W30") == 12
        case "seal":
            ledger.seal("0" * 32, WEEK, b"noised", ledger.waiting())
        case "open":
            ledger.open_session()
        case "close":
            ledger.close(last, None, WEEK, 0.0)
    disk = on_disk(path)
    assert not any(secret in disk for secret in before)
    assert Path(f"{path}-wal").stat().st_size == 0


def test_values_are_never_written_in_the_clear(path: Path, ledger: Ledger) -> None:
    session = ledger.open_session()
    ledger.checkpoint(session, '{"mark": "plain-checkpoint"}')
    assert b"plain-checkpoint" not in on_disk(path)
    ledger.close(session, VALUES, WEEK, 3000.0)
    assert b"therapist_talk_share" not in on_disk(path)


def test_every_row_has_one_size(ledger: Ledger) -> None:
    add(ledger)
    ledger.close(ledger.open_session(), {}, WEEK, 3000.0)
    ledger.close(ledger.open_session(), dict.fromkeys(VALUES, -1.0 / 3), WEEK, 3000.0)
    assert len({len(row[0]) for row in ledger._db.all("SELECT locked FROM waiting")}) == 1


def test_a_week_has_one_release(ledger: Ledger) -> None:
    assert not ledger.has_sealed(WEEK)
    ledger.seal("a" * 32, WEEK, b"one", [])
    assert ledger.has_sealed(WEEK)
    with pytest.raises(LedgerError, match="had its release"):
        ledger.seal("b" * 32, WEEK, b"two", [])
    assert ledger.sealed() == [("a" * 32, b"one")]
    ledger.drop("a" * 32)
    assert ledger.sealed() == []
    assert ledger.has_sealed(WEEK)


def test_a_release_of_sessions_that_are_gone_is_refused(ledger: Ledger) -> None:
    session = add(ledger)
    stale = ledger.waiting()
    ledger.withdraw(session)
    with pytest.raises(LedgerError, match="read them again"):
        ledger.seal("a" * 32, WEEK, b"one", stale)
    assert ledger.sealed() == []


def test_a_second_listen_is_told_so(path: Path, ledger: Ledger) -> None:
    add(ledger)
    with pytest.raises(InUseError, match="stop that one first"):
        Ledger(path)


def test_others_may_not_read_it(path: Path, ledger: Ledger) -> None:
    add(ledger)
    assert {file.stat().st_mode & 0o777 for file in path.parent.iterdir()} == {0o600}


def test_a_damaged_row_is_left_out_counted_and_erased(ledger: Ledger) -> None:
    for share in (0.1, 0.2, 0.3):
        session = add(ledger, share=share)
    row = ledger.waiting()[0].row
    ledger._db.do("UPDATE waiting SET locked = zeroblob(540) WHERE row = ?", row)
    assert len(ledger.waiting()) == 2
    ledger.forget(session)
    assert ledger.damaged == 1
    assert ledger._db.all("SELECT count(*) FROM waiting") == [(2,)]


def test_a_damaged_file_is_put_aside_once(path: Path) -> None:
    path.write_bytes(b"no database " * 1000)
    with pytest.raises(DamagedError, match=r"ledger\.db\.damaged"):
        Ledger(path)
    assert path.with_name("ledger.db.damaged").read_bytes().startswith(b"no database")
    Ledger(path).shut()


def test_a_torn_page_is_noticed(path: Path) -> None:
    ledger = Ledger(path)
    for _ in range(30):
        add(ledger)
    ledger.shut()
    torn = bytearray(path.read_bytes())
    for page in range(1, len(torn) // 4096):
        torn[page * 4096 : page * 4096 + 64] = secrets.token_bytes(64)
    path.write_bytes(torn)
    with pytest.raises(DamagedError, match="a new start begins empty"):
        Ledger(path)


def test_a_ledger_of_another_version_is_left_alone(path: Path) -> None:
    with sqlite3.connect(path) as other:
        other.execute("PRAGMA user_version = 99")
    other.close()
    with pytest.raises(ForeignError, match="format 99"):
        Ledger(path)
    assert path.exists()


def test_what_is_no_week_is_refused_and_nothing_lost(ledger: Ledger) -> None:
    session = ledger.open_session()
    with pytest.raises(ValueError, match="not an ISO week"):
        ledger.close(session, VALUES, "2026-05", 3000.0)
    assert ledger.interrupted() is not None


@given(st.lists(st.sampled_from(["add", "withdraw", "forget", "cut", "checkpoint"]), max_size=12))
@settings(max_examples=15, deadline=None)
def test_any_order_of_deeds_and_power_cuts_keeps_exactly_what_was_not_withdrawn(
    tmp_path_factory: pytest.TempPathFactory, deeds: list[str]
) -> None:
    path = tmp_path_factory.mktemp("law") / "ledger.db"
    ledger, expected, last, number = Ledger(path), [], None, 0
    for deed in deeds:
        match deed:
            case "add":
                number += 1
                expected.append(float(number))
                last = add(ledger, share=float(number))
            case "withdraw" if last:
                ledger.withdraw(last)
                expected.remove(float(number))
                last = None
            case "forget" if last:
                ledger.forget(last)
                last = None
            case "checkpoint":
                last = None  # opening another session forgets the one before
                session = ledger.open_session()
                ledger.checkpoint(session, "x")
                ledger.withdraw(session)
            case "cut":
                ledger.shut()
                ledger = Ledger(path)
                assert ledger.withdrawable() == last
    assert shares(ledger) == expected
    ledger.shut()


def weeks(ledger: Ledger) -> list[str]:
    return sorted(each.week for each in ledger.waiting())


def test_a_clock_that_had_been_wrong_ages_nothing(ledger: Ledger) -> None:
    add(ledger, "1970-W01")
    add(ledger, "1970-W03")
    ledger.seal("a" * 32, "1970-W02", b"one", [])
    ledger.turn("1970-W03", "2026-W30", 1_780_000_000, passed=False)
    assert weeks(ledger) == ["2026-W28", "2026-W30"]
    assert ledger.has_sealed("2026-W29"), "a week has one release, whatever it is called"
    assert not ledger.has_sealed("1970-W02")
    assert ledger.known_time() == 1_780_000_000


def test_the_time_that_a_machine_was_off_ages_what_waited_but_not_what_came_since(ledger: Ledger) -> None:
    add(ledger, "2026-W05")
    ledger.sure = False
    add(ledger, "2026-W05")
    ledger.turn("2026-W05", "2026-W20", 1_780_000_000, passed=True)
    assert weeks(ledger) == ["2026-W05", "2026-W20"]
    assert ledger.expire("2026-W20") == 1
    assert weeks(ledger) == ["2026-W20"]
    assert all(each.sure for each in ledger.waiting())


@given(
    st.lists(st.integers(0, 12), min_size=1, max_size=5),
    st.lists(st.tuples(st.integers(-3000, 3000), st.booleans()), max_size=4),
)
@settings(max_examples=20, deadline=None)
def test_no_setting_of_the_clock_loses_a_session_or_keeps_it_longer(
    tmp_path_factory: pytest.TempPathFactory, ages: list[int], jumps: list[tuple[int, bool]]
) -> None:
    """Sessions of these ages in weeks; a clock that is found to be wrong by so many weeks, on and on."""
    now = "2026-W30"
    ledger = Ledger(tmp_path_factory.mktemp("law") / "ledger.db")
    for age in ages:
        ledger.forget(add(ledger, moved(now, -age)))
    for jump, cut in jumps:
        before, now = now, moved(now, jump)
        ledger.turn(before, now, 0, passed=False)
        if cut:
            path = ledger._db.path
            ledger.shut()
            ledger = Ledger(path)
    assert sorted(weeks_between(week, now) for week in weeks(ledger)) == sorted(ages)
    assert ledger.expire(now) == 0
    assert ledger.expire(moved(now, 13)) == len(ages)
    ledger.shut()


def test_a_ledger_that_is_a_copy_is_emptied_and_goes_on(path: Path, ledger: Ledger) -> None:
    add(ledger)
    ledger.seal("a" * 32, WEEK, b"not handed over", [])
    ledger.open_session()
    before = secrets_of(ledger)
    ledger.erase()
    assert (ledger.waiting(), ledger.sealed(), ledger.interrupted()) == ([], [], None)
    assert not any(secret in on_disk(path) for secret in before)
    assert weeks_between(WEEK, "2026-W06") == 1
    assert ledger.has_sealed(WEEK)
    add(ledger)


FULL_DISK = """
import secrets, sys
from pathlib import Path
from app.release.ledger import Ledger
from app.release.release import RANGES, Rules, seal

folder = Path(sys.argv[1])
ledger = Ledger(folder / "ledger.db")
for number in range(40):
    session = ledger.open_session()
    ledger.close(session, dict.fromkeys(RANGES, 1.0), "2026-W05", 3000.0)
ledger.forget(session)
last = ledger.open_session()
with (folder / "filler").open("wb", buffering=0) as filler:
    for size in (4096, 1):
        try:
            while True:
                filler.write(b"x" * size)
        except OSError:
            pass
ledger.checkpoint(last, "x" * 20_000)
ledger.close(last, dict.fromkeys(RANGES, 1.0), "2026-W05", 3000.0)
release = seal(ledger, "2026-W05", Rules(), secrets.SystemRandom())
assert release.sessions == 40, release
assert [each.session for each in ledger.waiting()] == [last]
assert [identity for identity, _ in ledger.sealed()] == [release.id]
assert not ledger.ballast.lay(), "the disk is still full"
(folder / "filler").unlink()
ledger.drop(release.id)
ledger.expire("2026-W05")
assert (folder / "ledger.db.ballast").stat().st_size == 2**20
print("sealed")
"""


def test_on_a_full_disk_a_session_ends_and_a_release_is_sealed(tmp_path: Path) -> None:
    """On a real full disk of 2 MB, in a mount namespace of its own."""
    if subprocess.run(["unshare", "-rm", "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine gives no mount namespace")
    script = f'mount -t tmpfs -o size=2m none "$1" && exec {sys.executable} -c "$2" "$1"'
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", script, "sh", str(tmp_path), FULL_DISK],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert done.stdout == "sealed\n", done.stderr


def test_a_disk_without_any_room_loses_nothing_and_says_what_to_do(ledger: Ledger) -> None:
    """Where not even the ballast helps."""
    for share in range(10):
        add(ledger, share=float(share))
    ledger._db.do(f"PRAGMA max_page_count = {ledger._db.one('PRAGMA page_count')}")
    with pytest.raises(FullError, match="free some of the disk"):
        ledger.seal("a" * 32, WEEK, b"x" * 500_000, ledger.waiting())
    assert len(ledger.waiting()) == 10
    ledger._db.do("PRAGMA max_page_count = 100000")
    ledger.seal("a" * 32, WEEK, b"x" * 500_000, ledger.waiting())
