"""ISO weeks as text, such as 2026-W05: the only time that sessions and releases carry."""

import re
from datetime import date, timedelta

WEEK = re.compile(r"(\d{4})-W(\d{2})")


def week_of(day: date) -> str:
    """The ISO week of a day."""
    year, week, _ = day.isocalendar()
    return f"{year:04}-W{week:02}"


def weeks_between(first: str, last: str) -> int:
    """How many weeks `last` is after `first`. Raises ValueError for what is no ISO week."""
    return (_monday(last) - _monday(first)).days // 7


def moved(week: str, weeks: int) -> str:
    """The ISO week so many weeks later; what lies beyond the calendar's ends stays at them."""
    try:
        return week_of(_monday(week) + timedelta(weeks=weeks))
    except OverflowError:
        return week_of(date(9999, 12, 26) if weeks > 0 else date(1, 1, 1))


def _monday(week: str) -> date:
    match = WEEK.fullmatch(week)
    if match is None:
        raise ValueError(f"'{week}' is not an ISO week: write it like 2026-W05")
    return date.fromisocalendar(int(match[1]), int(match[2]), 1)
