"""The simulation: connects its rooms, has each send what is due until it is acknowledged, and measures the lag."""

import heapq
import itertools
import random
import selectors
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial

from app.release.week import week_of
from app.simulation.errors import SimulationError
from app.simulation.line import Line
from app.simulation.room import SimulatedRoom
from app.sync import wire
from app.sync.resend import Backoff

HEARTBEAT_S = 300.0
RELEASES_S = 3600.0
"""All rooms send a release within so much of their life, and again within the next."""
OPENING = 20
"""So many connections are opened at a time,"""
OPENED_A_SECOND = 60
"""and so many in a second: rooms that lost their broker come back one by one, each after a while of its own."""
MISC_S = 5.0
AT_ONCE = 200
"""Between two looks at the sockets no more than so many things are done."""
LONGEST_S = 0.2
"""Without an event it looks around so often."""
DRAIN_S = 90.0
"""After the last message it waits so long for acknowledgements."""
BROKER_S = 60.0
"""Without a broker for so long it gives up."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is simulated."""

    rooms: int
    lived_s: float = RELEASES_S
    """How much of the rooms' life."""
    speed: float = 1.0
    """Seconds of it in one of ours."""
    together: bool = False
    """All clocks agree: all heartbeats at the same moment, and all releases with the first of them."""
    seed: int = 1


@dataclass(slots=True)
class Counts:
    """What has happened so far."""

    heartbeats: int = 0
    releases: int = 0
    acknowledged: int = 0
    again: int = 0
    lags: list[float] = field(default_factory=list)


class Simulation:
    """Simulated rooms on one hub. Raises SimulationError when another hub answers, or no broker does."""

    def __init__(
        self,
        plan: Plan,
        clinic: str,
        address: tuple[str, int],
        generation: str,
        landed: Callable[[SimulatedRoom, int, bytes], None] | None = None,
    ) -> None:
        """`landed` is told of each message that is acknowledged: its room, number and bytes."""
        self.counts = Counts()
        self._landed = landed
        self._plan, self._clinic, self._address, self._generation = plan, clinic, address, generation
        self._dice = random.Random(plan.seed)  # noqa: S311  a simulation is seeded on purpose
        self._rooms = [
            SimulatedRoom(f"simulated-{number:05}", random.Random(f"{plan.seed} {number}"))  # noqa: S311  as above
            for number in range(plan.rooms)
        ]
        self._lines: dict[int, Line] = {}
        self._watched: dict[int, int] = {}
        """For each room whose socket is waited for, what is."""
        self._selector = selectors.DefaultSelector()
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._resend = Backoff(6.0, 300.0, self._dice.random)
        self._reopen = Backoff(1.0, 30.0, self._dice.random)
        self._ready = set[int]()
        self._gone_since: float | None = None
        self._ends = float("inf")

    def expected(self) -> int:
        """About how many messages there will be."""
        return round(self._plan.rooms * self._plan.lived_s * (1 / HEARTBEAT_S + 1 / RELEASES_S))

    def connect(self, progress: Callable[[int], None]) -> None:
        """Connect every room; `progress` is told how many more there are. Raises SimulationError if none gets in."""
        opened, most, begun = 0, 0, time.monotonic()
        since = begun
        while len(self._ready) < len(self._rooms):
            due = min(len(self._rooms), 1 + int((time.monotonic() - begun) * OPENED_A_SECOND))
            while opened < due and opened - len(self._ready) < OPENING:
                self._open(opened, 1)
                opened += 1
            self._turn()
            if len(self._ready) > most:
                progress(len(self._ready) - most)
                most, since = len(self._ready), time.monotonic()
            elif time.monotonic() - since > BROKER_S:
                raise SimulationError(f"only {most} rooms could connect: look at the hub, and at its machine")

    def live(self, progress: Callable[[int], None]) -> float:
        """Live through the plan and wait for the last acknowledgements; the seconds from the first to the last message.

        `progress` is told how many messages more are acknowledged.
        """
        begun = time.monotonic()
        self._ends = begun + self._plan.lived_s / self._plan.speed
        for number in range(len(self._rooms)):
            phase = 0.0 if self._plan.together else self._dice.random() * HEARTBEAT_S
            release = phase if self._plan.together else self._dice.random() * RELEASES_S
            beat_at, release_at = (begun + after / self._plan.speed for after in (phase, release))
            self._at(beat_at, partial(self._beat, number, beat_at))
            self._at(release_at, partial(self._release, number, release_at))
        before = 0
        while time.monotonic() < self._ends or (self.waiting and time.monotonic() < self._ends + DRAIN_S):
            self._turn()
            progress(self.counts.acknowledged - before)
            before = self.counts.acknowledged
        return min(self._ends, time.monotonic()) - begun

    def end(self) -> None:
        """Make no message more; what waits is still sent until it is acknowledged."""
        self._ends = min(self._ends, time.monotonic())

    @property
    def waiting(self) -> int:
        """How many messages are not acknowledged."""
        return self.counts.heartbeats + self.counts.releases - self.counts.acknowledged

    def leave(self) -> None:
        """Have every room that is there say that it goes, and close all."""
        for number, line in list(self._lines.items()):
            if number in self._ready:
                line.announce(self._rooms[number].death())
        ends = time.monotonic() + MISC_S
        while any(line.full for line in self._lines.values()) and time.monotonic() < ends:
            self._turn()
        for line in self._lines.values():
            line.close()
        self._selector.close()

    def _at(self, moment: float, do: Callable[[], None]) -> None:
        heapq.heappush(self._events, (moment, next(self._order), do))

    def _turn(self) -> None:
        """Do what is due, and what sockets allow until the next thing is."""
        now = time.monotonic()
        for _ in range(AT_ONCE):
            if not self._events or self._events[0][0] > now:
                break
            heapq.heappop(self._events)[2]()
        wait = min(max(self._events[0][0] - time.monotonic(), 0.0), LONGEST_S) if self._events else LONGEST_S
        for key, mask in self._selector.select(wait):
            number, line = key.data, self._lines.get(key.data)
            if line is not None:
                line.turn(read=bool(mask & selectors.EVENT_READ), write=bool(mask & selectors.EVENT_WRITE))
                self._after(number, line)
        if self._gone_since is not None and time.monotonic() - self._gone_since > BROKER_S:
            raise SimulationError(f"no broker answers any more at {':'.join(map(str, self._address))}: look at the hub")

    def _after(self, number: int, line: Line) -> None:
        """What a line has brought, and what its socket is to be waited for."""
        if line.broken:
            self._lose(number, line)
            return
        if line.ready and number not in self._ready:
            self._begin(number, line)
        while line.heard:
            self._hear(self._rooms[number], line.heard.pop(0))
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if line.full else 0)
        if self._watched.get(number) != wanted:
            (self._selector.modify if number in self._watched else self._selector.register)(line, wanted, number)
            self._watched[number] = wanted

    def _open(self, number: int, tries: int) -> None:
        room, line = self._rooms[number], Line(self._clinic, self._rooms[number].device)
        try:
            line.open(*self._address, room.death())
        except OSError:
            self._gone_since = self._gone_since or time.monotonic()
            self._at(time.monotonic() + self._reopen.wait(tries), partial(self._open, number, tries + 1))
            return
        self._lines[number] = line
        self._after(number, line)
        self._at(time.monotonic() + MISC_S * self._dice.random(), partial(self._keep, number, line))

    def _lose(self, number: int, line: Line) -> None:
        if number in self._watched:
            self._selector.unregister(line)
            del self._watched[number]
        line.close()
        self._lines.pop(number, None)
        self._ready.discard(number)
        self._at(time.monotonic() + self._reopen.wait(1), partial(self._open, number, 2))

    def _begin(self, number: int, line: Line) -> None:
        self._ready.add(number)
        self._gone_since = None
        line.announce(self._rooms[number].birth())
        for seq in list(self._rooms[number].waiting):
            self._send(number, seq)

    def _keep(self, number: int, line: Line) -> None:
        if self._lines.get(number) is line:
            line.keep()
            self._after(number, line)
            self._at(time.monotonic() + MISC_S, partial(self._keep, number, line))

    def _beat(self, number: int, due: float) -> None:
        if due < self._ends:
            self.counts.heartbeats += 1
            self._send(number, self._rooms[number].beat())
            after = due + HEARTBEAT_S / self._plan.speed
            self._at(after, partial(self._beat, number, after))

    def _release(self, number: int, due: float) -> None:
        if due < self._ends:
            self.counts.releases += 1
            self._send(number, self._rooms[number].release(week_of(datetime.now(UTC).date())))
            after = due + RELEASES_S / self._plan.speed
            self._at(after, partial(self._release, number, after))

    def _send(self, number: int, seq: int) -> None:
        """Publish a message where there is a line; again later unless it is acknowledged."""
        waiting, line = self._rooms[number].waiting.get(seq), self._lines.get(number)
        if waiting is None or line is None or number not in self._ready:
            return
        now = time.monotonic()
        self.counts.again += waiting.tries > 0
        waiting.sent, waiting.tries = waiting.sent or now, waiting.tries + 1
        line.send(waiting.payload)
        tries = waiting.tries
        self._at(now + self._resend.wait(tries), partial(self._send_again, number, seq, tries))
        self._after(number, line)

    def _send_again(self, number: int, seq: int, tries: int) -> None:
        waiting = self._rooms[number].waiting.get(seq)
        if waiting is not None and waiting.tries == tries:
            self._send(number, seq)

    def _hear(self, room: SimulatedRoom, said: bytes) -> None:
        now, content = time.monotonic(), wire.read_down(said)
        if isinstance(content, wire.Word):
            if content.generation != self._generation:
                raise SimulationError("another hub answers on this wire: simulate rooms into a hub that is alone there")
            return
        for seq in content.seqs if content.epoch == room.epoch else ():
            waiting = room.waiting.pop(seq, None)
            if waiting is not None and waiting.sent is not None:
                self.counts.acknowledged += 1
                self.counts.lags.append(now - waiting.sent)
                if self._landed:
                    self._landed(room, seq, waiting.payload)
