"""Replay: a recording or a score through the whole analysis as fast as it goes, and what came of it as JSON and CSV."""

import csv
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, Self, TextIO

from app.conversation.vocabulary import FRAMES_PER_S, Event, Unit
from app.hearing.activity import Activity
from app.hearing.hearing import Heard, Hearing
from app.hearing.seats import Seat
from app.room.session import Session
from firmware.sound import Block

WITHOUT_SEATS = "speech"
"""What a unit's seat is called where it is not known who speaks."""


def heard_from_sound(blocks: Iterable[Block], hearing: Hearing) -> Iterator[Heard]:
    """What is heard of each block, and at the end what was still to come."""
    for block in blocks:
        heard = hearing.hear(block)
        if not heard.is_empty:
            yield heard
    yield hearing.finish()


def replay(heard: Iterable[Heard], session: Session, into: "Listing") -> None:
    """Run a session to its end."""
    for each in heard:
        into.frames(each)
        into.units(session.follow(each).events)
    into.units(session.finish())


def summary(session: Session) -> dict[str, Any]:
    """The session as `fermata replay --json` prints it."""
    tally = session.tally()
    return {
        "duration_s": tally.open / FRAMES_PER_S,
        "measured_s": tally.measured / FRAMES_PER_S,
        "seats": {
            seat.name: {
                "role": seat.role.value if seat.role else None,
                "azimuth": seat.azimuth,
                "speech_s": speech / FRAMES_PER_S,
            }
            for seat, speech in zip(session.seats, tally.speech, strict=False)
        },
        "metrics": {name: number.as_json() for name, number in session.numbers().items()},
        "cues": [{"at_s": cued.at_s, "cue": cued.cue} for cued in session.cued],
    }


@dataclass(slots=True)
class Pending:
    """A frame whose settled value is still to come."""

    frame: int
    live: float


class Listing:
    """Writes frames and units to CSV files as they come; a file that is not asked for is not written."""

    def __init__(self, seats: Iterable[Seat], frames: Path | None = None, units: Path | None = None) -> None:
        self._names = [seat.name for seat in seats]
        self._paths = frames, units
        self._open = ExitStack()
        self._frames: TextIO | None = None
        self._units: Any = None
        self._pending: deque[Pending] = deque()

    def __enter__(self) -> Self:
        frames, units = self._paths
        if frames:
            self._frames = self._open.enter_context(frames.open("w", encoding="utf-8"))
            self._frames.write(",".join(["time_s", "speech_live", "speech_settled", *self._names]) + "\n")
        if units:
            self._units = csv.writer(self._open.enter_context(units.open("w", encoding="utf-8", newline="")))
            self._units.writerow(["seat", "start_s", "end_s", "kind"])
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def units(self, events: Iterable[Event]) -> None:
        """One row per inter-pausal unit."""
        for event in events:
            if isinstance(event, Unit) and self._units:
                name = self._names[event.seat] if self._names else WITHOUT_SEATS
                self._units.writerow([name, f"{event.start_s:.2f}", f"{event.end_s:.2f}", event.kind.value])

    def frames(self, heard: Heard) -> None:
        """One row per frame: the newest value that a running device had at the frame's end, and the settled values."""
        if self._frames is None:
            return
        self._pending.extend(map(Pending, count(heard.live.first), heard.newest.tolist()))
        self._frames.writelines(self._rows(heard.settled))

    def _rows(self, settled: Activity) -> Iterator[str]:
        speech, seats = settled.speech.tolist(), settled.seats.tolist()
        for anybody, each in zip(speech, seats, strict=True):
            pending = self._pending.popleft()
            values = ",".join(f"{p:.4f}" for p in (pending.live, anybody, *each))
            yield f"{pending.frame / FRAMES_PER_S:.2f},{values}\n"
