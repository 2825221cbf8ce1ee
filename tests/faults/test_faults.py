"""Every fault once, and the control; `make faults` tries each twenty times. The accounts are tried by themselves."""

import random
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from app.release.release import Rules, compose
from tests.faults.accounts import MARKS, Loaded, in_release, mark_of, marked
from tests.faults.clinic import Clinic, Miss
from tests.faults.faults import CONTROL, FAULTS, Fault, Result, try_faults

AT_A_TIME = 4


def groups() -> list[list[Fault]]:
    """Faults of one place share a clinic; those that may cost heartbeats come last."""
    found: dict[object, list[Fault]] = {}
    for fault in sorted((*FAULTS, CONTROL), key=lambda fault: not fault.heartbeats):
        found.setdefault(fault.place, []).append(fault)
    return sorted(found.values(), key=len, reverse=True)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, "Future[list[Result]]"]]:
    """All of it, side by side: most of it is waiting."""
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        found: dict[str, Future[list[Result]]] = {}
        for group in groups():
            folder = tmp_path_factory.mktemp("clinic") / "here"
            done = pool.submit(try_faults, group, folder, 1, random.randrange(10**6), print)
            found |= {fault.name: done for fault in group}
        yield found


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_nothing_is_lost_nothing_stored_twice_no_session_released_twice(
    results: dict[str, "Future[list[Result]]"], fault: Fault
) -> None:
    (result,) = [each for each in results[fault.name].result() if each.name == fault.name]
    if result.skipped:
        pytest.skip(result.skipped)
    assert result.miss is None
    assert result.rounds == 1
    assert result.generated >= 2


def test_a_device_that_trusts_the_brokers_receipt_loses(results: dict[str, "Future[list[Result]]"]) -> None:
    (result,) = results[CONTROL.name].result()
    if result.skipped:
        pytest.skip(result.skipped)
    assert result.miss
    assert "lost" in result.miss


@pytest.mark.parametrize("mark", range(MARKS))
def test_a_mark_is_read_back(mark: int) -> None:
    assert mark_of(marked(mark)) == mark


def test_a_release_tells_which_marks_it_holds_and_how_often() -> None:
    held = [0, 5, 5, 7, 35]
    assert in_release(compose([marked(mark) for mark in held], "2026-W06", Rules(), Loaded())) == Counter(held)


def test_the_books_miss_what_is_taken_from_the_hub_or_added_to_it(tmp_path: Path) -> None:
    with closing(Clinic(tmp_path, random.Random(1))) as clinic:
        clinic.open()
        clinic.live_a_week()
        clinic.check()
        clinic.write_hub("DELETE FROM messages WHERE seq = (SELECT min(seq) FROM messages)")
        with pytest.raises(Miss, match="1 lost, 0 never"):
            clinic.check()
        clinic.write_hub("UPDATE messages SET seq = 999 WHERE seq = (SELECT max(seq) FROM messages)")
        with pytest.raises(Miss, match="2 lost, 1 never"):
            clinic.check()
