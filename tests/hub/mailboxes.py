"""A real mail server on this machine, with a certificate of an authority that nobody else knows, and what it got."""

import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from threading import Thread
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword

from app.hub.authority import Authority, write_secret
from app.hub.mail import MailOptions, Security
from tests.sync.brokers import free_port

PASSWORD = "an old mill by the river"  # noqa: S105  a test's
TO = ("tech@north.example", "owner@north.example")


class Mailbox:
    """What the server has got; `refuse` are addresses that it does not take, `down` makes it take nothing."""

    def __init__(self, folder: Path, security: Security = "starttls", offered: Security | None = None) -> None:
        """`offered` is what the server really does, where that is another thing than is asked of it."""
        folder.mkdir()
        self.got: list[EmailMessage] = []
        self.tried: list[bytes] = []
        self.refuse: set[str] = set()
        self.down = False
        self._folder, self._offered = folder, offered or security
        authority = Authority(folder / "authority", "mail", time.time())
        pem = folder / "server.pem"
        write_secret(pem, authority.server_certificate(["127.0.0.1"], time.time()))
        self.ca = folder / "ca.pem"
        self.ca.write_text(authority.pem)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(pem)
        file = folder / "password"
        write_secret(file, PASSWORD + "\n")
        user = None if security == "none" else "hub"
        self.options = MailOptions(
            host="127.0.0.1",
            port=free_port(),
            security=security,
            ca=self.ca,
            sender="fermata@north.example",
            to=TO,
            user=user,
            password_file=file if user else None,
        )
        self._controller: Any = None
        self._context = context

    def start(self) -> None:
        more: dict[str, Any] = {}
        if self._offered == "tls":
            more = {"ssl_context": self._context, "auth_require_tls": False}
        elif self._offered == "starttls":
            more = {"tls_context": self._context, "require_starttls": True}
        self._controller = Controller(
            self, "127.0.0.1", self.options.port, authenticator=self.judge, auth_exclude_mechanism=["LOGIN"], **more
        )
        self._controller.start()

    def stop(self) -> None:
        if self._controller:
            self._controller.stop()
            self._controller = None

    def judge(self, *asked: Any) -> AuthResult:  # noqa: ANN401  aiosmtpd's
        given = asked[-1]
        assert isinstance(given, LoginPassword)
        self.tried.append(given.password)
        if given.password == PASSWORD.encode() and given.login == b"hub":
            return AuthResult(success=True)
        said = f"535 5.7.8 no {given.password.decode()} here"
        return AuthResult(success=False, handled=False, message=said)

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Envelope, address: str, _options: Any) -> str:  # noqa: ANN401, N802  aiosmtpd's
        if self.down:
            return "451 4.3.0 come back later"
        if address in self.refuse:
            return "550 5.1.1 nobody of this name"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Envelope) -> str:  # noqa: ANN401, N802  aiosmtpd's
        content = envelope.content
        assert isinstance(content, bytes)
        message = message_from_bytes(content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        self.got.append(message)
        return "250 OK"


@contextmanager
def a_mailbox(folder: Path, security: Security = "starttls", offered: Security | None = None) -> Iterator[Mailbox]:
    box = Mailbox(folder, security, offered)
    box.start()
    try:
        yield box
    finally:
        box.stop()


@contextmanager
def a_strange_server(talk: "Any") -> Iterator[int]:  # noqa: ANN401  what it does with a connection
    """A port where whoever comes is talked to like this, one after the other."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    line, _ = listener.accept()
                except OSError:
                    return
                with line:
                    try:
                        talk(line)
                    except OSError:
                        continue

        thread = Thread(target=serve, daemon=True)
        thread.start()
        yield int(listener.getsockname()[1])
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(5)
