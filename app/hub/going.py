"""Keeps what a hub is made of going: web servers, workers, small looks in between, until one of them ends."""

import asyncio
import signal
import socket
import time
from collections.abc import Callable, Sequence

from app.hub.listening import Server
from app.hub.workers import Worker

WATCH_S = 0.1
Look = Callable[[], None]
"""What is looked after a few times a second, in the main thread; it must be quick."""


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
    workers: Sequence[Worker],
    looks: Sequence[Look],
    is_ready: Callable[[], bool],
    ready: str,
) -> None:
    """Serve until SIGTERM or SIGINT, or until a server or a worker ends; say once that all is ready.

    Raises what a worker has failed with.
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
        while not any(task.done() for task in serving) and not any(worker.failure for worker in workers):
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
    for failure in (worker.failure for worker in workers):
        if failure:
            raise failure
