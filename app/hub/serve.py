"""The hub as one process: broker, inbox, page and door, started together and stopped in the opposite order."""

import asyncio
import fcntl
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from threading import Event, Thread

from app.hub.authority import Authority
from app.hub.broker import Broker
from app.hub.chores import Chores
from app.hub.desk import Desk
from app.hub.errors import HubError
from app.hub.gate import Gate
from app.hub.household import Household, furnish
from app.hub.inbox import Inbox
from app.hub.journal import Journal
from app.hub.listening import Server, listening, page_server
from app.hub.notice import notice
from app.hub.options import HubOptions
from app.hub.orders import Orders
from app.hub.pages import Settings, make_app
from app.hub.people import People
from app.hub.plate import Plate, hang
from app.hub.registry import Registry
from app.hub.rounds import Rounds
from app.hub.store import Store

WATCH_S = 0.1


def serve(options: HubOptions) -> None:
    """Run the hub until SIGTERM or SIGINT; one line on stdout tells when it is ready. Raises HubError."""
    with ExitStack() as stack:
        stack.enter_context(alone(options.state))
        page = stack.enter_context(listening(options.host, options.port, "the page"))
        store = stack.enter_context(closing(Store(options.where)))
        registry = stack.enter_context(closing(Registry(options.where)))
        authority = Authority(options.authority, options.clinic, time.time())
        gate = Gate(options, registry, authority, notice, stack) if options.address else None
        broker, address = None, options.broker_address()
        if options.broker_url is None:
            folder = options.state / "broker"
            broker = Broker(options.clinic, folder, options.mqtt_port, gate.shield if gate else None)
            stack.enter_context(closing(broker))
            if gate:
                broker.permit(gate.permits)
            broker.start()
            address = ("127.0.0.1", broker.port)
        orders = stack.enter_context(closing(Orders(options.where)))
        trust = gate.trust if gate and options.guarded else None
        secret = gate.secret if gate else ""
        inbox = Inbox(options.clinic, address, store, notice, trust=trust, secret=secret, orders=orders)
        running = [stack.enter_context(_running(inbox.run, "inbox"))]
        settings = Settings(options.clinic, options.therapists, options.owner_agreed)
        to = gate.url(address[1]) if gate else f"mqtt://{address[0]}:{address[1]}"
        plate = Plate(options.clinic, *address, guarded=options.guarded, generation=store.generation())
        hang(options.state, plate)
        ready = f"fermata hub ready: {_url(page)} (rooms send to {to})"
        desk = _desk(options, store, stack)
        rounds = stack.enter_context(closing(Rounds(options.where)))
        turns = (store.forget, rounds.forget, desk.people.forget, desk.journal.forget)
        running.append(stack.enter_context(_running(Chores(turns, time.time, notice).run, "chores")))
        app = make_app(store, lambda: inbox.trouble, settings, time.time, desk)
        pages = page_server(furnish(app, Household(options, store, rounds, registry, orders), desk))
        if not options.rehearsal and (code := desk.people.first_link(desk.now)):
            notice(
                f"nobody can sign in yet; make the first owner here, once, within 3 days: {_url(page)}welcome/{code}"
            )
        servers = [(pages, page), *([(gate.server, gate.socket)] if gate else [])]
        asyncio.run(_serve(servers, broker, running, gate, inbox.subscribed, ready))


def _desk(options: HubOptions, store: Store, stack: ExitStack) -> Desk:
    """Who may ask for pages; at a rehearsal anybody on this machine."""
    people = stack.enter_context(closing(People(options.where)))
    journal = stack.enter_context(closing(Journal(options.where)))
    return Desk(people, journal, time.time, lambda: options.rehearsal and not (store.holds_real() or people.accounts()))


class _Running:
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
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()


@contextmanager
def _running(work: Callable[[Event], None], name: str) -> Iterator[_Running]:
    running = _Running(work, name)
    running.start()
    try:
        yield running
    finally:
        running.stop()


@contextmanager
def alone(folder: Path) -> Iterator[None]:
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


def _url(page: socket.socket) -> str:
    host, port = page.getsockname()[:2]
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


async def _serve(
    servers: list[tuple[Server, socket.socket]],
    broker: Broker | None,
    running: list[_Running],
    gate: Gate | None,
    subscribed: Event,
    ready: str,
) -> None:
    def leave() -> None:
        for server, _ in servers:
            server.should_exit = True

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, leave)
    serving = [asyncio.create_task(server.serve(sockets=[listener])) for server, listener in servers]
    try:
        await _watch([server for server, _ in servers], serving, broker, running, gate, subscribed, ready)
    finally:
        leave()
        await asyncio.gather(*serving)
    for failure in (each.failure for each in running):
        if failure:
            raise failure


async def _watch(
    servers: list[Server],
    serving: "list[asyncio.Task[None]]",
    broker: Broker | None,
    running: list[_Running],
    gate: Gate | None,
    subscribed: Event,
    ready: str,
) -> None:
    """Tell when the hub is ready, start the broker again should it die, end when the inbox or the chores fail."""
    said = False
    while not any(task.done() for task in serving) and not any(each.failure for each in running):
        started = all(server.started for server in servers)
        if not said and started and (broker is None or subscribed.is_set()):
            print(ready, flush=True)  # noqa: T201  a command talks on the terminal
            said = True
        if broker and not broker.alive and not any(server.should_exit for server in servers):
            notice("the broker ended unexpectedly: starting it again")
            broker.start()
        if gate:
            gate.follow(broker)
        await asyncio.sleep(WATCH_S)
