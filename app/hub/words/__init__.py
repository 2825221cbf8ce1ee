"""The pages' words in each language, from one file a language."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

from app.hub.periods import Period

FOLDER = Path(__file__).parent
LANGUAGES = ("en", "es")
"""The first is what we speak when nothing fits."""
QUALITY = re.compile(r"\s*([a-zA-Z]{1,8})[^;,]*(?:;\s*q=([0-9.]+))?")


@dataclass(frozen=True, slots=True)
class Words:
    """One language."""

    code: str
    _words: Mapping[str, Any]

    def __call__(self, key: str, **names: object) -> str:
        """The words of a key; with n, in its singular or plural where it has them."""
        if "n" in names and f"{key}_other" in self._words:
            key += "_one" if names["n"] == 1 else "_other"
        return str(self._words[key]).format(**names)

    def of(self, table: str, key: str, otherwise: str) -> str:
        """The words of a thing that the catalogue names; the catalogue's own where there are none yet."""
        return str(self._words[table].get(key, otherwise))

    def number(self, value: float, digits: int) -> str:
        """A number as it is written here."""
        return f"{value:.{digits}f}".replace("-", "−").replace(".", self._words["decimal"])  # noqa: RUF001  the minus sign

    def period(self, period: Period) -> str:
        """A month or quarter by name."""
        if period.length == 1:
            return self("month", month=self._words["months"][period.first_month - 1], year=period.year)
        return self("quarter", number=period.number, year=period.year)

    def tick(self, period: Period) -> str:
        """A month as short as an axis wants it."""
        return f"{self._words['months_short'][period.first_month - 1]} {period.year}"

    def day(self, day: date) -> str:
        """A date in words."""
        return self("day", day=day.day, month=self._words["months"][day.month - 1], year=day.year)

    def week(self, week: str) -> str:
        """An ISO week in words."""
        year, number = week.split("-W")
        return self("week", week=int(number), year=year)

    def ago(self, then: int, now: int) -> str:
        """How long ago a time was, as coarse as one says it."""
        seconds = max(0, now - then)
        for key, unit in (("days_ago", 86400), ("hours_ago", 3600), ("minutes_ago", 60)):
            if seconds >= unit + unit // 2:
                return self(key, n=seconds // unit)
        return self("just_now")

    def since(self, what: str, then: int, now: int) -> str:
        """Since when something is so: the time of day, or the day if that was another."""
        moment, today = (datetime.fromtimestamp(t).astimezone() for t in (then, now))
        if moment.date() == today.date():
            return self("since_time", what=what, time=self.clock(then))
        return self("since_day", what=what, day=self.day(moment.date()))

    def moment(self, then: int) -> tuple[str, str]:
        """A time to the minute in the hub's time zone: in words, and as machines write it."""
        at = datetime.fromtimestamp(then).astimezone()
        return f"{self.day(at.date())}, {at:%H:%M}", at.isoformat()

    def clock(self, now: int) -> str:
        """A time of day in the hub's time zone."""
        return datetime.fromtimestamp(now).astimezone().strftime("%H:%M")


@cache
def words(code: str) -> Words:
    """A language we speak."""
    return Words(code, tomllib.loads((FOLDER / f"{code}.toml").read_text(encoding="utf-8")))


def choose(asked: str | None, accepted: str) -> Words:
    """The language asked for, else the best of an Accept-Language header."""
    if asked in LANGUAGES:
        return words(asked)
    wishes = [(float(quality or 1), code.lower()) for code, quality in QUALITY.findall(accepted) if _number(quality)]
    spoken = [(quality, code) for quality, code in wishes if code in LANGUAGES and quality > 0]
    return words(max(spoken, key=lambda wish: wish[0])[1] if spoken else LANGUAGES[0])


def _number(text: str) -> bool:
    return not text or text.replace(".", "", 1).isdigit()
