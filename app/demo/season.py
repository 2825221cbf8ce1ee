"""A season: weeks of simulated sessions through the real ledger, release and outbox, as fast as they go."""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from app.listen import Files
from app.rehearsal.weeks import sessions_in, simulate
from app.release.ledger import Ledger
from app.release.release import Rules, hand_over, seal
from app.release.week import week_of

PAUSE_S = 0.05


@dataclass(frozen=True, slots=True)
class Season:
    """Which weeks of which simulated room; every session follows from these alone, so a killed season goes on."""

    room: int
    weeks: int
    until: date
    """A day of the last week."""
    seed: int


def live(season: Season, files: Files, rules: Rules, week_s: float, stop: Callable[[], bool]) -> None:
    """Live through the season: hold each week's sessions, seal its release, hand it over; each takes `week_s` at least.

    A season that was killed goes on where it was: what a session leaves in the ledger says how far it had come.
    """
    settle(files.ledger)
    hand_over(files.ledger, files.outbox.put)
    files.outbox.write_health("ok")
    for number in range(season.weeks):
        week = week_of(season.until - timedelta(weeks=season.weeks - 1 - number))
        if files.ledger.has_sealed(week):
            continue
        begun = time.monotonic()
        held = sum(session.week == week for session in files.ledger.waiting())
        for index in range(held, sessions_in(season.seed, season.room, number)):
            hold(files.ledger, season, number, index, week)
        settle(files.ledger)
        seal(files.ledger, week, rules, secrets.SystemRandom())
        hand_over(files.ledger, files.outbox.put)
        while not stop() and time.monotonic() - begun < week_s:
            time.sleep(PAUSE_S)
        if stop():
            return


def hold(ledger: Ledger, season: Season, number: int, index: int, week: str) -> None:
    """One simulated session; the next one's begin is what makes it one of many."""
    simulated = simulate(season.seed, season.room, number, index)
    session = ledger.open_session()
    ledger.close(session, simulated.values, week, simulated.measured_s)


def settle(ledger: Ledger) -> None:
    """A session that a kill has left open is to be held again; the last one that was closed can be released."""
    interrupted = ledger.interrupted()
    if interrupted:
        ledger.withdraw(interrupted[0])
    closed = ledger.withdrawable()
    if closed:
        ledger.forget(closed)
