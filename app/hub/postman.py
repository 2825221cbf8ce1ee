"""The postman: takes the next mail on when it is time, hands it to the mail server, and notes what became of it."""

import secrets
from collections.abc import Callable
from threading import Event

from app.hub.errors import MailError, StoreError
from app.hub.letters import digest, trial
from app.hub.mail import MailOptions, deliver, letter
from app.hub.post import Mail, Post
from app.hub.words import words

LOOK_S = 15.0


class Postman:
    """Sends the mails of one clinic; `number` begins what tells its mails from all others."""

    def __init__(
        self,
        options: MailOptions,
        clinic: str,
        number: str,
        post: Post,
        clock: Callable[[], float],
        notice: Callable[[str], None],
    ) -> None:
        self._options, self._clinic, self._number, self._post = options, clinic, number, post
        self._clock, self._notice = clock, notice
        self._worry: str | None = None
        self._to_note: Callable[[], None] | None = None

    def run(self, stop: Event) -> None:
        """Send until told to stop; what cannot be done now is tried again later."""
        while not stop.is_set():
            try:
                self.go()
            except StoreError as error:
                self._say(f"no mail is sent: {error}")
            stop.wait(LOOK_S)

    def go(self) -> None:
        """Send the next mail, if there is one and it is time. Raises StoreError."""
        self._note()
        now = int(self._clock())
        mail = self._post.take(now)
        if mail is None:
            return
        try:
            refused = ", ".join(self._send(mail, now))
        except MailError as error:
            why = str(error)
            self._to_note = lambda: self._post.failed(mail, now, why)
            self._say(f"a mail could not be sent and is tried again: {why}")
        else:
            self._to_note = lambda: self._post.sent(mail, now, refused)
            self._worry = None
        self._note()

    def _send(self, mail: Mail, now: int) -> list[str]:
        subject, text = digest(mail, self._clinic, now, words(self._options.language))
        return deliver(self._options, letter(self._options, subject, text, f"{self._number}-{mail.id}"))

    def _note(self) -> None:
        """What became of a mail is kept here until the database has taken it, so that none is sent twice."""
        if self._to_note:
            self._to_note()
            self._to_note = None

    def _say(self, sentence: str) -> None:
        if sentence != self._worry:
            self._notice(sentence)
        self._worry = sentence


def send_trial(options: MailOptions, clinic: str) -> list[str]:
    """Send a mail that only shows that mail arrives; the addresses that were refused. Raises MailError."""
    subject, text = trial(clinic, words(options.language))
    return deliver(options, letter(options, subject, text, secrets.token_hex(8)))
