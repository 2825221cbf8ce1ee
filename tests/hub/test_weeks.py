"""Releases summed by week: the numbers that each release by itself gives, whatever came when and through which hub."""

import math
import random
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import date
from fractions import Fraction
from threading import Thread

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from app.catalogue import METRICS, RELEASED
from app.hub.arrivals import Arrival, Sorted, sort
from app.hub.periods import Period, month, quarter
from app.hub.store import Store
from app.hub.trends import MIN_RELEASES, Z95, Estimate, Release, Span, by_week, estimate, student, trends
from app.hub.views import Cell, world_view
from app.hub.weeks import Week, gathered, heard, single
from app.hub.words import words
from app.sync import wire
from tests.hub.by_release import exactly, in_floats
from tests.hub.databases import Anew
from tests.hub.hubs import a_release, an_envelope

LATER = date(2030, 1, 1)
NOW = 1_790_000_000
RANGES = {metric.id: metric.released for metric in RELEASED if metric.released}
OTHERS = {metric: (low - 1, high * 1.3) for metric, (low, high) in RANGES.items()}
"""Of units whose software has other ranges."""
WEEKS = st.integers(0, 60).map(lambda n: "{}-W{:02}".format(*date.fromordinal(739_400 + 7 * n).isocalendar()[:2]))


@st.composite
def a_weekly_message(draw: st.DrawFn) -> Release:
    sessions = draw(st.one_of(st.just(0), st.integers(10, 120)))
    ranges = draw(st.sampled_from([RANGES, RANGES, RANGES, OTHERS]))
    most = 500 * sessions + 5000
    sums = {metric: draw(st.integers(-most, most)) for metric in ranges} if sessions else None
    sigma2 = draw(st.sampled_from([1_500_000, 750_000, 0]))
    return Release("room-1", draw(WEEKS), sessions, sums, ranges, sigma2, simulated=draw(st.booleans()))


RELEASES = st.lists(a_weekly_message(), max_size=60)


@given(st.lists(a_weekly_message(), min_size=1, max_size=60))
def test_sums_give_exactly_what_each_release_by_itself_gives(releases: list[Release]) -> None:
    for metric in RANGES:
        found = estimate(metric, by_week(releases))
        if found is None:
            assert not any(release.sessions for release in releases)
            continue
        mean, noise, squares = exactly(metric, releases)
        k = sum(release.sums is not None for release in releases)
        half = Z95 * math.sqrt(noise) / found.sessions
        if k >= MIN_RELEASES:
            half = max(half, student(k - 1) * math.sqrt(Fraction(k, k - 1) * squares) / found.sessions)
        assert found.scatter == (k >= MIN_RELEASES)
        assert (found.value, found.low, found.high) == (float(mean), float(mean) - half, float(mean) + half)


def close(one: float, other: float) -> bool:
    return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-9)


@given(RELEASES)
def test_the_numbers_are_those_that_floating_point_gave(releases: list[Release]) -> None:
    for metric in RANGES:
        new, old = estimate(metric, by_week(releases)), in_floats(metric, releases)
        assert (new is None) == (old is None)
        if new and old:
            assert (new.sessions, new.scatter) == (old.sessions, old.scatter)
            assert close(new.value, old.value)
            assert close(new.low, old.low)
            assert close(new.high, old.high)


def on_an_edge(found: Estimate) -> bool:
    """Whether a billionth more or less is shown as another number."""
    edges = (found.value, found.low, found.high)
    return any(abs(edge * scale % 1 - 0.5) < 1e-6 for edge in edges for scale in (1, 10, 100))


@settings(max_examples=50)
@given(st.lists(a_weekly_message(), min_size=20, max_size=120))
def test_the_page_shows_the_same_words_as_with_floating_point(releases: list[Release]) -> None:
    ours = [replace(release, simulated=False) for release in releases]
    found = trends(by_week(ours), LATER, simulated=False, therapists=9, owner_agreed=False)
    months = tuple(in_floats_too(span, ours, month) for span in found.months)
    quarters = tuple(in_floats_too(span, ours, quarter) for span in found.quarters)
    assume(not any(on_an_edge(each) for span in (*months, *quarters) for each in span.estimates.values()))
    for code in ("en", "es"):
        new = world_view(found, 9, words(code))
        old = world_view(replace(found, months=months, quarters=quarters), 9, words(code))
        for one, other in zip((*new.months, *new.quarters), (*old.months, *old.quarters), strict=True):
            assert [said(cell) for cell in one.cells] == [said(cell) for cell in other.cells]
            assert replace(one, cells=()) == replace(other, cells=())


def in_floats_too(span: Span, releases: list[Release], period_of: Callable[[str], Period]) -> Span:
    """The same period, with the estimates that floating point gives."""
    inside = [release for release in releases if period_of(release.week) == span.period]
    estimates = {metric: old for metric in span.estimates if (old := in_floats(metric, inside))}
    return replace(span, estimates=estimates)


def said(cell: Cell | None) -> tuple[str, str, bool] | None:
    return (cell.text, cell.interval, cell.beyond) if cell else None


def written(week: Week) -> Week:
    """A week as it comes back from the table."""
    released, withheld = (own + late for own, late in zip((week.released, week.withheld), week.late, strict=True))
    simulated = week.simulated
    return heard(week.week, week.told(), simulated=simulated, released=released, withheld=withheld, open_until=None)


@given(RELEASES, st.randoms())
def test_order_and_batches_change_nothing_at_all(releases: list[Release], chance: random.Random) -> None:
    mixed = chance.sample(releases, len(releases))
    cut = chance.randint(0, len(mixed))
    parts = [*by_week(mixed[:cut]), *by_week(mixed[cut:])]
    assert gathered(parts) == by_week(releases)


@given(a_weekly_message())
def test_a_week_comes_back_as_it_was_written(release: Release) -> None:
    week = single(release, simulated=release.simulated)
    assert written(week) == week
    late = single(release, simulated=release.simulated, late=True)
    assert written(week.plus(late)) == week.plus(late)
    assert (week.plus(late).sessions, sum(late.late)) == (week.sessions, 1)


def test_numbers_beyond_any_column_are_summed_all_the_same() -> None:
    most = 2**53
    release = Release("room-1", "2026-W10", most, {METRICS[0].id: -most}, {METRICS[0].id: (0.0, 1.0)}, most, False)
    (week,) = by_week([release] * 1000)
    (own,) = written(week).moments.values()
    assert (own.c, own.cc) == (-1000 * most, 1000 * most * most)


def message(number: int, seq: int, device: str, simulated: bool, *, withheld: bool = False) -> Sorted:
    week = f"2026-W{30 + number % 7}"
    body = a_release(number, week, sessions=0, sums=None) if withheld else a_release(number, week)
    item = sort(Arrival(device, "m", wire.seal(an_envelope(seq, body, device, simulated=simulated))))
    assert item
    return item


def test_the_weeks_are_those_of_the_releases_whichever_hub_took_them_in(anew: Anew) -> None:
    numbers = range(200)
    messages = [message(n, n, f"room-{n % 5}", n % 3 == 0, withheld=n % 4 == 0) for n in numbers]
    messages += [message(n, 1000 + n, f"room-{n % 5}", n % 3 == 0) for n in numbers[1::4]]
    where, failures = anew(), list[BaseException]()
    Store(where).close()

    def take_in(seed: int) -> None:
        mine = random.Random(seed).sample(messages, len(messages))
        try:
            with closing(Store(where)) as store:
                for start in range(0, len(mine), 9):
                    store.commit(mine[start : start + 9], NOW)
        except BaseException as error:  # noqa: BLE001  raised below, in the test's own thread
            failures.append(error)

    hubs = [Thread(target=take_in, args=(seed,)) for seed in range(2)]
    for hub in hubs:
        hub.start()
    for hub in hubs:
        hub.join()
    assert failures == []
    with closing(Store(where)) as store:
        assert store.weeks() == by_week(store.releases())
        assert len(store.releases()) == 200
        counts = store.counts()
        assert (counts.releases, counts.withheld, counts.messages) == (150, 50, 250)
        assert counts.simulated == sum(release.simulated for release in store.releases())
