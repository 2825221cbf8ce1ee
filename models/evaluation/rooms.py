"""Seats and silences of rehearsed sessions: how far what is heard is from the truth."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from app.conversation.conversation import Conversation, recount
from app.conversation.units import HEARD, UnitRules
from app.conversation.vocabulary import Event, Silence, Unit
from app.hearing.features import RATE
from app.hearing.hearing import Hearing, joined
from app.hearing.model import Model
from firmware.sound import Block
from models.evaluation.scores import SeatScores, match_silences, score_seats
from models.evaluation.sessions import Session, flags
from models.training.scenes import ONE_CIRCLE


@dataclass(frozen=True, slots=True)
class Judged:
    """One session's scores."""

    seats: SeatScores
    silences: tuple[int, int, int]
    """Matched, heard, true."""


def judge(session: Session, model: Model) -> Judged:
    """Hears a session second by second, follows it, and compares with the truth."""
    hearing, conversation = Hearing(ONE_CIRCLE, session.seats, model), Conversation(session.seats, HEARD)
    parts, events = [], list[Event]()
    for at in range(0, session.samples.shape[1], RATE):
        heard = hearing.hear(Block(session.samples[:, at : at + RATE], at))
        parts.append(heard.settled)
        events += conversation.follow(heard.settled, heard.live)
    last = hearing.finish()
    parts.append(last.settled)
    events += conversation.follow(last.settled, last.live)
    events += conversation.finish()
    activity = joined(parts)
    names = [seat.name for seat in session.seats]
    units = [Unit(round(u.start_s * 100), round(u.end_s * 100), names.index(u.seat)) for u in session.units]
    units = [unit for unit in units if unit.end <= len(activity)]
    true_events, _ = recount(session.seats, units, len(activity))
    return Judged(
        score_seats(bridged(activity.seats), flags(session.units, names, len(activity))),
        match_silences(_silences(events), _silences(true_events)),
    )


def _silences(events: Iterable[Event]) -> list[Silence]:
    return [event for event in events if isinstance(event, Silence)]


def bridged(seats: NDArray[np.float32]) -> NDArray[np.bool_]:
    """(frame, seat) flags with pauses under 200 ms filled, as the truth's are."""
    rules = UnitRules()
    spoken = seats > rules.onset
    for column in spoken.T:
        edges = np.flatnonzero(np.diff(column.astype(np.int8)))
        for end, begin in pairwise(edges):
            if column[end] and begin - end < rules.min_pause:
                column[end + 1 : begin + 1] = True
    return spoken


def table(judged: list[Judged], name: str) -> str:
    """A row of figures of some sessions, Markdown."""
    mean = {f: float(np.nanmean([getattr(j.seats, f) for j in judged])) for f in SeatScores.__slots__}
    most = max(j.seats.share_error for j in judged)
    matched, heard, true = np.sum([j.silences for j in judged], axis=0)
    return (
        f"| {name}, {len(judged)} sessions | {mean['exact']:.3f} | {mean['wrong']:.3f} | {mean['error']:.3f} / "
        f"{mean['error_collar']:.3f} | {mean['overlap_f1']:.2f} | {mean['share_error']:.3f} / {most:.3f} | "
        f"{2 * matched / max(1, heard + true):.2f} ({true}) |"
    )


HEADER = (
    "| rooms | single-talk frames exactly right | other seat heard | DER no collar / 250 ms | overlap F1 | "
    "talk-share error mean / max | silences >= 3 s F1 (number) |\n|---|---|---|---|---|---|---|"
)
