"""What `listen` attends to from the hub: the time, commands, and word that this unit is a copy. `send` brings bytes.

Nothing here is answered sooner or later because of a session. Two things must wait for its end: a copy is emptied,
once if ever; and the machine is restarted, at a fixed hour of some day, which does not tell when the session ended.
"""

import time
from collections.abc import Callable
from datetime import UTC, date, datetime

from pydantic import ValidationError

from app.release.ledger import Ledger
from app.release.week import week_of
from app.settings import Settings
from app.sync import command, wire
from app.sync.clock import Clock
from app.sync.outbox import Outbox
from app.sync.told import SETTING, Told

KEEP_S = 3600.0
"""So often the time is written down."""
REBOOT_WITHIN_S = 120.0
"""After its fixed hour a reboot may come so late; else it is for the next day."""
DAY_S = 86400.0
GROUPS = ("cues",)
"""All settings of these groups can be set by the hub, and of others the following; each within its range."""
SETTINGS = ("session.planned_minutes",)


class Attend:
    """A room's ear for its hub; `notify` gets a sentence for people. Raises DurableError."""

    def __init__(
        self,
        settings: Settings,
        ledger: Ledger,
        outbox: Outbox,
        told: Told,
        notify: Callable[[str], None],
        own: Callable[[], float] = time.time,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ledger, self._outbox, self._told, self._notify = ledger, outbox, told, notify
        self._own = settings
        self._clock = Clock(own, elapsed, ledger.known_time(), outbox.hub_time())
        self._kept = 0.0
        self._reported: set[str] = set()
        ledger.sure = False

    @property
    def settings(self) -> Settings:
        """The unit's settings with what the hub has set; what no longer fits its range is left out."""
        settings = self._own
        for name, value in self._told.settings().items():
            settings = overlaid(settings, name, value) or settings
        return settings

    def now(self) -> datetime:
        """The time of day, UTC."""
        return datetime.fromtimestamp(self._clock.now(), UTC)

    def step(self, *, in_session: bool) -> None:
        """Attend to all that has come; call it every half minute, also in a session."""
        self._follow_time()
        if self._outbox.is_old() and not in_session:
            self._ledger.erase()
            self._outbox.renew()
            self._notify(
                "this unit was restored from an old copy, whose sessions the hub may have in releases: they were erased"
            )
        if self._clock.sure:  # before, nobody knows what has expired
            for lies, payload in self._outbox.received():
                self._outbox.done(lies, self._answer(payload))
                self._told.answered(self._outbox.epoch)

    def shall_reboot(self, hour: int, *, in_session: bool) -> bool:
        """Whether to restart the machine now, as the hub has asked: just after this hour (UTC), never in a session."""
        now = self.now()
        slot = now.replace(hour=hour, minute=0, second=0, microsecond=0)
        late = (now - slot).total_seconds()
        if in_session or not 0 <= late < REBOOT_WITHIN_S or not self._told.get("reboot"):
            return False
        self._told.drop("reboot")
        return True

    def _follow_time(self) -> None:
        turn = self._clock.hear(self._outbox.hub_time())
        self._ledger.sure = self._clock.sure
        now = self._clock.now()
        if turn:
            before, after = week_of(day(turn.before)), week_of(day(turn.after))
            self._ledger.turn(before, after, int(now), passed=turn.passed)
            days = (turn.after - turn.before) / DAY_S
            if not turn.passed and abs(days) > 1:
                self._notify(f"the clock was wrong by {days:+.0f} days and follows the hub's now: nothing was lost")
        elif abs(now - self._kept) >= KEEP_S:
            self._ledger.keep_time(int(now))
        else:
            return
        self._kept = now

    def _answer(self, payload: bytes) -> wire.Result | None:
        """Obey, or refuse and say so once for each reason; what the hub is told."""
        epoch, sha256 = self._outbox.epoch, wire.fingerprint(payload)
        try:
            order = command.verify(payload, self._own.hub.command_key)
            if result := self._told.unanswered(epoch, sha256):
                return result
            command.check(order, self._outbox.device, epoch, self._told.last(epoch), self._clock.now())
        except command.Refused as refused:
            if refused.reason in self._reported:
                return None
            self._reported.add(refused.reason)
            self._notify(str(refused))
            return wire.Result.model_validate(
                {"number": refused.number, "outcome": "refused", "reason": refused.reason}
            )
        result, changes = self._obeyed(order)
        if order.deed.kind == "rotate-certificate":  # first: after a power cut it is asked for again, not forgotten
            self._outbox.ask_to_rotate()
        self._told.obey(epoch, sha256, result, changes)
        return result

    def _obeyed(self, order: command.Order) -> tuple[wire.Result, dict[str, object]]:
        """What becomes of an order, and what is to be kept of it."""
        match order.deed:
            case command.Set(name=name, value=value):
                if overlaid(self._own, name, value) is None:
                    reason = wire.Result(number=order.number, outcome="refused", reason="not allowed")
                    return reason, {}
                return wire.Result(number=order.number, outcome="done"), {f"{SETTING}{name}": value}
            case command.Rename(name=name):
                return wire.Result(number=order.number, outcome="done"), {"name": name}
            case command.Update() as update:
                return wire.Result(number=order.number, outcome="done"), {"update": update.model_dump()}
            case command.Reboot():
                return wire.Result(number=order.number, outcome="taken"), {"reboot": True}
            case command.RotateCertificate():
                return wire.Result(number=order.number, outcome="taken"), {}


def overlaid(settings: Settings, name: str, value: object) -> Settings | None:
    """The settings with one that the hub may set; None if it may not, or the value is out of its range."""
    group, _, key = name.partition(".")
    if group not in GROUPS and name not in SETTINGS:
        return None
    own = getattr(settings, group)
    if key not in type(own).model_fields:
        return None
    try:
        changed = type(own).model_validate({**own.model_dump(), key: value})
    except ValidationError:
        return None
    return settings.model_copy(update={group: changed})


def day(at: float) -> date:
    """The day of a time, UTC."""
    return datetime.fromtimestamp(at, UTC).date()
