"""The noise against OpenDP's, where that is installed (`pip install 'fermata[proofs]'`)."""

import random
from fractions import Fraction

import pytest
from scipy import stats

from app.release.noise import discrete_gaussian
from app.release.release import RANGES, SPAN, Rules, variance

dp = pytest.importorskip("opendp.prelude")

DRAWS = 5000


@pytest.mark.parametrize("sigma2", [2, 400, 1_500_000])
def test_the_noise_is_distributed_as_that_of_opendp(sigma2: int) -> None:
    dp.enable_features("contrib")
    theirs = dp.m.make_gaussian(dp.atom_domain(T=int), dp.absolute_distance(T=int), scale=sigma2**0.5)
    dice = random.Random(30)
    ours = [discrete_gaussian(Fraction(sigma2), dice) for _ in range(DRAWS)]
    edges = [sigma2**0.5 * each + 0.5 for each in (-2, -1.5, -1, -0.6, -0.3, 0, 0.3, 0.6, 1, 1.5, 2)]
    counted = [[sum(low < x <= high for x in draws) for low, high in spans(edges)] for draws in (ours, drawn(theirs))]
    seen = [column for column in zip(*counted, strict=True) if any(column)]
    assert stats.chi2_contingency([list(row) for row in zip(*seen, strict=True)]).pvalue > 1e-4


def spans(edges: list[float]) -> list[tuple[float, float]]:
    return list(zip([float("-inf"), *edges], [*edges, float("inf")], strict=True))


def drawn(measurement: object) -> list[int]:
    assert callable(measurement)
    return [measurement(0) for _ in range(DRAWS)]


def test_opendp_counts_what_a_session_spends_as_we_do() -> None:
    dp.enable_features("contrib")
    rules = Rules()
    space = dp.vector_domain(dp.atom_domain(T=int)), dp.l2_distance(T=float)
    measurement = dp.m.make_gaussian(*space, scale=variance(rules.rho) ** 0.5)
    assert measurement.map(SPAN * len(RANGES) ** 0.5) == pytest.approx(rules.rho, rel=1e-9)
