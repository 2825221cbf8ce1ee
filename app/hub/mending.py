"""Keeps the embedded broker well: starts it again when it has ended, or when it does not write although it could.

A NATS server whose disk was full writes nothing more, however much room there is later, until it is started anew. It
says so in its log at every message that it is given.
"""

import shutil
from pathlib import Path
from typing import Protocol

CANNOT_WRITE = b"failed to store a msg"
"""What the server's log says of a message that it could not write down."""
ENOUGH = 4 * 2**20
"""Bytes free on its disk with which it is worth a try."""


class Server(Protocol):
    """What is kept well."""

    @property
    def alive(self) -> bool:
        """Whether it runs."""

    def start(self) -> None:
        """Start it and wait until it serves."""

    def close(self) -> None:
        """Stop it and wait for its end."""


class Mender:
    """Looks after a server by its process and its log."""

    def __init__(self, server: Server, log: Path) -> None:
        self._server, self._log = server, log
        self._read = 0
        self._stuck = False

    def look(self) -> str | None:
        """Start the server again if it needs it; the sentence to tell then. Raises BrokerError if it does not start."""
        if not self._server.alive:
            return self._start("the broker ended unexpectedly: starting it again")
        self._stuck = self._stuck or self._complains()
        if self._stuck and shutil.disk_usage(self._log.parent).free >= ENOUGH:
            self._server.close()
            return self._start("the broker could not write, and there is room now: it was started again")
        return None

    def _start(self, sentence: str) -> str:
        self._server.start()
        self._read, self._stuck = 0, False  # its log begins anew
        return sentence

    def _complains(self) -> bool:
        """Whether its log has told, since the last look, of a message that could not be written."""
        try:
            size = self._log.stat().st_size
            if size == self._read:
                return False
            with self._log.open("rb") as log:
                log.seek(self._read if self._read < size else 0)  # a shorter log is a new one
                said = log.read()
                whole = said.rfind(b"\n") + 1
                self._read = log.tell() - len(said) + whole
        except FileNotFoundError:  # it is just being put aside for a new one
            return False
        return CANNOT_WRITE in said[:whole]
