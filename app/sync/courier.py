"""The courier: carries the outbox's messages to the hub, and the hub's words back into it.

A broker's PUBACK is no receipt. A message is done only when the hub has acknowledged it after its COMMIT; until then
it is sent again. And before anything is sent, a hub that knows this unit says what it knows of it: a unit that was
restored from an old copy sends nothing, since the hub may have it already.
"""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from app.durable import DurableError, FullError, InUseError
from app.sync import wire
from app.sync.address import Address
from app.sync.clock import Clock
from app.sync.link import KEEPALIVE_S, Link
from app.sync.outbox import Outbox
from app.sync.resend import Backoff, Flight

READY_S = 10.0
"""Seconds from connecting to the broker's word that the acknowledgements are subscribed."""
UNANSWERED_S = 3600.0
"""Seconds with a broker but without the hub's acknowledgement, after which to say so."""
UNANSWERED = "no acknowledgement from the hub for an hour: look at the hub's inbox and this unit's permissions"


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
    in_step: bool = False
    """A message waits for the next heartbeat and goes with it: when a release was sealed is not to be seen."""
    poll_s: float = 0.5
    """Between two looks into the outbox."""
    keepalive_s: int = KEEPALIVE_S
    """Without a word, after which the broker is asked for one; given up after as long again."""
    greeting_s: float = 10.0
    """How long a hub that has never said what it knows of us is waited for; others until they do."""


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
        told = outbox.hub_time()
        self._clock = Clock(self._timing.own, self._timing.elapsed, told, told)
        self._will = self._last_words()
        self._slot: int | None = None
        self._in_step_below = 0
        """Messages from this number on have come since the last heartbeat."""
        self._flight = Flight(Backoff(self._pace.resend_s, self._pace.resend_most_s, self._timing.chance))
        self._link: Link | None = None
        self._reconnect = Backoff(self._pace.reconnect_s, self._pace.reconnect_most_s, self._timing.chance)
        self._greeted = False
        """The hub has said what it knows of us, since we are connected."""
        self._greetings = 0
        self._greet_at = 0.0
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
            self._slot, self._in_step_below = slot, self._outbox.state().next_seq or 0

    def _last_words(self) -> wire.State:
        """Count a birth; what is said at its end."""
        return self._outbox.birth().model_copy(update={"state": "death", "next_seq": None, "before": None})

    def _connect_when_due(self) -> None:
        wait = self._next_try - self._timing.elapsed()
        if wait > 0:
            self._timing.sleep(min(wait, self._pace.poll_s))
            return
        if self._will.epoch != self._outbox.epoch:
            self._will = self._last_words()
        link = Link(self._address, self._clinic, self._outbox.device, self._store)
        try:
            link.connect(self._address, self._will, self._outbox.hub_time(), self._pace.keepalive_s)
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
            self._begin(link, now)
        if link.ready and link.trouble is None:
            if self._is_known(link, now):
                self._send(link, now)
        elif now - self._since > READY_S and link.trouble is None:
            link.trouble = "it lets this unit connect and then says nothing"
        if link.trouble is not None:
            self._lose(link, link.trouble)
        elif self._will.epoch != self._outbox.epoch:
            self._say("this unit begins anew under another name on the wire: connecting again")
            self._slot = None
            self.end()

    def _begin(self, link: Link, now: float) -> None:
        link.announce(self._outbox.state())
        self._greeted, self._greetings, self._greet_at = False, 1, now + self._flight.backoff.wait(1)
        self._flight.hurry()
        self._answered = now
        self._said.clear()
        self._say(f"connected to the hub at {self._address.host}:{self._address.port}")

    def _is_known(self, link: Link, now: float) -> bool:
        """Whether the hub has said what it knows of us, or need not; our birth is told until it has."""
        if self._greeted:
            return True
        if now >= self._greet_at:
            link.announce(self._outbox.state())
            self._greetings += 1
            self._greet_at = now + self._flight.backoff.wait(self._greetings)
        if now - self._answered > UNANSWERED_S:
            self._say(UNANSWERED)
        return self._outbox.generation() is None and now - self._answered >= self._pace.greeting_s

    def _send(self, link: Link, now: float) -> None:
        waiting = self._outbox.waiting()
        if self._pace.in_step:
            waiting = [message for message in waiting if message.seq < self._in_step_below]
        for message in waiting:
            if self._flight.due(message.seq, now) and link.trouble is None:
                link.send(message.payload)
                self._flight.sent(message.seq, now)
        if not waiting:
            self._answered = now
        elif now - self._answered > UNANSWERED_S:
            self._say(UNANSWERED)

    def _take(self, link: Link) -> None:
        """Write down what the hub knows, and what it has committed."""
        acks = []
        while link.acks:
            try:
                said = wire.read_down(link.acks.pop(0))
            except wire.WireError:
                self._say("what the hub has said cannot be read: update this unit or the hub")
                continue
            if isinstance(said, wire.Word):
                self._take_word(said)
            elif said.epoch == self._outbox.epoch:
                acks.append(said)
        if acks:
            seqs, hub_time = [seq for ack in acks for seq in ack.seqs], max(ack.hub_time for ack in acks)
            self._outbox.acknowledge(acks[0].epoch, seqs, hub_time)
            self._flight.landed(seqs)
            self._clock.hear(hub_time)
            self._answered, self._tries = self._timing.elapsed(), 0

    def _take_word(self, word: wire.Word) -> None:
        if not self._outbox.greet(word):
            return
        self._greeted = True
        self._answered = self._timing.elapsed()
        if self._outbox.is_old():
            self._say("the hub knows more of this unit than it does itself, so it is a copy: `listen` will begin anew")

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
