"""Score notation: a conversation written down, one character for 0.1 s.

-- a line that begins with two dashes is a remark
THERAPIST  ####..##..............##
CLIENT     ........##############..      so is what stands two spaces behind a staff
UNMEASURED ...................xxx..

THERAPIST  ##......      the next row of staves, after an empty line
CLIENT     ..######
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.conversation.vocabulary import Span, Unit
from app.hearing.activity import Activity
from app.hearing.seats import Seat, SeatError, check_seats, role_of

CHARACTER = 10
"""Frames."""
UNMEASURED = "UNMEASURED"
STAFF = re.compile(r"(?P<name>\S+)\s+(?P<staff>[#.xX]+)(?:\s{2,}.*)?")


class ScoreError(ValueError):
    """A score that cannot be read; says where and why in one sentence."""


@dataclass(frozen=True, slots=True)
class Score:
    """Who speaks when, exactly."""

    seats: tuple[Seat, ...]
    """Named as written, the role from the name, evenly around the room."""
    speech: NDArray[np.bool_]  # (frame, seat)
    measurable: NDArray[np.bool_]  # (frame,)

    @property
    def frames(self) -> int:
        """Its length."""
        return len(self.measurable)

    def activity(self, block_frames: int = 4) -> Iterator[Activity]:
        """The score as hearing would give it, with probabilities 0 and 1."""
        seats = self.speech.astype(np.float32)
        speech = self.speech.any(axis=1).astype(np.float32)
        for first in range(0, self.frames, block_frames):
            part = slice(first, first + block_frames)
            yield Activity(first, speech[part], seats[part], self.measurable[part])


def load(path: Path) -> Score:
    """The score in a file. Raises ScoreError."""
    try:
        return read(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ScoreError(f"the score {path} cannot be read: {error}") from error


def read(text: str) -> Score:
    """The score in some text. Raises ScoreError."""
    rows = list(_rows(text))
    names = list(dict.fromkeys(name for row in rows for name in row if name != UNMEASURED))
    if not names:
        raise ScoreError("the score is empty: write a staff such as 'THERAPIST  ####..##'")
    try:
        seats = check_seats(Seat(n, role_of(n), 360.0 * i / len(names)) for i, n in enumerate(names))
    except SeatError as error:
        raise ScoreError(str(error)) from error
    staves = {name: "".join(row.get(name, "." * _length(row)) for row in rows) for name in [*names, UNMEASURED]}
    speech = np.array([[mark == "#" for mark in staves[name]] for name in names]).T
    unmeasured = np.array([mark in "xX" for mark in staves[UNMEASURED]])
    return Score(seats, np.repeat(speech & ~unmeasured[:, None], CHARACTER, axis=0), np.repeat(~unmeasured, CHARACTER))


def _length(row: dict[str, str]) -> int:
    return len(next(iter(row.values())))


def _rows(text: str) -> Iterator[dict[str, str]]:
    """The rows of staves: by name, all of one length."""
    row: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("--"):
            if row and not line.strip():
                yield row
                row = {}
            continue
        name, staff = _staff(line, number)
        if name in row:
            raise ScoreError(f"line {number}: {name} has two staves in one row: leave an empty line between rows")
        if row and len(staff) != _length(row):
            raise ScoreError(
                f"line {number}: the staff of {name} has {len(staff)} characters, the one above {_length(row)}: "
                "make them equally long"
            )
        row[name] = staff
    if row:
        yield row


def _staff(line: str, number: int) -> tuple[str, str]:
    match = STAFF.fullmatch(line.strip())
    if not match:
        raise ScoreError(f"line {number}: '{line.strip()}' is no staff: write a name, spaces, then only # and .")
    name, staff = match["name"], match["staff"]
    wrong = "#" if name == UNMEASURED else "xX"
    if any(mark in wrong for mark in staff):
        raise ScoreError(f"line {number}: a staff is of # and ., and only {UNMEASURED} is of x and .")
    return name, staff


def write(
    seats: Iterable[Seat], units: Iterable[Unit], length: int, unmeasured: Iterable[Span] = (), width: int = 100
) -> str:
    """Units as a score of `length` frames, `width` characters a row; a mark where at least half of it is spoken."""
    names = [seat.name for seat in seats]
    staves = {name: np.zeros(-(-length // CHARACTER) * CHARACTER, np.bool_) for name in [*names, UNMEASURED]}
    for unit in units:
        staves[names[unit.seat]][unit.start : unit.end] = True
    for span in unmeasured:
        staves[UNMEASURED][span.start : span.end] = True
    if not staves[UNMEASURED].any():
        del staves[UNMEASURED]
    margin = max(map(len, staves)) + 2
    marks = {
        name: "".join(
            ("x" if name == UNMEASURED else "#") if share >= CHARACTER / 2 else "."
            for share in staff.reshape(-1, CHARACTER).sum(axis=1)
        )
        for name, staff in staves.items()
    }
    count = len(next(iter(marks.values())))
    rows = (
        "".join(f"{name:{margin}}{staff[at : at + width]}\n" for name, staff in marks.items())
        for at in range(0, count, width)
    )
    return "\n".join(rows)
