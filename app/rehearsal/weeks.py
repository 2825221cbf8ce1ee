"""Simulated sessions of a clinic's rooms, week after week: no sound, but real turns, silences and numbers.

Every session follows from (seed, room, week, index) alone, so an interrupted simulation goes on as if it never stopped.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from app.conversation.conversation import recount
from app.conversation.metrics import EXACT, measure, released
from app.conversation.vocabulary import FRAMES_PER_S, Span, Unit, frames
from app.hearing.seats import Seat, role_of
from app.rehearsal.talk import LogNormal, Style, converse

SESSION_S = 50 * 60.0
NAMES = ("therapist", "client")
SEATS = tuple(Seat(name, role_of(name), azimuth) for name, azimuth in zip(NAMES, (30.0, 150.0), strict=True))


@dataclass(frozen=True, slots=True)
class Habits:
    """How a room is used: how many sessions a week, and how people talk in it."""

    sessions_a_week: int
    quiet_weeks: frozenset[int]
    """Weeks with few sessions, counted from 0: holidays."""
    style: Style


ROOMS = (
    Habits(27, frozenset(), Style()),
    Habits(25, frozenset({7}), Style(therapist_turn=LogNormal(6.0, 0.85), lapse_chance=0.04)),
    Habits(22, frozenset({3, 8}), Style(client_turn=LogNormal(11.0, 0.95), silence_chance=0.03)),
)
"""Three rooms that differ mildly."""
QUIET_WEEK = 12
"""Sessions in a quiet week: too few for a release, so they wait."""


@dataclass(frozen=True, slots=True)
class SimulatedSession:
    """What a session leaves in the ledger."""

    values: dict[str, float | None]
    """The released metrics by id; None where withheld."""
    measured_s: float


def sessions_in(seed: int, room: int, week: int) -> int:
    """How many sessions a room has in a week, both counted from 0."""
    habits = ROOMS[room % len(ROOMS)]
    about = QUIET_WEEK if week in habits.quiet_weeks else habits.sessions_a_week
    return about + int(np.random.default_rng((seed, room, week)).integers(-1, 2))


def simulate(seed: int, room: int, week: int, index: int) -> SimulatedSession:
    """One session of 50 minutes, from its talk to its numbers."""
    rng = np.random.default_rng((seed, room, week, index))
    return session_of(a_pair_in(ROOMS[room % len(ROOMS)].style, rng), rng)


def simulated_pair(seed: int, client: int) -> tuple[dict[str, float | None], dict[str, float | None]]:
    """The values of two sessions of one client in the first room."""
    rng = np.random.default_rng((seed, client))
    style = a_pair_in(ROOMS[0].style, rng)
    return session_of(style, rng).values, session_of(style, rng).values


def session_of(style: Style, rng: np.random.Generator) -> SimulatedSession:
    """A session of 50 minutes of people who talk like this."""
    talk = converse(style, NAMES, SESSION_S, rng)
    units = [Unit(frames(u.start_s), frames(u.end_s), NAMES.index(u.seat)) for u in talk]
    _, tally = recount(SEATS, units, frames(SESSION_S), list(_unmeasured(rng)))
    return SimulatedSession(released(measure(tally, EXACT)), tally.measured / FRAMES_PER_S)


def a_pair_in(style: Style, rng: np.random.Generator) -> Style:
    """The style of one pair of people: their turns and silences are theirs. How far pairs differ is our guess."""

    def own(length: LogNormal, spread: float) -> LogNormal:
        return LogNormal(length.median_s * float(rng.lognormal(0, spread)), length.sigma)

    return replace(
        style,
        therapist_turn=own(style.therapist_turn, 0.3),
        client_turn=own(style.client_turn, 0.35),
        pause=own(style.pause, 0.15),
        silence_chance=min(style.silence_chance * float(rng.lognormal(0, 0.6)), 0.2),
        lapse_chance=min(style.lapse_chance * float(rng.lognormal(0, 0.6)), 0.3),
    )


def _unmeasured(rng: np.random.Generator) -> Iterator[Span]:
    """In one session of five a stretch of up to a minute in which nothing could be measured."""
    if rng.random() < 0.2:
        start = float(rng.uniform(60, SESSION_S - 120))
        yield Span(frames(start), frames(start + float(rng.uniform(5, 60))))
