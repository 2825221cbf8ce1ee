"""The hub as one process: broker, inbox and page, started together and stopped in the opposite order."""

import asyncio
import fcntl
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, nullcontext
from pathlib import Path
from threading import Event, Thread

import uvicorn

from app.hub.broker import Broker
from app.hub.errors import HubError
from app.hub.inbox import Inbox
from app.hub.options import HubOptions
from app.hub.pages import Settings, make_app
from app.hub.store import Store

WATCH_S = 0.1
GRACE_S = 3


def serve(options: HubOptions) -> None:
    """Run the hub until SIGTERM or SIGINT; one line on stdout tells when it is ready. Raises HubError."""
    with ExitStack() as stack:
        stack.enter_context(_alone(options.state))
        page = stack.enter_context(_listening(options.host, options.port))
        store = stack.enter_context(closing(Store(options.database or options.state / "hub.sqlite")))
        broker, address = None, options.broker_address()
        if options.broker_url is None:
            broker = stack.enter_context(closing(Broker(options.clinic, options.state / "broker", options.mqtt_port)))
            broker.start()
            address = ("127.0.0.1", broker.port)
        inbox = Inbox(options.clinic, address, store, notice)
        running = stack.enter_context(_running(inbox))
        settings = Settings(options.clinic, options.therapists, options.owner_agreed)
        ready = f"fermata hub ready: {_url(page)} (rooms send to mqtt://{address[0]}:{address[1]})"
        application = make_app(store, lambda: inbox.trouble, settings, time.time)
        asyncio.run(_serve(application, page, broker, running, ready))


def notice(sentence: str) -> None:
    """Say something to whoever runs the hub."""
    print(f"fermata hub: {sentence}", file=sys.stderr, flush=True)  # noqa: T201  a command talks on the terminal


class _Server(uvicorn.Server):
    """uvicorn without its own signal handling, which would end the process by the signal again."""

    def capture_signals(self) -> nullcontext[None]:  # type: ignore[override]
        return nullcontext()


class _Running:
    """The inbox in its thread."""

    def __init__(self, inbox: Inbox) -> None:
        self.inbox = inbox
        self.failure: BaseException | None = None
        self._stop = Event()
        self._thread = Thread(target=self._run, name="inbox")

    def _run(self) -> None:
        try:
            self.inbox.run(self._stop)
        except BaseException as error:  # noqa: BLE001  carried to the main thread, which raises it
            self.failure = error

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()


@contextmanager
def _running(inbox: Inbox) -> Iterator[_Running]:
    running = _Running(inbox)
    running.start()
    try:
        yield running
    finally:
        running.stop()


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the state folder for this hub only."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = (folder / "lock").open("w")
    except OSError as error:
        raise HubError(
            f"the hub cannot keep its state in {folder} ({error.strerror}): choose another folder"
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise HubError(f"another hub is running on {folder}: stop it or choose another folder") from error
        yield


@contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            raise HubError(
                f"port {port} for the page cannot be used ({error.strerror}): stop what holds it or choose another"
            ) from error
        yield listener


def _url(page: socket.socket) -> str:
    host, port = page.getsockname()[:2]
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


async def _serve(
    application: object, page: socket.socket, broker: Broker | None, running: _Running, ready: str
) -> None:
    config = uvicorn.Config(
        application,  # type: ignore[arg-type]
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="off",
        ws="none",
        timeout_graceful_shutdown=GRACE_S,
    )
    server = _Server(config)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, lambda: setattr(server, "should_exit", True))
    serving = asyncio.create_task(server.serve(sockets=[page]))
    try:
        await _watch(server, serving, broker, running, ready)
    finally:
        server.should_exit = True
        await serving
    if running.failure:
        raise running.failure


async def _watch(
    server: _Server, serving: "asyncio.Task[None]", broker: Broker | None, running: _Running, ready: str
) -> None:
    """Tell when the hub is ready, start the broker again should it die, end when the inbox fails."""
    said = False
    while not serving.done() and not running.failure:
        if not said and server.started and (broker is None or running.inbox.subscribed.is_set()):
            print(ready, flush=True)  # noqa: T201  a command talks on the terminal
            said = True
        if broker and not broker.alive and not server.should_exit:
            notice("the broker ended unexpectedly: starting it again")
            broker.start()
        await asyncio.sleep(WATCH_S)
