"""The room unit: board, source, session, ledger and lamp put together; a step a block while a session is open."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date

from app.conversation.errors import Errors
from app.conversation.metrics import measure, released
from app.conversation.tally import Tally, TallyError
from app.conversation.vocabulary import FRAMES_PER_S
from app.cues.lamp import Lights, Microphones
from app.hearing.calibration import Placed, Step, Unclear
from app.release.ledger import Ledger
from app.release.week import week_of
from app.room.chairs import Chairs
from app.room.life import Deed, Life
from app.room.seating import Seating
from app.room.session import Moment, Session
from app.room.source import Source
from firmware.board import Board
from firmware.light import Light

CHECKPOINT_S = 10.0
FEWEST_SEATS = 2


@dataclass(slots=True)
class Room:
    """One room unit. All times come from `clock`, seconds that only rise; the date only names the ISO week."""

    board: Board
    source: Source
    ledger: Ledger
    life: Life
    lights: Lights
    errors: Errors | None
    make_session: Callable[[], Session]
    clock: Callable[[], float]
    today: Callable[[], date]
    chairs: Chairs = field(default_factory=lambda: Chairs(None))
    """The seats in force."""
    seating: Seating | None = None
    """How seats are set; None where a score takes the microphones' place."""
    session: Session | None = None
    withdrew: bool = False
    """The last session was withdrawn."""
    fault: str | None = None
    """Why no session could be heard, as last seen while idle; the microphone light says so."""
    seated: Step | None = None
    """What the last sentence has brought, while seats are set or just after."""
    _id: str | None = None
    """The ledger's id of the session that is open, or closed and not yet forgotten."""
    _checkpoint_at: float = 0.0
    _microphones: Microphones = Microphones.OFF

    def recover(self) -> None:
        """After a cut of power: close an interrupted session at its last checkpoint; it can still be withdrawn."""
        interrupted = self.ledger.interrupted()
        if interrupted:
            self._id, text = interrupted
            try:
                tally = Tally.from_json(json.loads(text)) if text else None
            except (ValueError, TallyError):  # a checkpoint of another version: nothing can be said of that session
                tally = None
            self._close(tally)
            self.life.ended = self.clock()
        else:
            self._id = self.ledger.withdrawable()
            self.life.ended = self.clock() if self._id else None

    def step(self) -> Moment | None:
        """Obey the button, take one block if a session is open, and render the lamp."""
        now = self.clock()
        for press in self.board.button.presses():
            self._do(*self.life.press(press.seconds, now, may_begin=self.board.privacy.is_open()))
        moment = self._hear(self.session) if self.session else None
        speech = moment is not None and bool(moment.now.speaking)
        if self.life.seating and self.seating:
            speech = self._seat(self.seating)
        self._do(*self.life.tick(self.clock(), speech))
        self._render()
        return moment

    def close(self) -> None:
        """End an open session, as at its planned end, leave seats as they were, and darken the lamp."""
        self._do(*self.life.end(self.clock()), *self.life.stand(Deed.UNSEAT))
        self.board.close()

    @property
    def idle(self) -> bool:
        """Nothing is being listened to."""
        return self.session is None and not self.life.seating

    def _do(self, *deeds: Deed) -> None:
        for deed in deeds:
            {
                Deed.BEGIN: self._begin,
                Deed.END: self._end,
                Deed.WITHDRAW: self._withdraw,
                Deed.FORGET: self._forget,
                Deed.SEAT: self._begin_seating,
                Deed.SEATED: self._keep_seats,
                Deed.UNSEAT: self._end_seating,
            }[deed]()

    def _begin_seating(self) -> None:
        self.seated = None
        if self.seating:
            self.seating.begin()
        else:
            self.life.stand(Deed.UNSEAT)

    def _seat(self, seating: Seating) -> bool:
        """Take one block while seats are set; whether somebody spoke."""
        step, now = seating.next(), self.clock()
        self.lights.show(now)  # what is lit stays while this goes on
        if step:
            self.seated = step
            self.lights.show(now, ended=["cannot_measure"])
        if isinstance(step, Unclear):
            self.lights.show(now, started=["cannot_measure"])
        elif isinstance(step, Placed):
            self.lights.acknowledge(now)
        if seating.trouble or seating.over or not self.board.privacy.is_open():
            self._do(*self.life.stand(Deed.SEATED if seating.over else Deed.UNSEAT))
        return seating.heard

    def _end_seating(self) -> None:
        if self.seating:
            self.seating.end()
        self.lights.show(self.clock(), ended=["cannot_measure"])

    def _keep_seats(self) -> None:
        """Keep what was found, if it is enough, and say so by light."""
        self._end_seating()
        if self.seating and len(self.seating.seats) >= FEWEST_SEATS:
            self.chairs.keep(self.seating.seats, self.seating.array)
            self._render()  # dark first: the confirmation is not a microphone
            self.lights.confirm(self.clock())

    def _begin(self) -> None:
        self._id, self.withdrew = self.ledger.open_session(), False
        self.chairs.refresh()
        self.session = self.make_session()
        self.source.begin()
        self._checkpoint_at = self.clock() + CHECKPOINT_S

    def _hear(self, session: Session) -> Moment | None:
        heard = self.source.next()
        if heard is None:
            if self.source.over:
                self._do(*self.life.end(self.clock()))
            return None
        moment = session.follow(heard)
        self.lights.show(self.clock(), moment.decided.started, moment.decided.ended)
        if self._id and self.clock() >= self._checkpoint_at:
            self.ledger.checkpoint(self._id, json.dumps(session.tally().as_json()))
            self._checkpoint_at = self.clock() + CHECKPOINT_S
        return moment

    def _stop(self) -> Session | None:
        """Close the microphones and put the lamp to rest; the session as it ended."""
        session, self.session = self.session, None
        if session:
            for heard in self.source.end():
                session.drain(heard)
            session.finish()
            self.lights.show(self.clock(), ended=session.policy.finish().ended)
        return session

    def _end(self) -> None:
        session = self._stop()
        self._close(session.tally() if session else None)

    def _close(self, tally: Tally | None) -> None:
        """Leave the session's numbers in the ledger; what was too short, or cannot be read, leaves nothing."""
        if self._id is None:
            return
        values = released(measure(tally, self.errors)) if tally else None
        measured_s = tally.measured / FRAMES_PER_S if tally else 0.0
        self.ledger.close(self._id, values, week_of(self.today()), measured_s)

    def _withdraw(self) -> None:
        self._stop()
        if self._id:
            self.ledger.withdraw(self._id)
            self._id, self.withdrew = None, True
            self._render()  # dark first: the confirmation is not a microphone
            self.lights.confirm(self.clock())

    def _forget(self) -> None:
        if self._id:
            self.ledger.forget(self._id)
            self._id = None

    def _render(self) -> None:
        state = self._state()
        now = self.clock()
        if state is not self._microphones:
            self._microphones = state
            self.lights.microphones(now, state)
        for light, brightness in self.lights.at(now).items():
            self.board.lamp.show(light, brightness)

    def _state(self) -> Microphones:
        if self.board.privacy.trouble:
            return Microphones.FAULT
        if self.idle:
            return Microphones.FAULT if self.fault else Microphones.OFF
        if not self.board.privacy.is_open():
            return Microphones.OFF
        is_open = self.source.is_open if self.session else bool(self.seating and self.seating.live)
        return Microphones.LIVE if is_open else Microphones.FAULT

    @property
    def brightness(self) -> dict[Light, float]:
        """What the lights show now."""
        return self.lights.at(self.clock())
