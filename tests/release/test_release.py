import random
import shutil
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.catalogue import RELEASED
from app.release.ledger import Ledger, LedgerError, Values
from app.release.release import (
    FEWEST_SESSIONS,
    RANGES,
    ReleaseError,
    Rules,
    centred,
    compose,
    hand_over,
    seal,
    variance,
)
from app.sync import wire

WEEK = "2026-W06"
LOW: Values = {metric: limits[0] for metric, limits in RANGES.items()}
HIGH: Values = {metric: limits[1] for metric, limits in RANGES.items()}


@pytest.fixture(scope="module")
def twenty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger in which 20 sessions wait: each costs some flushes of the disk, so they are made once."""
    path = tmp_path_factory.mktemp("twenty") / "ledger.db"
    ledger = Ledger(path)
    for _ in range(20):
        session = ledger.open_session()
        ledger.close(session, HIGH, WEEK, 3000.0)
    ledger.forget(session)
    ledger.shut()
    return path


@pytest.fixture
def ledger(tmp_path: Path, twenty: Path) -> Iterator[Ledger]:
    shutil.copy(twenty, tmp_path)
    opened = Ledger(tmp_path / "ledger.db")
    yield opened
    opened.shut()


def test_six_numbers_leave() -> None:
    assert list(RANGES) == [metric.id for metric in RELEASED]
    assert len(RANGES) == 6


def test_enough_sessions_become_one_release_and_are_erased(ledger: Ledger) -> None:
    release = seal(ledger, WEEK, Rules(), random.Random(1))
    assert ledger.waiting() == []
    ((identity, body),) = ledger.sealed()
    assert wire.Release.model_validate_json(body) == release
    assert (identity, release.week, release.sessions) == (release.id, WEEK, 20)
    assert release.sums is not None
    for total in release.sums.values():
        assert abs(total - 20 * 500) < 6 * 1225
    assert (release.sigma2, release.rho) == (1_500_000, 0.5)


def test_too_few_sessions_stay_and_the_week_is_withheld(ledger: Ledger) -> None:
    release = seal(ledger, WEEK, Rules(min_sessions=21), random.Random(1))
    assert (release.sessions, release.sums) == (0, None)
    assert len(ledger.waiting()) == 20
    assert len(ledger.sealed()) == 1


def test_a_withheld_week_has_the_size_of_any_other_on_the_wire() -> None:
    sizes = {
        len(
            wire.seal(
                wire.Envelope(
                    device="room-1",
                    epoch="0" * 32,
                    seq=1,
                    simulated=False,
                    body=compose([HIGH] * n, WEEK, Rules(), random.Random(n)),
                )
            )
        )
        for n in (0, 20, 1000)
    }
    assert len(sizes) == 1


def test_a_week_is_sealed_once(ledger: Ledger) -> None:
    seal(ledger, WEEK, Rules(), random.Random(1))
    with pytest.raises(LedgerError, match="had its release"):
        seal(ledger, WEEK, Rules(), random.Random(2))
    assert len(ledger.sealed()) == 1


def test_a_session_that_can_still_be_withdrawn_is_left_for_the_next(ledger: Ledger) -> None:
    last = ledger.open_session()
    ledger.close(last, LOW, WEEK, 3000.0)
    assert seal(ledger, WEEK, Rules(), random.Random(1)).sessions == 20
    ledger.withdraw(last)
    assert ledger.waiting() == []


def test_an_open_session_lives_through_the_sealing(ledger: Ledger) -> None:
    session = ledger.open_session()
    ledger.checkpoint(session, "so far")
    seal(ledger, WEEK, Rules(), random.Random(1))
    assert ledger.interrupted() == (session, "so far")


def test_what_has_waited_too_long_is_in_no_release(ledger: Ledger) -> None:
    assert seal(ledger, "2026-W20", Rules(), random.Random(1)).sessions == 0
    assert ledger.waiting() == []


@pytest.mark.parametrize("rho", [0.0, -1.0, 1.01, float("nan"), float("inf")])
def test_rho_has_a_hard_limit(rho: float) -> None:
    with pytest.raises(ReleaseError, match="between"):
        Rules(rho=rho)


def test_min_sessions_has_a_hard_limit() -> None:
    Rules(min_sessions=FEWEST_SESSIONS)
    with pytest.raises(ReleaseError, match="10 or more"):
        Rules(min_sessions=9)


@given(st.floats(0.001, 1))
def test_there_is_never_less_noise_than_rho_asks_for(rho: float) -> None:
    sigma2 = variance(rho)
    assert sum([Fraction(500**2, 2 * sigma2)] * 6) <= Fraction(rho)
    assert sigma2 - 1 < Fraction(500**2 * 6) / (2 * Fraction(rho))


@given(st.none() | st.floats(), st.sampled_from(list(RANGES.values())))
def test_no_value_moves_a_sum_by_more_than_500(value: float | None, limits: tuple[float, float]) -> None:
    assert -500 <= centred(value, *limits) <= 500


def test_the_range_ends_are_500_and_its_middle_and_the_undefined_are_0() -> None:
    assert [centred(value, 0.0, 20.0) for value in (-1.0, 0.0, 10.0, 15.0, 20.0, 99.0)] == [
        -500,
        -500,
        0,
        250,
        500,
        500,
    ]
    assert [centred(value, 0.0, 20.0) for value in (None, float("nan"), float("inf"))] == [0, 0, 0]


def test_below_the_noise_the_sums_are_the_sums() -> None:
    noise = compose([{}] * 21, WEEK, Rules(), random.Random(5)).sums
    noised = compose([HIGH] * 15 + [LOW] * 5 + [{}], WEEK, Rules(), random.Random(5)).sums
    assert noise is not None
    assert noised is not None
    assert {metric: noised[metric] - noise[metric] for metric in RANGES} == dict.fromkeys(RANGES, 5000)


def test_each_number_has_a_noise_of_its_own() -> None:
    release = compose([{}] * 20, WEEK, Rules(), random.Random(5))
    assert release.sums is not None
    assert len(set(release.sums.values())) == 6


def test_handing_over_gives_and_drops(ledger: Ledger) -> None:
    release = seal(ledger, WEEK, Rules(), random.Random(1))
    taken: dict[str, bytes] = {}
    assert hand_over(ledger, taken.__setitem__) == 1
    assert list(taken) == [release.id]
    assert hand_over(ledger, taken.__setitem__) == 0


def test_what_cannot_be_put_stays(ledger: Ledger) -> None:
    seal(ledger, WEEK, Rules(), random.Random(1))

    def put(_release: str, _body: bytes) -> None:
        raise OSError("full")

    with pytest.raises(OSError, match="full"):
        hand_over(ledger, put)
    assert len(ledger.sealed()) == 1
