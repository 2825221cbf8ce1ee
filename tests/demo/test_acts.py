from datetime import date

import pytest

from app.demo.acts import last_closed_month
from app.release.week import week_of


@pytest.mark.parametrize(
    ("today", "week"),
    [
        (date(2026, 11, 23), "2026-W44"),  # 29 October is its Thursday
        (date(2026, 12, 31), "2026-W48"),
        (date(2026, 12, 7), "2026-W48"),
        (date(2026, 12, 6), "2026-W44"),  # November ended on 29 November and is open for a week more
        (date(2026, 1, 1), "2025-W48"),
        (date(2026, 1, 5), "2025-W52"),
        (date(2026, 2, 28), "2026-W05"),
    ],
)
def test_the_demos_weeks_end_with_a_closed_month(today: date, week: str) -> None:
    assert week_of(last_closed_month(today)) == week
