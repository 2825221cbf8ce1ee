"""The supervisor of a service: what systemd is told, ready, alive and a status in plain words, by sd_notify(3).

The status says how the unit is and nothing of what goes on in the room: it reads the same in a session and outside.
"""

import os
import socket
import time
from collections.abc import Callable, Mapping

OFTEN = 4
"""Signs of life in the time after which the watchdog bites."""


class Supervisor:
    """The other end of NOTIFY_SOCKET; without one all of this does nothing."""

    def __init__(
        self, environment: Mapping[str, str] = os.environ, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._clock = clock
        self._address = environment.get("NOTIFY_SOCKET", "").replace("@", "\0", 1)
        ours = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        self._every_s = int(environment.get("WATCHDOG_USEC", "0")) / 1e6 / OFTEN if ours else 0.0
        self._next_s = 0.0
        self._status = ""

    def ready(self) -> None:
        """The unit serves."""
        self._tell("READY=1")

    def alive(self) -> None:
        """A block has flowed, or nothing was to flow and the loop goes on; told as often as is needed."""
        if self._every_s and self._clock() >= self._next_s:
            self._next_s = self._clock() + self._every_s
            self._tell("WATCHDOG=1")

    def status(self, words: str) -> None:
        """How the unit is, in plain words; told when it changes."""
        if words != self._status:
            self._status = words
            self._tell(f"STATUS={words}")

    def stopping(self) -> None:
        """It has been asked to end, and does."""
        self._tell("STOPPING=1")

    def _tell(self, words: str) -> None:
        if not self._address:
            return
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
            try:
                sender.sendto(words.encode(), self._address)
            except OSError:  # a supervisor that is gone, or too busy, is no reason to stop listening
                self._next_s = 0.0
