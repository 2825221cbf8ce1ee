"""HTTP with little patience: whoever sends a request letter by letter, or takes an answer so, is cut off."""

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol


class PatientProtocol(H11Protocol):
    """uvicorn's own, which waits for ever for the end of a request's head and for an answer to be taken."""

    head_s = 10.0
    """From a connection, or from the first byte of a further request, until its head is there."""
    answer_s = 120.0
    """From there until the answer has gone; the longest takes 90 s, for a mail server's sake."""
    _alarm: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn's own
        """Take a connection."""
        super().connection_made(transport)
        self._expect(self.head_s)

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of it."""
        self._expect(None)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take some bytes."""
        before = self._answering
        if not before and self._alarm is None:
            self._expect(self.head_s)
        super().data_received(data)
        if not before and self._answering:
            self._expect(self.answer_s)

    def on_response_complete(self) -> None:
        """An answer has gone; the next request may be there already."""
        self._expect(None)
        super().on_response_complete()
        if self._answering:
            self._expect(self.answer_s)

    @property
    def _answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _expect(self, seconds: float | None) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm = None if seconds is None else self.loop.call_later(seconds, self._cut)

    def _cut(self) -> None:
        self._alarm = None
        self.transport.abort()
