"""Sessions with marks, so that a release tells which of them it holds: noise that is always the same, sums to base 3.

Each session adds one power of 3 to one of the released metrics and nothing to the others. Of 36 sessions in a row no
two have the same mark, and a release that held one twice would show the digit 2.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from fractions import Fraction

from app.release.ledger import Values
from app.release.noise import discrete_gaussian
from app.release.release import RANGES, SPAN
from app.sync import wire

METRICS = tuple(RANGES)
DIGITS = 6
MARKS = DIGITS * len(METRICS)


class Loaded:
    """Dice that always show their highest side."""

    def randrange(self, stop: int, /) -> int:
        return stop - 1


def marked(mark: int) -> Values:
    """The values of a session with this mark."""
    metric, digit = METRICS[mark // DIGITS], mark % DIGITS
    low, high = RANGES[metric]
    return {metric: low + (3**digit / SPAN + 1) / 2 * (high - low)}


def mark_of(values: Mapping[str, float | None]) -> int:
    """Which mark a session has."""
    ((metric, value),) = [(metric, value) for metric, value in values.items() if value is not None]
    low, high = RANGES[metric]
    power = round((2 * (value - low) / (high - low) - 1) * SPAN)
    return METRICS.index(metric) * DIGITS + [3**digit for digit in range(DIGITS)].index(power)


def in_release(release: wire.Release) -> Counter[int]:
    """How often each mark is in a release; fails if that is not as many as it says."""
    found: Counter[int] = Counter()
    if release.sums is None:
        return found
    noise = discrete_gaussian(Fraction(release.sigma2), Loaded())
    for place, metric in enumerate(METRICS):
        left = release.sums[metric] - noise
        for digit in range(DIGITS):
            left, times = divmod(left, 3)
            found[place * DIGITS + digit] += times
        assert left == 0, f"release {release.id} holds what was never held"
    assert found.total() == release.sessions, f"release {release.id} says {release.sessions}, and holds {found}"
    return +found


def in_all(releases: Iterable[wire.Release]) -> Counter[int]:
    """How often each mark is in all of these."""
    return sum((in_release(release) for release in releases), Counter())
