"""The hub as one process: broker, inbox, pages and door, started together and stopped in the opposite order."""

import asyncio
import fcntl
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path

from app.hub.about import read_base
from app.hub.authority import Authority
from app.hub.broker import Broker
from app.hub.chores import Chores
from app.hub.declarations import Declarations
from app.hub.declared import Declared
from app.hub.desk import Desk
from app.hub.errors import HubError
from app.hub.gate import Gate
from app.hub.going import Look, every, keep_going
from app.hub.guard import guarding
from app.hub.household import Household, furnish
from app.hub.inbox import Inbox
from app.hub.journal import Journal
from app.hub.listening import listening, page_server
from app.hub.mending import Mender
from app.hub.notice import notice
from app.hub.options import HubOptions
from app.hub.orders import Orders
from app.hub.padlock import Padlock, fasten, page_url
from app.hub.pages import Settings, make_app
from app.hub.people import People
from app.hub.plate import Plate, hang
from app.hub.registry import Registry
from app.hub.rounds import Rounds
from app.hub.store import Store
from app.hub.tokens import Tokens
from app.hub.workers import Worker, working

LOOK_S = 1.0
"""Between two looks at the page's certificate."""


def serve(options: HubOptions) -> None:
    """Run the hub until SIGTERM or SIGINT; one line on stdout tells when it is ready. Raises HubError."""
    with ExitStack() as stack:
        stack.enter_context(alone(options.state))
        page = stack.enter_context(listening(options.host, options.port, "the page"))
        store = stack.enter_context(closing(Store(options.where)))
        registry = stack.enter_context(closing(Registry(options.where)))
        authority = Authority(options.authority, options.clinic, time.time())
        padlock = fasten(options, authority, time.time(), notice)
        gate = Gate(options, registry, authority, notice, stack) if options.address else None
        broker = _broker(options, gate, stack) if options.broker_url is None else None
        address = ("127.0.0.1", broker.port) if broker else options.broker_address()
        orders = stack.enter_context(closing(Orders(options.where)))
        trust = gate.trust if gate and options.guarded else None
        secret = gate.secret if gate else ""
        inbox = Inbox(options.clinic, address, store, notice, trust=trust, secret=secret, orders=orders)
        workers = [stack.enter_context(working(Worker("inbox", inbox.run)))]
        first = Declared(options.therapists, options.owner_agreed)
        declarations = stack.enter_context(closing(Declarations(options.where, first)))
        to = gate.url(address[1]) if gate else f"mqtt://{address[0]}:{address[1]}"
        url = page_url(options, page.getsockname()[1], padlock.badge.names if padlock else ())
        plate = Plate(options.clinic, *address, guarded=options.guarded, generation=store.generation())
        hang(options.state, plate)
        desk = _desk(options, store, stack)
        rounds = stack.enter_context(closing(Rounds(options.where)))
        turns = (store.forget, rounds.forget, desk.people.forget, desk.journal.forget)
        workers.append(stack.enter_context(working(Worker("chores", Chores(turns, time.time, notice).run))))
        guard = guarding(options, store, rounds, inbox, notice, stack)
        settings = _settings(options, declarations, padlock)
        app = make_app(store, rounds, lambda: inbox.trouble, settings, time.time, desk)
        base = read_base(options.where)
        tokens = stack.enter_context(closing(Tokens(options.where)))
        household = Household(
            *(options, store, rounds, registry, orders, authority, declarations, base, guard.alerts, guard.post),
            *(tokens, lambda: inbox.trouble, padlock),
        )
        pages = page_server(furnish(app, household, desk), padlock.context if padlock else None)
        if not options.rehearsal and (code := desk.people.first_link(desk.now)):
            notice(f"nobody can sign in yet; make the first owner here, once, within 3 days: {url}welcome/{code}")
        servers = [(pages, page), *([(gate.server, gate.socket)] if gate else [])]
        going = keep_going(
            servers,
            (*workers, *guard.workers),
            _looks(broker, gate, padlock),
            lambda: broker is None or inbox.subscribed.is_set(),
            f"fermata hub ready: {url} (rooms send to {to})",
        )
        asyncio.run(going)


def _broker(options: HubOptions, gate: Gate | None, stack: ExitStack) -> Broker:
    """The embedded broker, started."""
    broker = Broker(options.clinic, options.state / "broker", options.mqtt_port, gate.shield if gate else None)
    stack.enter_context(closing(broker))
    if gate:
        broker.permit(gate.permits)
    broker.start()
    return broker


def _looks(broker: Broker | None, gate: Gate | None, padlock: Padlock | None) -> list[Look]:
    """What is looked after in between."""
    looks: list[Look] = []
    if broker:
        looks.append(partial(_mend, Mender(broker, broker.log)))
    if gate:
        looks.append(partial(gate.follow, broker))
    if padlock:
        looks.append(every(LOOK_S, lambda: padlock.follow(time.time())))
    return looks


def _mend(mender: Mender) -> None:
    if sentence := mender.look():
        notice(sentence)


def _settings(options: HubOptions, declarations: Declarations, padlock: Padlock | None) -> Settings:
    return Settings(
        options.clinic,
        declarations.read,
        names=padlock.names if padlock else (),
        strict=padlock is not None and not padlock.own,
        own_authority=padlock is not None and padlock.own,
    )


def _desk(options: HubOptions, store: Store, stack: ExitStack) -> Desk:
    """Who may ask for pages; at a rehearsal anybody on this machine."""
    people = stack.enter_context(closing(People(options.where)))
    journal = stack.enter_context(closing(Journal(options.where)))
    return Desk(people, journal, time.time, lambda: options.rehearsal and not (store.holds_real() or people.accounts()))


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
