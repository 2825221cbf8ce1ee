"""The rota: what is done at fixed times whatever goes on in the room, the weekly release and the note on health."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.release.ledger import Ledger
from app.release.noise import Dice
from app.release.release import Rules, hand_over, seal
from app.release.week import week_of
from app.sync.outbox import Microphones, Outbox


@dataclass(slots=True)
class Rota:
    """Chores by the clock alone: an observer of the network learns nothing from when they are done, nor from what."""

    ledger: Ledger
    outbox: Outbox
    rules: Rules
    weekday: int
    """1 is Monday."""
    hour: int
    """UTC."""
    dice: Dice
    now: Callable[[], datetime]
    notify: Callable[[str], None]
    """Gets one sentence when waiting sessions were lost to damage."""
    microphones: Callable[[], Microphones | None]
    """How they are now, used or not; None where that cannot be told now."""
    _reported: int = 0
    _noted: datetime | None = None

    def catch_up(self) -> None:
        """Hand over what was sealed before a cut of power."""
        hand_over(self.ledger, self.outbox.put)

    def tick(self) -> None:
        """Do what is due. A week without enough sessions has its message too, of the same size."""
        now = self.now()
        week = week_of(last_slot(now, self.weekday, self.hour).date())
        if not self.ledger.has_sealed(week):
            seal(self.ledger, week, self.rules, self.dice)
            self.catch_up()
        today = now.replace(hour=self.hour, minute=0, second=0, microsecond=0)
        if now >= today and self._noted != today:
            self._noted = today
            self.ledger.expire(week_of(now.date()))
            found = self.microphones()  # never from what a session met: a word that changed would tell of one
            if found:
                self.outbox.write_health(found)
            if self.ledger.damaged > self._reported:
                lost, self._reported = self.ledger.damaged - self._reported, self.ledger.damaged
                self.notify(f"waiting sessions that could not be read were erased ({lost}): check the card they lay on")


def last_slot(now: datetime, weekday: int, hour: int) -> datetime:
    """The latest time at or before `now` that is this hour of this day of the week."""
    slot = now.replace(hour=hour, minute=0, second=0, microsecond=0) - timedelta(days=(now.isoweekday() - weekday) % 7)
    return slot if slot <= now else slot - timedelta(days=7)
