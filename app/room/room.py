"""The room unit: board, source, session, ledger and lamp put together; a step a block while a session is open."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from app.conversation.metrics import Errors, measure, released
from app.conversation.tally import Tally, TallyError
from app.conversation.vocabulary import FRAMES_PER_S
from app.cues.lamp import Lights, Microphones
from app.release.ledger import Ledger
from app.release.week import week_of
from app.room.life import Deed, Life
from app.room.session import Moment, Session
from app.room.source import Source
from firmware.board import Board
from firmware.light import Light

CHECKPOINT_S = 10.0


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
    session: Session | None = None
    withdrew: bool = False
    """The last session was withdrawn."""
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
        self._do(*self.life.tick(self.clock(), speech))
        self._render()
        return moment

    def close(self) -> None:
        """End an open session, as at its planned end, and darken the lamp."""
        self._do(*self.life.end(self.clock()))
        self.board.close()

    def _do(self, *deeds: Deed) -> None:
        for deed in deeds:
            {
                Deed.BEGIN: self._begin,
                Deed.END: self._end,
                Deed.WITHDRAW: self._withdraw,
                Deed.FORGET: self._forget,
            }[deed]()

    def _begin(self) -> None:
        self._id, self.withdrew = self.ledger.open_session(), False
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
                session.follow(heard)
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
        if self.session is None or not self.board.privacy.is_open():
            return Microphones.OFF
        return Microphones.LIVE if self.source.live else Microphones.FAULT

    @property
    def brightness(self) -> dict[Light, float]:
        """What the lights show now."""
        return self.lights.at(self.clock())
