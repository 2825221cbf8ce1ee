"""A file of turns, `seat,start_s,end_s`: talk that somebody transcribed, to be replayed as sound."""

import csv
from collections.abc import Iterator
from math import isfinite
from pathlib import Path

from app.hearing.seats import MOST
from app.rehearsal.talk import Spoken
from app.validation.plan import PlanError

COLUMNS = ["seat", "start_s", "end_s"]
LONGEST_S = 5 * 3600.0


def read_turns(path: Path) -> tuple[Spoken, ...]:
    """The turns of a file, in order of start. Raises PlanError, with the line, for any that cannot be."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(file)
            header = [name.strip() for name in next(rows, [])]
            if header != COLUMNS:
                raise PlanError(f"{path} begins with '{','.join(header)}': the first line is {','.join(COLUMNS)}")
            turns = tuple(_checked(path, rows))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise PlanError(f"the turns {path} cannot be read ({why}): name a CSV file with --turns") from error
    if not turns:
        raise PlanError(f"nobody speaks in {path}: write a line seat,start_s,end_s for each turn")
    names = {turn.seat for turn in turns}
    if len(names) > MOST:
        raise PlanError(f"{path} names {len(names)} seats: a room has at most {MOST}")
    return turns


def _checked(path: Path, rows: Iterator[list[str]]) -> Iterator[Spoken]:
    """The turns, each looked at against those before it."""
    past: dict[str, float] = {}
    latest = 0.0
    for number, row in enumerate(rows, 2):
        if not any(field.strip() for field in row):
            continue
        turn = _turn(row, f"{path}, line {number}")
        if turn.start_s < latest:
            raise PlanError(f"{path}, line {number}: it starts before the line above: sort the lines by start_s")
        if turn.start_s < past.get(turn.seat, 0.0):
            raise PlanError(
                f"{path}, line {number}: {turn.seat} starts before the own turn above has ended: join or part the two"
            )
        latest, past[turn.seat] = turn.start_s, turn.end_s
        yield turn


def _turn(row: list[str], where: str) -> Spoken:
    try:
        seat, start, end = (field.strip() for field in row)
        turn = Spoken(seat, round(float(start), 2), round(float(end), 2))
    except ValueError:
        raise PlanError(f"{where}: '{','.join(row)}' is no turn: write seat,start_s,end_s, times in seconds") from None
    if not (turn.seat and isfinite(turn.start_s) and isfinite(turn.end_s)):
        raise PlanError(f"{where}: '{','.join(row)}' is no turn: write seat,start_s,end_s, times in seconds")
    if turn.start_s < 0:
        raise PlanError(f"{where}: it starts before the session, at {turn.start_s:g} s: count from its begin")
    if turn.end_s <= turn.start_s:
        raise PlanError(f"{where}: it ends at {turn.end_s:g} s, no later than it starts: correct its times")
    if turn.end_s > LONGEST_S:
        raise PlanError(f"{where}: it ends after {LONGEST_S / 3600:g} h: cut the session into parts")
    return turn
