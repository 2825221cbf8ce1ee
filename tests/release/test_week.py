from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.release.week import week_of, weeks_between


@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)), st.integers(-2000, 2000))
def test_weeks_are_counted_across_years(day: date, weeks: int) -> None:
    assert weeks_between(week_of(day), week_of(day + timedelta(weeks=weeks))) == weeks


def test_the_week_around_new_year_belongs_to_its_thursday() -> None:
    assert week_of(date(2027, 1, 1)) == "2026-W53"


@pytest.mark.parametrize("text", ["2026-05", "2026-W5", "2026-W60", "", "2026-W00"])
def test_what_is_no_week_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"week"):
        weeks_between(text, text)
