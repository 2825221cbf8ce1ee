"""The hub's two web servers: the pages for people, the door for rooms."""

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import uvicorn
from fastapi import FastAPI

from app.hub.door import DoorProtocol
from app.hub.errors import HubError

GRACE_S = 3
MOST_AT_DOOR = 100
"""Connections to the door at once."""
MOST_AT_PAGES = 1000
"""And to the pages, so that strangers cannot fill the memory with them."""


class Server(uvicorn.Server):
    """uvicorn without its own signal handling, which would end the process by the signal again."""

    def capture_signals(self) -> nullcontext[None]:  # type: ignore[override]
        """Leave the signals to the hub."""
        return nullcontext()


def page_server(app: FastAPI, context: ssl.SSLContext | None = None) -> Server:
    """A server of the pages, over TLS where there is a context."""
    config = _config(app)
    if context is not None:  # it may be on a network
        config.limit_concurrency = MOST_AT_PAGES
    config.load()
    config.ssl = context
    return Server(config)


def door_server(app: FastAPI, context: ssl.SSLContext) -> Server:
    """A server of the door, over TLS only."""
    config = _config(app)
    config.http = DoorProtocol
    config.limit_concurrency = MOST_AT_DOOR
    config.load()
    config.ssl = context
    return Server(config)


def _config(app: FastAPI) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        lifespan="off",
        ws="none",
        timeout_graceful_shutdown=GRACE_S,
    )


@contextmanager
def listening(host: str, port: int, what: str) -> Iterator[socket.socket]:
    """A socket there, so that a port in use is told before anything starts. Raises HubError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            raise HubError(
                f"port {port} for {what} cannot be used ({error.strerror}): stop what holds it or choose another"
            ) from error
        yield listener
