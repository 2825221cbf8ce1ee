import random
from collections import Counter
from fractions import Fraction
from math import exp

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from app.release.noise import bernoulli_exp, discrete_gaussian, discrete_laplace


def exact_gaussian(sigma2: float, reach: int) -> dict[int, float]:
    weights = {x: exp(-x * x / (2 * sigma2)) for x in range(-reach, reach + 1)}
    whole = sum(weights.values())
    return {x: weight / whole for x, weight in weights.items()}


def exact_laplace(scale: int, reach: int) -> dict[int, float]:
    weights = {x: exp(-abs(x) / scale) for x in range(-reach, reach + 1)}
    whole = sum(weights.values())
    return {x: weight / whole for x, weight in weights.items()}


def chi_square(draws: list[int], exact: dict[int, float]) -> float:
    """The p-value of draws against their exact distribution, values put together until 10 of each are expected."""
    counts = Counter(draws)
    seen: list[float] = []
    expected: list[float] = []
    seen_here = expected_here = 0.0
    for value, chance in sorted(exact.items()):
        seen_here += counts.pop(value, 0)
        expected_here += chance * len(draws)
        if expected_here >= 10:
            seen.append(seen_here)
            expected.append(expected_here)
            seen_here = expected_here = 0.0
    assert not counts, "draws beyond the reach of the exact table"
    seen[-1] += seen_here
    expected[-1] += expected_here
    scale = len(draws) / sum(expected)
    return float(stats.chisquare(seen, [each * scale for each in expected]).pvalue)


@pytest.mark.parametrize("sigma2", [Fraction(1, 3), Fraction(2), Fraction(25, 2), Fraction(400)])
def test_the_noise_follows_the_exact_distribution(sigma2: Fraction) -> None:
    dice = random.Random(20)
    draws = [discrete_gaussian(sigma2, dice) for _ in range(8000)]
    reach = int(12 * float(sigma2) ** 0.5) + 12
    assert chi_square(draws, exact_gaussian(float(sigma2), reach)) > 0.001


def test_the_chi_square_finds_noise_of_a_slightly_other_width() -> None:
    dice = random.Random(21)
    draws = [discrete_gaussian(Fraction(2), dice) for _ in range(8000)]
    assert chi_square(draws, exact_gaussian(2.2, 40)) < 0.001


def test_the_laplace_below_it_is_exact() -> None:
    dice = random.Random(22)
    assert chi_square([discrete_laplace(3, dice) for _ in range(8000)], exact_laplace(3, 100)) > 0.001


@pytest.mark.parametrize("exponent", [Fraction(0), Fraction(1, 7), Fraction(1), Fraction(5, 2)])
def test_a_coin_of_exp_is_fair(exponent: Fraction) -> None:
    dice = random.Random(23)
    heads = sum(bernoulli_exp(exponent, dice) for _ in range(8000))
    assert stats.binomtest(heads, 8000, exp(-float(exponent))).pvalue > 0.001


def test_the_noise_of_a_release_has_the_stated_variance() -> None:
    dice = random.Random(24)
    draws = [discrete_gaussian(Fraction(1_500_000), dice) for _ in range(2000)]
    assert abs(sum(draws) / 2000) < 4 * 1224.7 / 2000**0.5
    assert sum(x * x for x in draws) / 2000 == pytest.approx(1_500_000, rel=0.13)


@given(st.fractions(min_value=Fraction(1, 50), max_value=2000), st.integers(0, 2**32))
@settings(max_examples=100, deadline=None)
def test_any_variance_gives_a_whole_number(sigma2: Fraction, seed: int) -> None:
    assert isinstance(discrete_gaussian(sigma2, random.Random(seed)), int)


def test_a_variance_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="no variance"):
        discrete_gaussian(Fraction(0), random.Random(1))
