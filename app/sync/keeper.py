"""Keeps this unit's certificate: joins once, renews in time, and again when the hub has long been silent."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from app.durable import DurableError
from app.sync.identity import Identity, new_key, signing_request
from app.sync.joining import Door, DoorError, ShutError
from app.sync.resend import Backoff

RENEW_S = 30 * 86_400
"""So long before its end, by the hub's time, a certificate is renewed: after 60 of 90 days."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How often to ask, in seconds."""

    join_s: float = 5.0
    join_most_s: float = 300.0
    """Between two tries to join; it doubles in between."""
    first_s: float = 60.0
    """Without a word of the hub since the start, after which to ask whether the certificate has ended."""
    silent_s: float = 1800.0
    """The same, once the hub has spoken."""
    renew_s: float = 3600.0
    """Between two tries to renew."""


class Keeper:
    """Joins and renews at a door. `notify` gets a sentence about each thing once. Raises DurableError."""

    def __init__(
        self,
        identity: Identity,
        door: Door,
        notify: Callable[[str], None],
        chance: Callable[[], float],
        patience: Patience | None = None,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        self._identity, self._door, self._notify, self._elapsed = identity, door, notify, elapsed
        self._patience = patience or Patience()
        self._backoff = Backoff(self._patience.join_s, self._patience.join_most_s, chance)
        self._said = set[str]()
        self._hub_time: int | None = None
        self._spoken = False
        self._since = self._next = elapsed()
        self._tries = 0

    def join(self, device: str, code: str, fingerprint: str) -> bool | None:
        """One try to join, if it is due: whether it did; None when the hub has refused, and no other try would help."""
        if self._elapsed() < self._next:
            return False
        try:
            ca = self._door.authority(fingerprint)
            self._identity.keep(ca, self._door.join(ca, device, code, self._identity.request()), code)
        except ShutError:
            self._say(
                f"the hub does not take the joining code of '{device}': it ends after some days and works once; "
                "make a new one with `fermata hub add-room`"
            )
            return None
        except DoorError as error:
            self._say(f"this unit cannot join yet, {error}: trying again")
            self._tries += 1
            self._next = self._elapsed() + self._backoff.wait(self._tries)
            return False
        self._notify(f"this unit has joined its clinic as '{device}'")
        return True

    def step(self, hub_time: int | None) -> None:
        """Renew if it is due by the hub's time, or the hub has long been silent: a certificate may have ended."""
        now = self._elapsed()
        if hub_time != self._hub_time:
            self._spoken = self._hub_time is not None or self._spoken
            self._hub_time, self._since = hub_time, now
        silent = now - self._since > (self._patience.silent_s if self._spoken else self._patience.first_s)
        due = hub_time is not None and hub_time >= self._identity.ends() - RENEW_S
        if (due or silent) and now >= self._next:
            self._next = now + self._patience.renew_s
            self._door = replace(self._door, known=hub_time)
            self.renew(fresh=False)

    def rotate(self) -> bool:
        """Another key and certificate at once, as a command has asked; whether they are there, and tried hourly."""
        now = self._elapsed()
        if now < self._next:
            return False
        self._next = now + self._patience.renew_s
        return self.renew(fresh=True)

    def renew(self, *, fresh: bool) -> bool:
        """Ask for the next certificate, for a new key; whether there is one. `fresh`: the hub shall see no need."""
        key = new_key()
        try:
            ca = self._identity.ca.read_text()
            given = self._door.renew(ca, self._identity.unit, signing_request(key), fresh=fresh)
            if given is None:
                return False
            self._identity.renew(key, given)
        except ShutError:
            self._say(
                "the hub no longer takes this unit: it was revoked there, or was off for over a year; "
                "add its room again with `fermata hub add-room`"
            )
        except (DoorError, DurableError, OSError) as error:
            self._say(f"this unit's certificate cannot be renewed yet, {error}: trying again")
        else:
            self._said.clear()
            self._notify("this unit's certificate was renewed")
            return True
        return False

    def _say(self, sentence: str) -> None:
        if sentence not in self._said:
            self._said.add(sentence)
            self._notify(sentence)
