"""The release: what many sessions were like, as sums with noise.

Each session's value is clamped to its metric's public range and centred to a whole number in -500..500; an undefined
one is 0. The sums of m metrics get discrete Gaussian noise of variance 500² m / (2 rho) each, which is rho-zCDP for
neighbours that differ in one session turned to "no information" (Bun and Steinke 2016, arXiv:1605.02065, proposition 6
and its composition; Canonne, Kamath and Steinke 2020, arXiv:2004.00010, for the discrete noise).
"""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, isfinite

from app.catalogue import RELEASED
from app.release.ledger import Ledger, Values
from app.release.noise import Dice, discrete_gaussian
from app.sync import wire

SPAN = wire.SPAN
"""A centred value lies in -SPAN..SPAN; so far one session can move a sum."""
MOST_RHO = 1.0
LEAST_RHO = 0.001
FEWEST_SESSIONS = 10
RANGES: Mapping[str, tuple[float, float]] = {metric.id: metric.released for metric in RELEASED if metric.released}


class ReleaseError(ValueError):
    """Rules that would weaken the guarantee; says in one sentence what is allowed."""


@dataclass(frozen=True, slots=True)
class Rules:
    """How much one session may show. Raises ReleaseError beyond the limits."""

    rho: float = 0.5
    """Zero-concentrated differential privacy of one session, all metrics together; at most 1."""
    min_sessions: int = 20
    """Fewest sessions in a release; at least 10."""

    def __post_init__(self) -> None:
        if not LEAST_RHO <= self.rho <= MOST_RHO:
            raise ReleaseError(f"release.rho is {self.rho}: set it between {LEAST_RHO} and {MOST_RHO}")
        if self.min_sessions < FEWEST_SESSIONS:
            raise ReleaseError(f"release.min_sessions is {self.min_sessions}: set {FEWEST_SESSIONS} or more")


def seal(ledger: Ledger, week: str, rules: Rules, dice: Dice) -> wire.Release:
    """Turn all sessions that wait into this ISO week's release; with too few of them it is withheld and they stay.

    `dice` is `secrets.SystemRandom()` wherever sessions are real. A session that can still be withdrawn is left for
    the next release. Raises LedgerError if the week has had its release, and DurableError.
    """
    ledger.expire(week)
    settled = [each for each in ledger.waiting() if each.session is None]
    taken = settled if len(settled) >= rules.min_sessions else []
    release = compose([each.values for each in taken], week, rules, dice)
    ledger.seal(release.id, week, release.model_dump_json().encode(), taken)
    return release


def compose(sessions: Sequence[Values], week: str, rules: Rules, dice: Dice) -> wire.Release:
    """The release of these sessions; without any, a withheld one."""
    sigma2 = variance(rules.rho)
    sums = {
        metric: sum(centred(values.get(metric), *limits) for values in sessions)
        + discrete_gaussian(Fraction(sigma2), dice)
        for metric, limits in RANGES.items()
    }
    return wire.Release(
        id=secrets.token_hex(16),
        week=week,
        sessions=len(sessions),
        sums=sums if sessions else None,
        ranges=dict(RANGES),
        sigma2=sigma2,
        rho=rules.rho,
    )


def centred(value: float | None, low: float, high: float) -> int:
    """The value clamped to [low, high] as a whole number, -500 for low and 500 for high; 0 if undefined."""
    if value is None or not isfinite(value):
        return 0
    share = (min(max(value, low), high) - low) / (high - low)
    return round((2 * share - 1) * SPAN)


def variance(rho: float) -> int:
    """The noise's variance in each sum, rounded up to a whole number: never less noise than rho asks for."""
    return ceil(Fraction(SPAN**2 * len(RANGES)) / (2 * Fraction(rho)))


def hand_over(ledger: Ledger, put: Callable[[str, bytes], None]) -> int:
    """Give each sealed release to `put`, then drop it; how many that were.

    `put` takes a release id and its bytes, has committed them when it returns, and ignores an id that it knows.
    A crash anywhere repeats the copy, never the noise.
    """
    sealed = ledger.sealed()
    for release, body in sealed:
        put(release, body)
        ledger.drop(release)
    return len(sealed)
