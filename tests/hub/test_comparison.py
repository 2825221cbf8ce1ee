"""The clinic beside its own past: an honest interval, and no difference told where there is none."""

import math
import random
import re
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.catalogue import RELEASED
from app.hub.accounts import Role
from app.hub.comparison import MIN_MONTHS, MOST_MONTHS, Comparison, Holds, difference, months_before, year_before
from app.hub.periods import Period
from app.hub.trends import Estimate, Release, Trends, by_week, estimate, trends
from tests.hub.households import a_clinic
from tests.hub.test_pages import Outline
from tests.hub.test_trends import LATER, METRIC, a_release

ESTIMATES = st.builds(
    lambda value, half: Estimate(value, value - half, value + half, 200, scatter=True),
    st.floats(0, 20),
    st.floats(0.01, 5),
)
SIGMA2 = 1_500_000


def seen(releases: list[Release]) -> Trends:
    return trends(by_week(releases), LATER, simulated=False, therapists=5, owner_agreed=False)


def weeks_of(year: int, first: int, last: int, sessions: int = 50) -> list[Release]:
    return [a_release(f"{year}-W{week:02}", sessions) for week in range(first, last + 1)]


@given(ESTIMATES, st.lists(ESTIMATES, min_size=1, max_size=12))
def test_the_interval_is_never_narrower_than_either_side_alone_allows(latest: Estimate, before: list[Estimate]) -> None:
    found = difference(latest, before)
    half = found.high - found.value
    assert found.value == pytest.approx(latest.value - sum(e.value for e in before) / len(before))
    assert found.value - found.low == pytest.approx(half)
    assert half >= latest.high - latest.value - 1e-9
    assert half >= math.sqrt(sum((e.high - e.value) ** 2 for e in before)) / len(before) - 1e-9


@given(ESTIMATES, st.lists(ESTIMATES, min_size=1, max_size=12), st.randoms())
def test_the_order_of_the_months_before_changes_nothing(
    latest: Estimate, before: list[Estimate], chance: random.Random
) -> None:
    one, other = difference(latest, before), difference(latest, chance.sample(before, len(before)))
    assert (one.value, one.low, one.high) == pytest.approx((other.value, other.low, other.high))


def test_a_difference_is_told_only_where_the_interval_leaves_zero_out() -> None:
    def around(value: float) -> Estimate:
        return Estimate(value, value - 1, value + 1, 200, scatter=True)

    assert not difference(around(10), [around(10.5)]).told
    assert not difference(around(10), [around(11.41)]).told  # the root of 2 is 1.414
    assert difference(around(10), [around(11.42)]).told
    assert difference(around(11.42), [around(10)]).told


def a_month(chance: random.Random, truth: float, releases: int, room_spread: float) -> Estimate:
    """A month of releases around a truth, in the metric's unit of 0 to 20 s."""
    drawn = []
    for _ in range(releases):
        n = chance.randint(20, 30)
        centred = (truth - 10) * 50 + chance.gauss(0, room_spread)
        drawn.append(a_release("2026-W10", n, round(n * centred + chance.gauss(0, math.sqrt(SIGMA2)))))
    found = estimate(METRIC, by_week(drawn))
    assert found
    return found


@pytest.mark.parametrize(
    ("months", "releases", "room_spread"), [(1, 6, 0), (1, 20, 60), (4, 6, 0), (4, 20, 60), (11, 20, 60)]
)
def test_the_interval_holds_the_true_difference_about_95_times_in_100(
    months: int, releases: int, room_spread: float
) -> None:
    chance = random.Random(11)
    held = 0
    for _ in range(500):
        before = [a_month(chance, 8, releases, room_spread) for _ in range(months)]
        found = difference(a_month(chance, 9, releases, room_spread), before)
        held += found.low <= 1 <= found.high
    assert 0.93 <= held / 500 <= 0.995


@pytest.mark.parametrize("months", [MIN_MONTHS, 11])
def test_months_that_vary_by_themselves_are_told_different_about_5_times_in_100(months: int) -> None:
    chance = random.Random(5)
    told = 0
    for _ in range(500):
        truths = [chance.gauss(8, 1.5) for _ in range(months + 1)]
        first, *before = [a_month(chance, truth, 20, 20) for truth in truths]
        told += difference(first, before).told
    assert told / 500 <= 0.075


def test_a_real_change_is_told() -> None:
    chance = random.Random(3)
    told = 0
    for _ in range(100):
        before = [a_month(chance, 8, 20, 20) for _ in range(6)]
        told += difference(a_month(chance, 10, 20, 20), before).told
    assert told >= 95


def compared(found: Comparison | None) -> tuple[Period, tuple[Period, ...]] | None:
    return (found.period, found.before) if found else None


def test_the_latest_month_stands_beside_those_of_a_year_that_are_shown() -> None:
    releases = weeks_of(2024, 27, 52) + weeks_of(2025, 1, 52) + weeks_of(2026, 1, 13, 20) + weeks_of(2026, 14, 31)
    found = months_before(seen(releases))
    assert found
    assert found.period == Period(2026, 7, 1)
    assert found.before == (*(Period(2025, n, 1) for n in range(7, 13)), *(Period(2026, n, 1) for n in (4, 5, 6)))
    assert len(found.before) <= MOST_MONTHS
    assert found.differences.keys() == {METRIC}
    assert not found.differences[METRIC].told


def test_the_latest_quarter_stands_beside_the_same_one_a_year_before() -> None:
    releases = weeks_of(2025, 1, 52) + weeks_of(2026, 1, 26)
    assert compared(year_before(seen(releases))) == (Period(2026, 4, 3), (Period(2025, 4, 3),))
    assert year_before(seen(weeks_of(2025, 40, 52) + weeks_of(2026, 1, 26))) is None


def test_with_nothing_before_or_nothing_shown_nothing_is_compared() -> None:
    for releases in ([], weeks_of(2026, 36, 39), weeks_of(2026, 28, 39, 10)):
        assert months_before(seen(releases)) is None
        assert year_before(seen(releases)) is None
    few = trends(by_week(weeks_of(2026, 1, 39)), LATER, simulated=False, therapists=3, owner_agreed=False)
    assert (months_before(few), year_before(few)) == (None, None)


def test_an_interval_of_noise_alone_says_so() -> None:
    found = months_before(seen(weeks_of(2026, 14, 22)))
    assert found
    assert found.holds is Holds.NOISE  # four releases a month, and too few months to tell how they vary
    found = months_before(seen(weeks_of(2026, 1, 30)))
    assert found
    assert found.holds is Holds.MONTHS
    found = year_before(seen(weeks_of(2025, 27, 39) + weeks_of(2026, 27, 39)))
    assert found
    assert found.holds is Holds.SCATTER


def test_months_before_are_none_of_the_running_one() -> None:
    found = trends(
        by_week(weeks_of(2026, 28, 38)), date(2026, 9, 20), simulated=False, therapists=5, owner_agreed=False
    )
    assert compared(months_before(found)) == (Period(2026, 8, 1), (Period(2026, 7, 1),))


@pytest.mark.parametrize(
    ("lang", "said"),
    [
        (
            "en",
            (
                "No difference can be told",
                "2.0 s more",
                "September 2026 beside the mean of the 2 months shown from July",
            ),
        ),
        ("es", ("No se aprecia ninguna diferencia", "2,0 s más", "Septiembre de 2026 junto a la media de los 2 meses")),
    ],
)
def test_the_clinics_page_says_it_in_words_and_judges_nothing(lang: str, said: tuple[str, ...], tmp_path: Path) -> None:
    with a_clinic(tmp_path) as clinic:
        clinic.release(range(27, 36), rooms=4, sessions=40)
        clinic.release(range(36, 40), rooms=4, sessions=40, therapist_turn_median=40 * -100 + 40 * 100)
        page = clinic.browser(Role.MANAGER).get("/", {"lang": lang}).text
        told = re.sub(r"\s+", " ", Outline(page).words)
        for words in said:
            assert words in told
        assert told.count(said[0]) == len(RELEASED) - 1
        [table] = re.findall(r'class="scroll compared".*?</table>', page, re.DOTALL)
        assert set(re.findall(r'class="([^"]*)"', table)) == {"scroll compared", "reason"}
        assert ("Septiembre de 2026 junto" in told) == (lang == "es")


def test_with_one_month_or_none_the_page_compares_nothing(tmp_path: Path) -> None:
    with a_clinic(tmp_path) as clinic:
        browser = clinic.browser(Role.MANAGER)
        assert "own past" not in browser.get("/").text
        clinic.release(range(36, 40), rooms=4, sessions=40)
        assert "own past" not in browser.get("/").text
