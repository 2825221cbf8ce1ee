"""What other rules of units would make of what is heard: the thresholds of `HEARD` are chosen by this table."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import reduce
from operator import add

import numpy as np

from app.conversation.conversation import recount
from app.conversation.units import HEARD, UnitRules
from app.hearing.hearing import Hearing
from app.hearing.model import Model
from app.rehearsal.render import RenderError
from app.validation.compare import Account, Compared, Count, compare
from app.validation.plan import Plan
from app.validation.sessions import Rehearsal
from app.validation.stages import SOFTER_DB, Cost, Listening, follow
from app.validation.validate import Rehearse

COLUMNS = (
    *("responses found / right", "silences F1", "contexts", "changes of floor", "offset, ms"),
    *("talk share", "turn median"),
)

Some = dict[str, list[tuple[Account, Account]]]
"""By name of the candidate: what was heard and what is true, session by session."""


def variants() -> dict[str, UnitRules]:
    """HEARD, and what differs from it in one thing."""
    return {
        "HEARD": HEARD,
        **{f"tail {tail * 10} ms": replace(HEARD, tail=tail) for tail in (0, 2, 4, 6, 8, 10) if tail != HEARD.tail},
        **{f"pause {p * 10} ms": replace(HEARD, min_pause=p) for p in (12, 14, 16, 18, 20) if p != HEARD.min_pause},
        **{f"word {w * 10} ms": replace(HEARD, min_speech=w) for w in (4, 8, 10)},
        **{f"onset {at:g}": replace(HEARD, onset=at) for at in (0.4, 0.6)},
        **{f"onset and offset {at:g}": replace(HEARD, onset=at, offset=at) for at in (0.4, 0.6)},
    }


def tried(plan: Plan, model: Model, tell: Callable[[float], None], rehearse: Rehearse) -> dict[str, Some]:
    """By kind of rooms: every session heard once, and followed by each candidate."""
    found: dict[str, Some] = {}
    every = [(rooms, number) for rooms in plan.rooms for number in range(plan.sessions)]
    for done, (rooms, number) in enumerate(every, 1):
        session = rehearse(plan, rooms, number)
        true = Account(*recount(session.seats, session.units, session.frames))
        for name, heard in _followed(session, plan, model):
            found.setdefault(rooms.name, {}).setdefault(name, []).append((heard, true))
        tell(done / len(every))
    return found


def _followed(session: Rehearsal, plan: Plan, model: Model) -> Iterator[tuple[str, Account]]:
    rules = variants()
    for level_db in SOFTER_DB:
        hearing = Listening(Hearing(plan.array, session.seats, model), Cost(), lambda _: None)
        try:
            activity = list(hearing.listen(session.sound(level_db)))
        except RenderError:
            continue
        for name, each in rules.items():
            yield name, follow(activity, session.seats, Cost(), replace(each, others=()))
        return


def table(found: dict[str, Some]) -> str:
    """Figures of each candidate, Markdown."""
    rows = [
        f"| rooms, rules | {' | '.join(COLUMNS)} |",
        "|---|---|---|---|---|---|---|---|",
    ]
    rows += [
        f"| {kind}, {name} | {' | '.join(_cells(pairs))} |"
        for kind, some in found.items()
        for name, pairs in some.items()
    ]
    return "\n".join(rows)


def _cells(pairs: Sequence[tuple[Account, Account]]) -> Iterator[str]:
    compared = [compare(heard, true) for heard, true in pairs]
    responses = _sum(compared, "responses")
    yield f"{responses.recall or 0:.3f} / {responses.precision or 0:.3f}"
    yield f"{_sum(compared, 'silences').f1 or 0:.3f}"
    yield f"{_sum(compared, 'contexts').recall or 0:.3f}"
    yield f"{_sum(compared, 'turns').f1 or 0:.3f}"
    yield f"{1000 * float(np.median([off for one in compared for off in one.offsets_off_s])):.0f}"
    yield f"{np.mean([abs(_share(heard) - _share(true)) for heard, true in pairs]):.4f}"
    yield f"{np.mean([abs(_median(heard) / _median(true) - 1) for heard, true in pairs]):.3f}"


def _sum(compared: Sequence[Compared], what: str) -> Count:
    counts: list[Count] = [getattr(one, what) for one in compared]
    return reduce(add, counts, Count())


def _share(account: Account) -> float:
    return account.tally.talk["therapist"] / max(1, sum(account.tally.talk.values()))


def _median(account: Account) -> float:
    return float(np.median(account.tally.turns["therapist"] or [1]))
