"""The clinic's trends by law: honest intervals, and nothing smaller than may be shown."""

import itertools
import math
import random
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.hub.periods import LATE_DAYS, Period, Reopened, month, quarter, thursday
from app.hub.trends import MIN_SESSIONS, Off, Reason, Release, Span, Trends, by_week, estimate, student, trends

METRIC = "therapist_turn_median"
LIMITS = (0.0, 20.0)
SIGMA2 = 1_500_000
LATER = date(2030, 1, 1)

WEEKS = st.dates(date(2025, 6, 1), date(2026, 6, 1)).map(lambda day: "{}-W{:02}".format(*day.isocalendar()[:2]))
RELEASES = st.lists(
    st.builds(
        lambda device, week, sessions, total, simulated: a_release(week, sessions, total, device, simulated=simulated),
        st.sampled_from(["room-1", "room-2"]),
        WEEKS,
        st.one_of(st.just(0), st.integers(10, 120)),
        st.integers(-60_000, 60_000),
        st.booleans(),
    ),
    max_size=40,
)


def a_release(
    week: str,
    sessions: int = 25,
    total: int = 0,
    device: str = "room-1",
    sigma2: int = SIGMA2,
    *,
    simulated: bool = False,
) -> Release:
    sums = {METRIC: total} if sessions else None
    return Release(device, week, sessions, sums, {METRIC: LIMITS}, sigma2, simulated)


def seen(releases: list[Release], today: date = LATER, *, simulated: bool = False) -> Trends:
    return trends(by_week(releases), today, simulated=simulated, therapists=5, owner_agreed=False)


def shown(spans: tuple[Span, ...]) -> list[Span]:
    return [span for span in spans if span.reason is None]


def weeks_of(year: int, first: int, last: int) -> list[str]:
    return [f"{year}-W{week:02}" for week in range(first, last + 1)]


@given(st.lists(st.tuples(st.integers(10, 200), st.floats(*LIMITS)), min_size=1, max_size=20))
def test_without_noise_the_estimate_is_the_mean_over_sessions(rooms: list[tuple[int, float]]) -> None:
    releases = [a_release("2026-W10", n, round((value - 10) / 20 * 1000 * n), sigma2=0) for n, value in rooms]
    found = estimate(METRIC, by_week(releases))
    assert found
    total = sum(n for n, _ in rooms)
    assert found.value == pytest.approx(sum(n * value for n, value in rooms) / total, abs=0.02)
    assert found.low <= found.value <= found.high


@given(st.lists(st.integers(10, 200), min_size=1, max_size=7))
def test_below_eight_releases_the_interval_is_the_stated_noise(sizes: list[int]) -> None:
    found = estimate(METRIC, by_week([a_release("2026-W10", n, 123 * n) for n in sizes]))
    assert found
    assert not found.scatter
    assert found.high - found.value == pytest.approx(
        1.96 * math.sqrt(SIGMA2 * len(sizes)) / sum(sizes) * 20 / 1000, rel=1e-4
    )


@given(st.lists(st.tuples(st.integers(10, 200), st.integers(-50_000, 50_000)), min_size=8, max_size=30))
def test_from_eight_releases_on_the_interval_is_never_less_than_the_noise(rooms: list[tuple[int, int]]) -> None:
    found = estimate(METRIC, by_week([a_release("2026-W10", n, total) for n, total in rooms]))
    assert found
    assert found.scatter
    noise = 1.9599 * math.sqrt(SIGMA2 * len(rooms)) / sum(n for n, _ in rooms) * 20 / 1000
    assert found.high - found.value >= noise - 1e-9


@pytest.mark.parametrize(("releases", "room_spread"), [(6, 0.0), (12, 0.0), (12, 60.0), (40, 60.0)])
def test_the_interval_holds_the_truth_about_95_times_in_100(releases: int, room_spread: float) -> None:
    chance = random.Random(7)
    held = 0
    for _ in range(600):
        drawn = [
            a_release(
                "2026-W10", n, round(n * (80 + chance.gauss(0, room_spread)) + chance.gauss(0, math.sqrt(SIGMA2)))
            )
            for n in (chance.randint(20, 30) for _ in range(releases))
        ]
        found = estimate(METRIC, by_week(drawn))
        assert found
        held += found.low <= 10 + 80 * 0.02 <= found.high
    assert 0.93 <= held / 600 <= 0.99


def test_students_quantiles_are_those_of_the_tables() -> None:
    for freedom, quantile in ((7, 2.3646), (10, 2.2281), (30, 2.0423), (120, 1.9799)):
        assert student(freedom) == pytest.approx(quantile, abs=2e-3)


@given(RELEASES)
def test_no_combination_of_what_is_shown_isolates_too_few_sessions_or_a_week(releases: list[Release]) -> None:
    found = seen(releases)
    months = {span.period for span in shown(found.months)}
    for span in shown(found.quarters):
        inside = {period for period in months if quarter_of(period) == span.period}
        for size in range(len(inside) + 1):
            for without in itertools.combinations(sorted(inside), size):
                rest = [
                    r
                    for r in releases
                    if not r.simulated
                    and r.sessions
                    and quarter(r.week) == span.period
                    and month(r.week) not in without
                ]
                assert not rest or sum(r.sessions for r in rest) >= MIN_SESSIONS
                assert not rest or len({r.week for r in rest}) >= 2
    for span in shown(found.months):
        assert span.sessions >= MIN_SESSIONS


def quarter_of(period: Period) -> Period:
    return Period(period.year, period.first_month - (period.first_month - 1) % 3, 3)


@given(
    RELEASES,
    st.lists(st.integers(0, 60), min_size=40, max_size=40),
    st.dates(date(2025, 6, 1), date(2026, 8, 1)),
    st.integers(1, 60),
)
def test_what_is_shown_once_does_not_change_whatever_comes_late(
    releases: list[Release], delays: list[int], first: date, days: int
) -> None:
    def look(today: date) -> dict[Period, Span]:
        found = seen(arrived(releases, delays, today), today)
        return {span.period: replace(span, late=0) for span in (*shown(found.months), *shown(found.quarters))}

    before, after = look(first), look(first + timedelta(days=days))
    assert all(before[period] == after[period] for period in before.keys() & after.keys())
    on_time = all(delay < LATE_DAYS for delay in delays)
    assert before.keys() <= after.keys() or not on_time  # that there are others may only turn out later


def arrived(releases: list[Release], delays: list[int], today: date) -> list[Release]:
    """What has come up to the evening before, each so many days after the Sunday of its week."""
    came = [(r, thursday(r.week) + timedelta(days=3 + delay)) for r, delay in zip(releases, delays, strict=False)]
    return [replace(r, late=not r.simulated and day >= r.closes) for r, day in came if day < today]


def test_what_comes_late_is_counted_apart_and_in_no_number() -> None:
    weeks = weeks_of(2026, 36, 39)
    releases = [a_release(week, 38, device=room) for week in weeks for room in ("room-1", "room-2")]
    late = [replace(a_release("2026-W38", 60, 5000, "room-3"), late=True)]
    before, after = seen(releases).months[0], seen([*releases, *late]).months[0]
    assert (before.late, after.late) == (0, 1)
    assert replace(after, late=0) == before


def test_a_month_of_one_room_is_not_shown_where_there_are_others() -> None:
    weeks = weeks_of(2026, 36, 39)
    one = [a_release(week, 60) for week in weeks]
    assert seen(one).months[0].reason is None  # the clinic is that room
    for sessions in (0, 20):
        another = a_release(weeks[0], sessions, device="room-2")
        assert seen([*one, another]).months[0].reason is (Reason.ONE_ROOM if not sessions else None)
    long_ago, last_quarter = a_release("2026-W20", 0, device="room-2"), a_release("2026-W30", 0, device="room-2")
    assert seen([*one, a_release("2026-W20", 0), long_ago]).months[-1].reason is None
    assert seen([*one, a_release("2026-W30", 0), last_quarter]).months[-1].reason is Reason.ONE_ROOM


def test_a_quarter_whose_rest_is_one_room_is_not_shown() -> None:
    rooms = [a_release(week, 60, device=room) for week in weeks_of(2026, 27, 35) for room in ("room-1", "room-2")]
    found = seen([*rooms, *(a_release(week, 60) for week in weeks_of(2026, 36, 39))])
    assert [span.reason for span in found.months] == [None, None, Reason.ONE_ROOM]
    assert [span.reason for span in found.quarters] == [Reason.REMAINDER]


def test_a_database_that_was_put_back_shows_what_had_closed_since_its_copy_a_week_later() -> None:
    weeks = weeks_of(2026, 32, 39)
    again = Reopened(since=date(2026, 9, 20), until=date(2026, 10, 20))
    releases = [a_release(week, 60, device=room) for week in weeks for room in ("room-1", "room-2")]
    held = [replace(r, open_until=again.until if again.keeps_open(r.week) else None) for r in releases]
    assert [span.reason for span in seen(held, date(2026, 10, 19)).months] == [None, Reason.RUNNING]
    assert [span.reason for span in seen(held, date(2026, 10, 20)).months] == [None, None]


@given(RELEASES)
def test_simulated_and_real_releases_never_meet(releases: list[Release]) -> None:
    for kind in (False, True):
        alone = [r for r in releases if r.simulated is kind]
        assert seen(releases, simulated=kind) == seen(alone, simulated=kind)


@given(RELEASES, st.randoms())
def test_the_order_of_arrival_changes_no_count(releases: list[Release], chance: random.Random) -> None:
    mixed = chance.sample(releases, len(releases))
    for one, other in zip(seen(releases).months, seen(mixed).months, strict=True):
        assert (one.period, one.sessions, one.withheld, one.reason) == (
            other.period,
            other.sessions,
            other.withheld,
            other.reason,
        )


@given(RELEASES)
def test_every_session_and_every_withheld_week_is_counted_in_one_month_and_one_quarter(releases: list[Release]) -> None:
    found = seen(releases)
    real = [r for r in releases if not r.simulated]
    for spans in (found.months, found.quarters):
        assert sum(span.sessions for span in spans) == sum(r.sessions for r in real)
        assert sum(span.withheld for span in spans) == sum(r.sums is None for r in real)


def test_a_month_shows_from_150_sessions_once_it_is_closed() -> None:
    weeks = weeks_of(2026, 36, 39)  # the four Thursdays of September 2026
    enough = [a_release(week, 38) for week in weeks]
    few = [a_release(week, 37) for week in weeks]
    assert seen(enough, date(2026, 10, 5)).months[0].reason is None
    assert seen(enough, date(2026, 10, 4)).months[0].reason is Reason.RUNNING
    assert seen(few, date(2026, 10, 5)).months[0].reason is Reason.FEW_SESSIONS
    assert seen(few).months[0].sessions == 148


def test_a_month_of_one_week_is_not_shown() -> None:
    releases = [a_release("2026-W36", 50, device=f"room-{n}") for n in range(8)]
    assert seen(releases).months[0].reason is Reason.ONE_WEEK


def test_a_quarter_that_would_give_away_its_rest_is_not_shown() -> None:
    releases = [a_release(week, 50) for week in weeks_of(2026, 28, 35)] + [a_release("2026-W38", 30)]
    found = seen(releases)
    assert [span.reason for span in found.months] == [None, None, Reason.FEW_SESSIONS]
    assert [span.reason for span in found.quarters] == [Reason.REMAINDER]


def test_a_week_belongs_to_the_month_of_its_thursday() -> None:
    assert month("2026-W40") == Period(2026, 10, 1)  # from 28 September to 4 October
    assert quarter("2026-W40") == Period(2026, 10, 3)
    assert month("2026-W53") == Period(2026, 12, 1)  # its Thursday is 31 December
    assert month("2027-W01") == Period(2027, 1, 1)


@given(WEEKS)
def test_a_period_is_over_the_monday_after_its_last_week(week: str) -> None:
    for period_of in (month, quarter):
        period = period_of(week)
        over = period.over_on()
        assert over.weekday() == 0
        assert period_of("{}-W{:02}".format(*(over - timedelta(days=1)).isocalendar()[:2])) == period
        assert period_of("{}-W{:02}".format(*over.isocalendar()[:2])) == period.following()


def test_months_without_any_release_stand_between_the_others() -> None:
    found = seen([a_release("2026-W02"), a_release("2026-W14")])
    assert [span.period.first_month for span in found.months] == [1, 2, 3, 4]
    assert [span.sessions for span in found.months] == [25, 0, 0, 25]


@pytest.mark.parametrize(
    ("therapists", "agreed", "off"),
    [(0, False, Off.FEW_THERAPISTS), (4, False, Off.FEW_THERAPISTS), (5, False, None), (1, True, None)],
)
def test_below_five_therapists_the_metrics_are_off_until_the_owner_agrees(
    therapists: int, agreed: bool, off: Off | None
) -> None:
    releases = [a_release(week, 50) for week in weeks_of(2026, 28, 35)]
    found = trends(by_week(releases), LATER, simulated=False, therapists=therapists, owner_agreed=agreed)
    assert found.off is off
    assert any(span.estimates for span in found.months) is (off is None)
