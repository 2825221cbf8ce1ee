"""Mail over SMTP: to whom and by which server, and one message handed to it, or the reason why not."""

import os
import re
import smtplib
import socket
import ssl
import stat
from contextlib import suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import formatdate
from pathlib import Path
from threading import Timer
from typing import Any, Literal

from app.hub.errors import HubError, MailError

ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?P<host>[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*)")
HOST = re.compile(r"[A-Za-z0-9.-]{1,253}|[0-9a-fA-F:]{2,45}")
LOOPBACK = {"127.0.0.1", "localhost", "::1"}
ANSWER_S = 20.0
"""So long the server may take for an answer."""
LONGEST_SAID = 200
LARGEST_PASSWORD = 1024

Security = Literal["starttls", "tls", "none"]


@dataclass(frozen=True, slots=True)
class MailOptions:
    """How mail goes out. Raises HubError when it cannot go like that."""

    host: str
    """The mail server's name, as its certificate has it."""
    sender: str
    to: tuple[str, ...]
    port: int = 587
    security: Security = "starttls"
    """none is for a server on this machine only, and without a password."""
    ca: Path | None = None
    """Certificate of the authority that vouches for the server; None: those that this machine trusts."""
    user: str | None = None
    password_file: Path | None = field(default=None, repr=False)
    """A bare name is one of systemd's credentials."""
    language: str = "en"
    patience_s: float = 90.0
    """For all of a mail: what answers letter by letter is no server."""

    def __post_init__(self) -> None:
        if not HOST.fullmatch(self.host):
            raise HubError(f"{self.host!r} is no mail server's name: set hub.mail.host")
        for address in (self.sender, *self.to):
            if not ADDRESS.fullmatch(address):
                raise HubError(f"{address!r} is no e-mail address: set hub.mail.sender and hub.mail.to")
        if not self.to:
            raise HubError("mail needs somebody to go to: set hub.mail.to")
        if self.security == "none" and (self.host not in LOOPBACK or self.user):
            raise HubError("mail in the clear may only go to this machine, and without a password: use starttls or tls")
        if (self.user is None) is not (self.password_file is None):
            raise HubError(
                "a mail server's user and password go together: set hub.mail.user and hub.mail.password_file"
            )

    @property
    def domain(self) -> str:
        """Of the sender."""
        return self.sender.rpartition("@")[2]


def letter(options: MailOptions, subject: str, text: str, number: str) -> EmailMessage:
    """A message as it goes out; `number` is no other's."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = options.sender, ", ".join(options.to), subject
    message["Date"] = formatdate(localtime=True)
    message["Message-ID"] = f"<fermata-{number}@{options.domain}>"
    message["Auto-Submitted"] = "auto-generated"
    message["Content-Language"] = options.language
    message.set_content(text)
    return message


def deliver(options: MailOptions, message: EmailMessage) -> list[str]:
    """Hand a message to the server; the addresses that it has refused while taking others. Raises MailError."""
    password = _password(options)
    try:
        server = _server(options)
        try:
            if password is not None:
                server.login(str(options.user), password)
            return sorted(server.send_message(message))
        finally:
            _leave(server)
    except smtplib.SMTPRecipientsRefused as error:
        raise MailError(f"{options.host} refuses {', '.join(sorted(error.recipients))}: check hub.mail.to") from None
    except (smtplib.SMTPException, OSError, ValueError) as error:
        raise MailError(f"{options.host}:{options.port} takes no mail: {_said(error, password)}") from None


class _Timed(smtplib.SMTP):
    """A connection that ends itself where all of it takes too long."""

    def __init__(self, options: MailOptions, **more: Any) -> None:  # noqa: ANN401  as smtplib's own
        self._late = Timer(options.patience_s, self._end)
        self._late.daemon = True
        self._late.start()
        try:
            super().__init__(options.host, options.port, options.domain, timeout=ANSWER_S, **more)
        except BaseException:
            self._late.cancel()
            raise

    def close(self) -> None:
        """Let go of it."""
        self._late.cancel()
        super().close()

    def _end(self) -> None:
        if self.sock is not None:
            with suppress(OSError):  # it has ended in the meantime
                self.sock.shutdown(socket.SHUT_RDWR)


class _TimedTls(_Timed, smtplib.SMTP_SSL):
    """The same over TLS from the first byte on."""


def _server(options: MailOptions) -> smtplib.SMTP:
    """A connection that nobody reads along, or one on this machine."""
    context = ssl.create_default_context(cafile=options.ca)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if options.security == "tls":
        return _TimedTls(options, context=context)
    server = _Timed(options)
    if options.security == "starttls":
        try:
            server.starttls(context=context)
        except BaseException:
            server.close()
            raise
    return server


def _leave(server: smtplib.SMTP) -> None:
    """Say goodbye; the message is the server's by now, whatever it answers."""
    try:
        server.quit()
    except (smtplib.SMTPException, OSError):
        server.close()


def _password(options: MailOptions) -> str | None:
    """The password in its file. Raises MailError."""
    file = options.password_file
    if file is None:
        return None
    if len(file.parts) == 1:
        file = Path(os.environ.get("CREDENTIALS_DIRECTORY", ".")) / file
    try:
        with file.open(encoding="utf-8") as opened:
            if os.fstat(opened.fileno()).st_mode & stat.S_IROTH:
                raise MailError(f"others can read {file}, the mail server's password: chmod o= {file}")
            password = opened.read(LARGEST_PASSWORD).strip()
    except OSError as error:
        raise MailError(f"{file}, the mail server's password, cannot be read ({error.strerror})") from error
    except UnicodeDecodeError:
        password = ""
    if not password:
        raise MailError(f"{file} holds no password for the mail server: write it there")
    return password


def _said(error: Exception, password: str | None) -> str:
    """What went wrong, in one line without the password, whatever a server repeats."""
    if isinstance(error, smtplib.SMTPResponseException):
        reason = error.smtp_error
        told = f"{error.smtp_code} {reason.decode(errors='replace') if isinstance(reason, bytes) else reason}"
    elif isinstance(error, ssl.SSLCertVerificationError):
        told = f"its certificate is not good ({error.verify_message})"
    elif isinstance(error, TimeoutError):
        told = "it does not answer"
    else:
        told = str(error) or type(error).__name__
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in told).split())
    return (line.replace(password, "…") if password else line)[:LONGEST_SAID]
