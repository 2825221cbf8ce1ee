"""The courier: carries the outbox's messages to the hub, and the hub's words back into it.

A broker's PUBACK is no receipt. A message is done only when the hub has acknowledged it after its COMMIT; until then
it is sent again.
"""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from pydantic import ValidationError

from app.durable import DurableError, FullError, InUseError
from app.sync import wire
from app.sync.address import Address
from app.sync.clock import Clock
from app.sync.link import Link
from app.sync.outbox import Outbox
from app.sync.resend import Backoff, Flight

READY_S = 10.0
"""Seconds from connecting to the broker's word that the acknowledgements are subscribed."""
UNANSWERED_S = 3600.0
"""Seconds with a broker but without the hub's acknowledgement, after which to say so."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How often things happen, in seconds."""

    heartbeat_s: float = 300.0
    """Between heartbeats, at fixed times of the clock."""
    resend_s: float = 6.0
    """Until a message without an acknowledgement is sent again; doubles each time."""
    resend_most_s: float = 300.0
    reconnect_s: float = 1.0
    reconnect_most_s: float = 30.0
    poll_s: float = 0.5
    """Between two looks into the outbox."""


@dataclass(frozen=True, slots=True)
class Timing:
    """The clocks that the courier lives by."""

    own: Callable[[], float] = time.time
    """This machine's time of day."""
    elapsed: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    chance: Callable[[], float] = random.random
    """Jitter in [0, 1)."""


class Courier:
    """Carries what the outbox holds to the hub for as long as it runs.

    `notify` gets one sentence when the hub goes away, comes back, or does not answer. Raises AddressError for settings
    that cannot work, and DurableError when the outbox is no more; a hub or a disk that fails for a while is waited for.
    """

    def __init__(
        self,
        outbox: Outbox,
        address: Address,
        clinic: str,
        software: str,
        notify: Callable[[str], None],
        *,
        pace: Pace | None = None,
        timing: Timing | None = None,
    ) -> None:
        address.trust()
        self._outbox, self._address, self._clinic, self._software = outbox, address, clinic, software
        self._pace, self._timing = pace or Pace(), timing or Timing()
        self._notify = notify
        self._said: set[str] = set()
        self._clock = Clock(self._timing.own, self._timing.elapsed)
        self._clock.hear(outbox.hub_time())
        self._will = outbox.birth().model_copy(update={"state": "death", "next_seq": None})
        self._slot: int | None = None
        self._flight = Flight(Backoff(self._pace.resend_s, self._pace.resend_most_s, self._timing.chance))
        self._link: Link | None = None
        self._reconnect = Backoff(self._pace.reconnect_s, self._pace.reconnect_most_s, self._timing.chance)
        self._tries = 0
        self._next_try = self._since = self._answered = self._timing.elapsed()

    def run(self, stop: Callable[[], bool]) -> None:
        """Carry until `stop` says so; asked every `poll_s` seconds or sooner."""
        try:
            while not stop():
                self.step()
        finally:
            self.end()

    def step(self) -> None:
        """One look at the outbox and one turn of the link, `poll_s` seconds at most."""
        try:
            self._beat()
            if self._link is None:
                self._connect_when_due()
            else:
                self._carry(self._link)
        except (FullError, InUseError) as error:
            self._say(str(error))
            self._timing.sleep(self._pace.poll_s)

    def _beat(self) -> None:
        slot = int(self._clock.now() // self._pace.heartbeat_s)
        if slot != self._slot:
            self._outbox.beat(slot, self._software)
            self._slot = slot

    def _connect_when_due(self) -> None:
        wait = self._next_try - self._timing.elapsed()
        if wait > 0:
            self._timing.sleep(min(wait, self._pace.poll_s))
            return
        link = Link(self._address, self._clinic, self._outbox.device, self._store)
        try:
            link.connect(self._address, self._will)
        except (OSError, UnicodeError) as error:  # UnicodeError: a host that is no name
            link.trouble = f"it does not answer ({error})"
        self._link, self._since = link, self._timing.elapsed()
        if link.trouble is not None:
            self._lose(link, link.trouble)

    def _carry(self, link: Link) -> None:
        was_ready = link.ready
        link.turn(self._pace.poll_s)
        self._take(link)
        now = self._timing.elapsed()
        if link.ready and not was_ready:
            self._greet(link, now)
        if link.ready and link.trouble is None:
            self._send(link, now)
        elif now - self._since > READY_S and link.trouble is None:
            link.trouble = "it lets this unit connect and then says nothing"
        if link.trouble is not None:
            self._lose(link, link.trouble)

    def _greet(self, link: Link, now: float) -> None:
        link.announce(self._outbox.state())
        self._flight.hurry()
        self._answered = now
        self._said.clear()
        self._say(f"connected to the hub at {self._address.host}:{self._address.port}")

    def _send(self, link: Link, now: float) -> None:
        waiting = self._outbox.waiting()
        for message in waiting:
            if self._flight.due(message.seq, now) and link.trouble is None:
                link.send(message.payload)
                self._flight.sent(message.seq, now)
        if not waiting:
            self._answered = now
        elif now - self._answered > UNANSWERED_S:
            self._say(
                "no acknowledgement from the hub for an hour: look at the hub's inbox and this unit's permissions"
            )

    def _take(self, link: Link) -> None:
        """Write down what the hub has committed."""
        acks = []
        while link.acks:
            try:
                acks.append(wire.Ack.model_validate_json(link.acks.pop(0)))
            except ValidationError:
                self._say("the hub's acknowledgement cannot be read: update this unit or the hub")
        ours = [ack for ack in acks if ack.epoch == self._outbox.epoch]
        if ours:
            seqs = [seq for ack in ours for seq in ack.seqs]
            self._outbox.acknowledge(self._outbox.epoch, seqs, max(ack.hub_time for ack in ours))
            self._flight.landed(seqs)
            self._clock.hear(self._outbox.hub_time())
            self._answered = self._timing.elapsed()
            self._tries = 0

    def _store(self, command: bytes) -> None:
        try:
            if not self._outbox.receive(command):
                self._say("what the hub has sent is too large or too much and was not kept: see that `listen` runs")
        except DurableError as error:
            self._say(f"what the hub has sent was not kept, {error}")

    def _lose(self, link: Link, trouble: str) -> None:
        sentence = f"the hub at {self._address.host}:{self._address.port} is away, {trouble}: trying again"
        self._say(sentence, trouble if link.refused else "away")
        link.end()
        self._link = None
        self._tries += 1
        self._next_try = self._timing.elapsed() + self._reconnect.wait(self._tries)

    def _say(self, sentence: str, about: str | None = None) -> None:
        """Notify once about each thing until the next connection."""
        if (about or sentence) not in self._said:
            self._said.add(about or sentence)
            self._notify(sentence)

    def end(self) -> None:
        """Say goodbye to the hub; `run` does it by itself."""
        if self._link is not None:
            if self._link.ready:
                self._link.announce(self._will)
            self._link.end()
            self._link = None
