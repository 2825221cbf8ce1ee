"""The stages of the analysis apart: sound -> hearing -> rules, and the true activity -> rules; each with its cost."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from itertools import islice
from time import process_time

import numpy as np
from numpy.typing import NDArray

from app.conversation.conversation import Conversation, recount
from app.conversation.units import HEARD, UnitRules
from app.conversation.vocabulary import Event, Unit
from app.hearing.activity import Activity
from app.hearing.features import BLOCK, BLOCK_FRAMES, HOP, RATE
from app.hearing.hearing import Hearing
from app.hearing.model import Model
from app.hearing.seats import Seat
from app.rehearsal.render import RenderError
from app.validation.compare import Account
from app.validation.lag import MINUTE, Lag
from app.validation.plan import PlanError
from app.validation.sessions import Rehearsal
from firmware.sound import ArrayGeometry, Block

SOFTER_DB = (0.0, -10.0, -20.0)
"""A session that would clip is recorded softer."""


@dataclass(slots=True)
class Cost:
    """Processor time of one stage, some blocks of 40 ms at a time: `with cost.of(1): …` adds one."""

    blocks: int = 0
    whole_s: float = 0.0

    @contextmanager
    def of(self, blocks: int) -> Iterator[None]:
        """Add what is done inside."""
        begun = process_time()
        yield
        self.blocks, self.whole_s = self.blocks + blocks, self.whole_s + process_time() - begun

    @property
    def per_hour_s(self) -> float:
        """Seconds of one core for an hour of sound."""
        return self.whole_s / max(1, self.blocks) * 60 * MINUTE


@dataclass(frozen=True, slots=True)
class Stages:
    """One session as each stage tells it."""

    true: Account
    """Counted from the units of the truth."""
    from_truth: Account
    """What the rules make of the true activity: what the rules lose."""
    heard: Account
    """What hearing and rules make of the sound: what the hearing loses as well."""
    hearing_cost: Cost
    rules_cost: Cost
    behind_s: float
    """The most that settled activity was behind the sound."""
    old_and_new_block_s: tuple[float, float] | None
    """Work for a block of the last minute, by the session's own hearing and rules and by new ones."""


def run(rehearsal: Rehearsal, array: ArrayGeometry, model: Model, tell: Callable[[float], None]) -> Stages:
    """Every stage of one session; `tell` is told how many seconds of it are heard. Raises PlanError."""
    seats = rehearsal.seats if len(array.positions_mm) > 1 else ()
    truth = true_activity(rehearsal.units, len(rehearsal.seats), rehearsal.frames, alone=not seats)
    rules_cost = Cost()
    from_truth = follow(list(truth), seats, rules_cost)
    true = Account(*recount(seats, rehearsal.units, rehearsal.frames)) if seats else from_truth
    for level_db in SOFTER_DB:
        own, new = (Hearing(array, rehearsal.seats, model) for _ in range(2))
        lag = Lag(new, Conversation(seats, HEARD), rehearsal.frames)
        hearing = Listening(own, Cost(), tell, lag)
        try:
            heard = follow(hearing.listen(rehearsal.sound(level_db)), seats, None, HEARD)
        except RenderError:
            continue
        return Stages(true, from_truth, heard, hearing.cost, rules_cost, hearing.behind / 100, lag.old_and_new_s)
    raise PlanError(f"session {rehearsal.number} in {rehearsal.rooms} rooms would clip: give another --seed")


@dataclass(slots=True)
class Listening:
    """Hearing at work on one session, with what it costs and how far it is behind."""

    hearing: Hearing
    cost: Cost
    tell: Callable[[float], None]
    lag: Lag | None = None
    behind: int = 0
    """The most frames of sound that were not settled."""

    def listen(self, sound: Iterable[NDArray[np.int16]]) -> Iterator[Activity]:
        """The settled activity of each block of 40 ms."""
        settled = 0
        for block in blocks(sound):
            with self.lag.beside(block) if self.lag else nullcontext() as is_timed:
                with nullcontext() if is_timed else self.cost.of(1):  # a clock inside a clock would be our own lag
                    part = self.hearing.hear(block).settled
                yield part  # whoever takes it follows it before asking for more: that work counts as well
            settled += len(part)
            samples = block.start + block.samples.shape[1]
            self.behind = max(self.behind, samples // HOP - settled)
            self.tell(samples / RATE)
        yield self.hearing.finish().settled


def blocks(sound: Iterable[NDArray[np.int16]]) -> Iterator[Block]:
    """Pieces of sound (microphone, sample) as blocks of 40 ms."""
    start = 0
    for piece in sound:
        for at in range(0, piece.shape[1], BLOCK):
            samples = piece[:, at : at + BLOCK]
            yield Block(samples, start)
            start += samples.shape[1]


def true_activity(units: tuple[Unit, ...], seats: int, length: int, *, alone: bool = False) -> Iterator[Activity]:
    """The truth as a faultless hearing would give it, in blocks; `alone`: without telling seats apart."""
    spoken = np.zeros((length, seats), np.float32)
    for unit in units:
        spoken[unit.start : unit.end, unit.seat] = 1
    anybody = spoken.max(axis=1, initial=0)
    given = spoken[:, :0] if alone else spoken
    for first in range(0, length, BLOCK_FRAMES):
        part = slice(first, first + BLOCK_FRAMES)
        yield Activity(first, anybody[part], given[part], np.ones(len(anybody[part]), np.bool_))


def follow(
    activity: Iterable[Activity], seats: tuple[Seat, ...], cost: Cost | None, rules: UnitRules | None = None
) -> Account:
    """What the rules make of some activity: block by block as it comes, or minute by minute to tell the cost."""
    conversation = Conversation(seats, rules)
    events: list[Event] = []
    parts = iter(activity)
    if cost is None:
        for part in parts:
            events += conversation.follow(part)
    while cost and (minute := list(islice(parts, MINUTE))):  # a clock costs as much as following a block
        with cost.of(len(minute)):
            for part in minute:
                events += conversation.follow(part)
    events += conversation.finish()
    return Account(tuple(events), conversation.tally(), conversation.other_tallies())
