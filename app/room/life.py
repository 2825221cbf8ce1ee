"""A session's life: what a press of the button means when, and when a session ends by itself."""

from dataclasses import dataclass
from enum import Enum

WITHDRAWAL_S = 120.0
"""Seconds after its end in which a session can still be withdrawn; then it cannot be told apart any more."""
OVERTIME_S = 600.0
"""Seconds past the planned length after which a session ends by itself: nobody is measured on another's consent."""
QUIET_S = 900.0
"""Seconds without speech after which a session ends by itself."""
HOLD_S = 3.0
"""Seconds from which a press is not short any more."""
HOLD_WITHDRAW_S = 5.0
SEATING_QUIET_S = 30.0
"""Seconds without a word after which the setting of seats ends by itself."""


class Deed(Enum):
    """What is to be done now."""

    BEGIN = "begin"
    END = "end"
    WITHDRAW = "withdraw"
    FORGET = "forget"
    """The two minutes are over: the last session can no longer be told apart."""
    SEAT = "seat"
    """Begin to set the seats."""
    SEATED = "seated"
    """All have spoken: keep the seats as found."""
    UNSEAT = "unseat"
    """Leave the seats as they were."""


@dataclass(slots=True)
class Life:
    """Follows presses and time; times are seconds of a clock that only rises.

    ```
                 idle        in a session    up to 2 min after    while seats are set
    short press  BEGIN       END             BEGIN                SEATED
    3 s          SEAT        -               -                    UNSEAT
    5 s          -           WITHDRAW        WITHDRAW             UNSEAT
    ```
    """

    planned_s: float
    began: float | None = None
    ended: float | None = None
    last_speech: float = 0.0
    seating: bool = False

    @property
    def open(self) -> bool:
        """A session is going on."""
        return self.began is not None

    def press(self, held_s: float, now: float, may_begin: bool = True) -> tuple[Deed, ...]:
        """The deeds that a finished press of this length asks for; none begins while the privacy switch is shut."""
        if self.seating:
            return self.stand(Deed.UNSEAT if held_s >= HOLD_S else Deed.SEATED)
        if held_s >= HOLD_WITHDRAW_S:
            return self._withdraw()
        if held_s >= HOLD_S:
            return self._seat(now) if may_begin else ()
        if self.open:
            return self.end(now)
        return self._begin(now) if may_begin else ()

    def tick(self, now: float, speech: bool = False) -> tuple[Deed, ...]:
        """The deeds that time alone asks for; `speech` says whether anybody has been heard since the last tick."""
        if speech:
            self.last_speech = now
        if self.seating and now - self.last_speech >= SEATING_QUIET_S:
            return self.stand(Deed.SEATED)
        if self.began is not None and (
            now - self.began >= self.planned_s + OVERTIME_S or now - max(self.began, self.last_speech) >= QUIET_S
        ):
            return self.end(now)
        if self.ended is not None and now - self.ended >= WITHDRAWAL_S:
            self.ended = None
            return (Deed.FORGET,)
        return ()

    def end(self, now: float) -> tuple[Deed, ...]:
        """End the session, if one is going on."""
        if self.began is None:
            return ()
        self.began, self.ended = None, now
        return (Deed.END,)

    def stand(self, deed: Deed) -> tuple[Deed, ...]:
        """End the setting of seats, if it is going on, with this deed."""
        was, self.seating = self.seating, False
        return (deed,) if was else ()

    def _seat(self, now: float) -> tuple[Deed, ...]:
        if self.open or self.ended is not None:
            return ()
        self.seating, self.last_speech = True, now
        return (Deed.SEAT,)

    def _begin(self, now: float) -> tuple[Deed, ...]:
        before = () if self.ended is None else (Deed.FORGET,)
        self.began, self.ended, self.last_speech = now, None, now
        return (*before, Deed.BEGIN)

    def _withdraw(self) -> tuple[Deed, ...]:
        if self.began is None and self.ended is None:
            return ()
        self.began = self.ended = None
        return (Deed.WITHDRAW,)
