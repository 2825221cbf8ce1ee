"""Watching a simulated room in the terminal: the view drawn from the room, and keys for its button and switch."""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from app.conversation.vocabulary import FRAMES_PER_S, Now
from app.hearing.calibration import Again, Unclear
from app.hearing.seats import Seat
from app.room.room import Room
from app.room.session import Moment
from app.terminal.report import clock
from app.terminal.view import Scene, Terminal
from firmware.simulated import SimulatedButton, SimulatedSwitch, TapeArray

STAVE = 60
"""Characters of the last stretch of speech."""
MARK_FRAMES = 50
"""Frames a character stands for: half a second."""
LOUD_ENOUGH = 0.5
"""Probability of speech from which a mark is drawn; for the eye only."""
DRAW_S = 0.1
KEYS = "space: button   c: hold it 3 s   w: 5 s   p: privacy switch   q: quit"
PLUG = "   u: plug"


@dataclass(frozen=True, slots=True)
class Hands:
    """What keys can do to a board."""

    button: SimulatedButton
    privacy: SimulatedSwitch
    tape: TapeArray | None = None
    """A recording's array, whose plug can be pulled."""

    @property
    def keys(self) -> str:
        """The keys in words."""
        return KEYS + (PLUG if self.tape else "")

    def press(self, key: str) -> None:
        """Do what a key is for."""
        if key == " ":
            self.button.press()
        elif key == "c":
            self.button.press(3.0)
        elif key == "w":
            self.button.press(5.0)
        elif key == "p":
            self.privacy.move(is_open=not self.privacy.is_open())
        elif key == "u" and self.tape:
            self.tape.plugged = not self.tape.plugged


@dataclass(slots=True)
class Watch:
    """Draws at most ten times a second, however fast the session goes."""

    title: str
    room: Room
    hands: Hands
    seats: Callable[[], Sequence[Seat]]
    terminal: Terminal
    clock: Callable[[], float]
    quit: bool = False
    _shown: list[str] = field(default_factory=list)
    _staves: list[deque[str]] = field(default_factory=list)
    _spoke: list[bool] = field(default_factory=list)
    _mark: int = 0
    _measured: bool = True
    _drawn_at: float = 0.0
    _said: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self._lay_out()

    def _lay_out(self) -> None:
        """A row a seat; anew when the seats have changed."""
        self._shown = self._rows()
        self._staves = [deque("." * STAVE, STAVE) for _ in self._shown]
        self._spoke = [False] * len(self._staves)

    def look(self, moment: Moment | None) -> None:
        """Take what one block has brought."""
        self._press()
        if moment:
            self._note(moment)
        if self.clock() - self._drawn_at >= DRAW_S:
            self._drawn_at = self.clock()
            self.terminal.show(self.scene(moment.now if moment else None))

    def scene(self, now: Now | None) -> Scene:
        """What there is to see."""
        if self._shown != self._rows():
            self._lay_out()
        if now:
            self._said = tuple(self._words(now))
        elif self.room.life.seating:
            self._said = tuple(self._sitting())
        elif self.room.session is None:
            self._said = tuple(self._idle())
        elif not self.room.source.live:
            self._said = (f"No sound: {self.room.source.trouble or 'the microphones are being opened'}",)
        staves = [(name, "".join(stave)) for name, stave in zip(self._rows(), self._staves, strict=True)]
        return Scene(self.title, self.room.brightness, staves, self._said, self.hands.keys)

    def _rows(self) -> list[str]:
        return [seat.name for seat in self.seats()] or ["speech"]

    def _idle(self) -> list[str]:
        """Between sessions."""
        said = [f"No session can be heard: {self.room.fault}"] if self.room.fault else ["Press to begin a session"]
        if self.room.withdrew:
            said.append("The last session was withdrawn: nothing of it is kept")
        elif self.room.life.ended is not None:
            said.append("The last session is over; for two minutes it can still be withdrawn")
        return said

    def _sitting(self) -> list[str]:
        """While seats are set."""
        seating, last = self.room.seating, self.room.seated
        found = ", ".join(f"{s.name} at {s.azimuth:.0f} degrees" for s in seating.seats) if seating else ""
        said = [
            "Setting the seats: one after the other says a sentence, the therapist first; a press ends it",
            f"Found: {found or 'nobody yet'}",
        ]
        if isinstance(last, Unclear):
            said.append(f"Once more, please: {last.reason}")
        elif isinstance(last, Again):
            said.append(f"That was the {last.seat.name} again")
        return said

    def _note(self, moment: Moment) -> None:
        now, live = moment.now, moment.heard.live
        mark = max(0, now.frame - 1) // MARK_FRAMES
        if mark != self._mark:
            for stave, spoke in zip(self._staves, self._spoke, strict=True):
                stave.append(("#" if spoke else ".") if self._measured else "x")
                stave.extend("x" * (mark - self._mark - 1))
            self._mark, self._measured, self._spoke = mark, True, [False] * len(self._spoke)
        self._measured = self._measured and now.measurable
        speech = live.seats if self.seats() else live.speech[:, None]
        for row, spoke in enumerate((speech >= LOUD_ENOUGH).any(0).tolist()):
            self._spoke[row] |= spoke

    def _words(self, now: Now) -> list[str]:
        """The present, and the cues so far."""
        if not now.measurable:
            state = "Cannot measure: " + (self.room.source.trouble or "nothing arrives")
        elif now.silent_for >= FRAMES_PER_S:
            state = f"Silence for {clock(now.silent_for / FRAMES_PER_S)}"
        elif now.holder and now.held_since is not None:
            state = f"The {now.holder.value} has had the floor for {clock((now.frame - now.held_since) / FRAMES_PER_S)}"
        else:
            state = "Listening"
        cued = self.room.session.cued if self.room.session else []
        cues = ", ".join(f"{each.cue} at {clock(each.at_s)}" for each in cued) or "none so far"
        return [f"{clock(now.frame / FRAMES_PER_S)}  {state}", f"Cues: {cues}"]

    def _press(self) -> None:
        for key in self.terminal.typed():
            self.quit = self.quit or key == "q"
            self.hands.press(key)
