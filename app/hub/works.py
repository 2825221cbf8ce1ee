"""Keeps what a hub is made of going: web servers, work in threads, small looks in between, until one of them ends."""

import asyncio
import signal
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import Event, Thread

from app.hub.listening import Server

WATCH_S = 0.1
Look = Callable[[], None]
"""What is looked after a few times a second, in the main thread; it must be quick."""


class Work:
    """Work in a thread of its own, that ends when it is told to stop."""

    def __init__(self, work: Callable[[Event], None], name: str) -> None:
        self.failure: BaseException | None = None
        self._work = work
        self._stop = Event()
        self._thread = Thread(target=self._run, name=name)

    def _run(self) -> None:
        try:
            self._work(self._stop)
        except BaseException as error:  # noqa: BLE001  carried to the main thread, which raises it
            self.failure = error

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Tell it to stop, and wait for its end."""
        self._stop.set()
        self._thread.join()


@contextmanager
def working(work: Callable[[Event], None], name: str) -> Iterator[Work]:
    """Work while this lasts."""
    running = Work(work, name)
    running.start()
    try:
        yield running
    finally:
        running.stop()


def every(seconds: float, do: Look) -> Look:
    """Do something when called, but no more often than this."""
    last = 0.0

    def sometimes() -> None:
        nonlocal last
        if time.monotonic() - last >= seconds:
            last = time.monotonic()
            do()

    return sometimes


async def keep_going(
    servers: Sequence[tuple[Server, socket.socket]],
    works: Sequence[Work],
    looks: Sequence[Look],
    is_ready: Callable[[], bool],
    ready: str,
) -> None:
    """Serve until SIGTERM or SIGINT, or until a server or some work ends; say once that all is ready.

    Raises what some work has failed with.
    """

    def leave() -> None:
        for server, _ in servers:
            server.should_exit = True

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, leave)
    serving = [asyncio.create_task(server.serve(sockets=[listener])) for server, listener in servers]
    said = False
    try:
        while not any(task.done() for task in serving) and not any(work.failure for work in works):
            if not said and is_ready() and all(server.started for server, _ in servers):
                print(ready, flush=True)  # noqa: T201  a command talks on the terminal
                said = True
            if not any(server.should_exit for server, _ in servers):
                for look in looks:
                    look()
            await asyncio.sleep(WATCH_S)
    finally:
        leave()
        await asyncio.gather(*serving)
    for failure in (work.failure for work in works):
        if failure:
            raise failure
