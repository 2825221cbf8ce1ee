"""The bounds of every request, before anything reads it: how large, how long, and of which letters."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import unquote_to_bytes

LARGEST_BODY = 16 * 2**10
"""Bytes of a body: no form of ours is longer."""
BODY_S = 10.0
"""Seconds that a body may take to come."""
WITHOUT_BODY = {"GET", "HEAD", "OPTIONS"}
SAID = {400: b"this cannot be asked", 408: b"too slow", 413: b"too much"}

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]


class OutOfBoundsError(Exception):
    """A request that is not read any further; `status` is the answer."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Bounds:
    """An application that is asked only within bounds; whoever is answered before all was read is cut off."""

    def __init__(self, app: App, body_s: float = BODY_S) -> None:
        self._app, self._body_s = app, body_s

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer a request. What is no HTTP is let through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        asked = _Asked(receive, send, self._body_s)
        try:
            asked.complete = _is_complete(scope)
        except OutOfBoundsError as error:
            await _refuse(send, error.status)
            return
        try:
            await self._app(scope, asked.receive, asked.send)
        except Exception:
            if asked.beyond is None or asked.answered:  # what lies between may have wrapped ours in another
                raise
            await _refuse(send, asked.beyond)


class _Asked:
    """One request and its answer."""

    def __init__(self, receive: Receive, send: Send, body_s: float) -> None:
        self._receive, self._send = receive, send
        self._until = asyncio.get_running_loop().time() + body_s
        self._read = 0
        self.complete = True
        """Whether there is nothing more to read."""
        self.answered = False
        self.beyond: int | None = None
        """The answer to a body that is not read any further."""

    async def receive(self) -> Message:
        """The next part of the body. Raises OutOfBoundsError."""
        if self.complete:
            return await self._receive()
        try:
            async with asyncio.timeout_at(self._until):
                message = await self._receive()
        except TimeoutError:
            self.beyond = 408
            raise OutOfBoundsError(408) from None
        self._read += len(message.get("body", b""))
        if self._read > LARGEST_BODY:
            self.beyond = 413
            raise OutOfBoundsError(413)
        self.complete = not message.get("more_body", False)
        return message

    async def send(self, message: Message) -> None:
        """Part of the answer."""
        if message["type"] == "http.response.start":
            self.answered = True
            if not self.complete:
                message = {**message, "headers": [*message.get("headers", []), (b"connection", b"close")]}
        await self._send(message)


def _is_complete(scope: MutableMapping[str, Any]) -> bool:
    """Whether a request has no body. Raises OutOfBoundsError for one that has what no request of ours has."""
    if b"\0" in unquote_to_bytes(scope["query_string"]) or "\0" in scope["path"]:
        raise OutOfBoundsError(400)  # no database takes it for a letter
    headers = dict(scope["headers"])
    length = headers.get(b"content-length", b"0")
    if not length.isdigit() or int(length[:20]) > LARGEST_BODY:
        raise OutOfBoundsError(413)
    none = int(length) == 0 and b"transfer-encoding" not in headers
    if not none and scope["method"] in WITHOUT_BODY:
        raise OutOfBoundsError(413)
    return none


async def _refuse(send: Send, status: int) -> None:
    kind = [(b"content-type", b"text/plain; charset=utf-8"), (b"x-content-type-options", b"nosniff")]
    headers = [*kind, (b"cache-control", b"no-store"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": SAID[status]})
