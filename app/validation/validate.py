"""Validation from plan to report: every session is rehearsed, heard and compared, and what came of it is written."""

import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from app.conversation.errors import Errors
from app.hearing.model import Model
from app.validation import pictures
from app.validation.outcome import Outcome, outcome
from app.validation.plan import Plan, PlanError, Rooms
from app.validation.report import markdown, summary
from app.validation.sessions import Rehearsal, rehearse
from app.validation.stages import Stages, run

Rehearse = Callable[[Plan, Rooms, int], Rehearsal]
"""From a plan to one of its sessions, by kind of rooms and number."""


def validate(
    plan: Plan,
    model: Model,
    errors: Errors,
    tell: Callable[[float], None],
    out: Path | None = None,
    rehearsing: Rehearse = rehearse,
) -> dict[str, Any]:
    """The summary of a whole plan; written into a folder too, with pictures, if one is given.

    `tell` is told the share of the whole that is done. Raises PlanError and VoiceError.
    """
    if out:
        _make(out)
    outcomes = []
    drawn = ""
    for rehearsal, stages, judged in each(plan, model, errors, tell, rehearsing):
        outcomes.append(judged)
        drawn = drawn or pictures.score(rehearsal, stages)
    found = summary(plan, outcomes)
    if out:
        for name, content in (
            ("report.md", f"{markdown(found)}\n![Heard minus true](errors.svg)\n\n![A session](session.svg)\n"),
            ("report.json", json.dumps(found, indent=1) + "\n"),
            ("errors.svg", pictures.errors(outcomes)),
            ("session.svg", drawn),
        ):
            (out / name).write_text(content, encoding="utf-8")
    return found


def each(
    plan: Plan, model: Model, errors: Errors, tell: Callable[[float], None], rehearsing: Rehearse = rehearse
) -> Iterator[tuple[Rehearsal, Stages, Outcome]]:
    """Each session of a plan, one after the other."""
    every = [(rooms, number) for rooms in plan.rooms for number in range(plan.sessions)]
    for done, (rooms, number) in enumerate(every):
        rehearsal = rehearsing(plan, rooms, number)
        tell_part = partial(_tell_part, tell, done, len(every), rehearsal.seconds)
        stages = run(rehearsal, plan.array, model, tell_part)
        yield rehearsal, stages, outcome(rehearsal, stages, errors)
        tell((done + 1) / len(every))


def _make(folder: Path) -> None:
    """A folder for the report, before hours are spent on it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "report.md").touch()
    except OSError as error:
        raise PlanError(f"the report cannot be written to {folder} ({error.strerror}): name another --out") from error


def _tell_part(tell: Callable[[float], None], done: int, every: int, whole_s: float, heard_s: float) -> None:
    tell((done + heard_s / whole_s) / every)
