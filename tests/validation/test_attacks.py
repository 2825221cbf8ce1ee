"""The short form of `make privacy`: what an attacker finds with the noise on, off, and too weak."""

import random

import pytest

from app.release.release import Rules
from app.validation.attacks import HIGHEST, NOTHING, bare, membership, noised
from app.validation.attempts import Outcome, attempt_all, bound, table

TRIALS = 800


@pytest.fixture(scope="module")
def outcomes() -> list[Outcome]:
    return list(attempt_all(Rules(), TRIALS, 40, 1))


def told(rules: Rules, trials: int) -> Outcome:
    """Membership of an extreme session in releases by these rules, held to the bound of the default ones."""
    dice = random.Random(5)
    wins = membership(noised(rules, dice), [NOTHING] * 19, [HIGHEST], [NOTHING], trials, dice)
    return Outcome("membership", True, trials, wins, 0.5, bound(Rules().rho, 1))


def test_with_noise_nobody_finds_more_than_the_theory_allows(outcomes: list[Outcome]) -> None:
    noisy = [outcome for outcome in outcomes if outcome.noise]
    assert len(noisy) == 7
    assert [outcome for outcome in noisy if not outcome.holds] == []


def test_without_noise_the_same_attacks_find_nearly_everything(outcomes: list[Outcome]) -> None:
    bare_ones = [outcome for outcome in outcomes if not outcome.noise]
    assert [outcome for outcome in bare_ones if not outcome.holds] == []
    assert all(outcome.share >= 0.95 for outcome in bare_ones if outcome.chance == 0.5)


def test_the_attack_reaches_the_bound_so_it_is_worth_something() -> None:
    outcome = told(Rules(), 4000)
    assert outcome.limit == pytest.approx(0.6915, abs=0.0001)
    assert outcome.interval[0] <= outcome.limit <= outcome.interval[1]


def test_too_little_noise_is_noticed() -> None:
    assert not told(Rules(rho=1.0), 4000).holds


def test_the_bound_is_the_published_one() -> None:
    assert bound(0.5, 1) == pytest.approx(0.69146, abs=1e-5)  # Phi(1/2)
    assert bound(0.5, 2) == pytest.approx(0.84134, abs=1e-5)  # Phi(1): against replacing one real session by another
    assert bound(0.5, 4) == pytest.approx(0.97725, abs=1e-5)  # Phi(2): four sessions of one client
    assert bound(2.0, 1) == bound(0.5, 2)  # twice as far is four times rho


def test_the_noiseless_release_is_the_sum_of_its_sessions() -> None:
    assert list(bare([HIGHEST, HIGHEST, NOTHING])) == [1000.0] * 6


def test_the_table_marks_what_does_not_hold() -> None:
    *_, line = table([Outcome("membership", True, 1000, 800, 0.5, 0.69)])
    assert line.endswith("IT IS NOT")
