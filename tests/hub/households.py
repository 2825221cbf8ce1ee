"""A clinic's pages with everything behind them, and browsers of each role."""

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from app.hub.about import read_base
from app.hub.accounts import Role
from app.hub.alerts import Alerts
from app.hub.arrivals import Arrival, sort
from app.hub.authority import Authority
from app.hub.declarations import Declarations
from app.hub.declared import Declared
from app.hub.household import Household, furnish
from app.hub.journal import TERMINAL
from app.hub.options import HubOptions
from app.hub.orders import Orders
from app.hub.pages import Settings, make_app
from app.hub.post import Post
from app.hub.registry import Registry
from app.hub.rounds import Rounds
from app.hub.store import Store
from app.hub.tokens import Tokens
from app.sync import wire
from tests.hub.hubs import EPOCH, a_heartbeat, a_release, an_envelope, in_time
from tests.hub.visitors import Browser, a_desk, let_in

NOW = int(datetime(2026, 11, 23, 12, 0, tzinfo=UTC).timestamp())
DAY_S = 86_400


class Clinic:
    """Pages over a database in a folder, at a time that stands still; `now` moves it."""

    def __init__(
        self,
        folder: Path,
        stack: ExitStack,
        address: str | None = "hub.local",
        therapists: int = 6,
        where: Path | str | None = None,
    ) -> None:
        """`where`: the database, a file or a PostgreSQL; without one the hub's own in the folder."""
        self.now = NOW
        self.open = False
        """Anybody may look, as at a rehearsal."""
        self.trouble: str | None = None
        self.options = HubOptions("north", folder, address=address, therapists=therapists)
        if isinstance(where, str):
            self.options = replace(self.options, database=where)
        where = where or self.options.where
        self.desk = a_desk(where, lambda: float(self.now), lambda: self.open)
        stack.enter_context(closing(self.desk.people))
        stack.enter_context(closing(self.desk.journal))
        self.store = stack.enter_context(closing(Store(where)))
        self.registry = stack.enter_context(closing(Registry(where)))
        self.orders = stack.enter_context(closing(Orders(where)))
        self.rounds = stack.enter_context(closing(Rounds(where)))
        self.alerts = stack.enter_context(closing(Alerts(where)))
        self.post = stack.enter_context(closing(Post(where)))
        self.tokens = stack.enter_context(closing(Tokens(where)))
        self.authority = Authority(self.options.authority, "north", NOW)
        self.declarations = stack.enter_context(closing(Declarations(where, Declared(therapists))))
        self.household = Household(
            *(self.options, self.store, self.rounds, self.registry, self.orders, self.authority, self.declarations),
            *(read_base(where), self.alerts, self.post, self.tokens, lambda: self.trouble),
        )
        self._visits: dict[Role, str] = {}

    def pages(self, therapists: int | None = None, **more: Any) -> FastAPI:  # noqa: ANN401  as Settings takes them
        if therapists is not None:
            self.declarations.count(therapists, self.now, TERMINAL)
        settings = Settings(self.options.clinic, self.declarations.read, **more)
        app = make_app(self.store, self.rounds, lambda: self.trouble, settings, lambda: float(self.now), self.desk)
        return furnish(app, replace(self.household, options=self.options), self.desk)

    def browser(self, role: Role, therapists: int | None = None, **more: Any) -> Browser:  # noqa: ANN401  as above
        """Somebody of this role who has signed in."""
        return Browser(self.pages(therapists, **more), self.visit(role))

    def visit(self, role: Role) -> str:
        """The visit of somebody of this role."""
        if role not in self._visits:
            self._visits[role] = let_in(self.desk, role)
        return self._visits[role]

    def beat(self, device: str, seq: int = 1, ago: int = 0, simulated: bool = False, **changes: object) -> None:
        """A unit that was born and has told how it is."""
        birth = wire.State(state="birth", epoch=EPOCH, boot=1, next_seq=1)
        envelope = an_envelope(seq, a_heartbeat(**changes), device, simulated=simulated)
        items = [
            sort(Arrival(device, "state", birth.model_dump_json().encode())),
            sort(Arrival(device, "m", wire.seal(envelope))),
        ]
        self.store.commit([item for item in items if item], self.now - ago)

    def die(self, device: str, ago: int = 0) -> None:
        """A unit whose last will has come."""
        death = wire.State(state="death", epoch=EPOCH, boot=1)
        item = sort(Arrival(device, "state", death.model_dump_json().encode()))
        assert item
        self.store.commit([item], self.now - ago)

    def release(self, weeks: range, rooms: int = 2, sessions: int = 25, simulated: bool = False, **sums: int) -> None:
        """Weekly messages of some rooms; `sums` in place of the usual ones."""
        for room in range(rooms):
            for week in weeks:
                body = a_release(10_000 * simulated + 100 * room + week, f"2026-W{week}", sessions)
                if sums:
                    body = body.model_copy(update={"sums": (body.sums or {}) | sums})
                envelope = an_envelope(10_000 + 100 * simulated + week, body, f"room-{room}", simulated=simulated)
                item = sort(Arrival(envelope.device, "m", wire.seal(envelope)))
                assert item
                in_time(self.store, [item], self.now)


@contextmanager
def a_clinic(
    folder: Path, address: str | None = "hub.local", therapists: int = 6, database: str | None = None
) -> Iterator[Clinic]:
    with ExitStack() as stack:
        yield Clinic(folder, stack, address, therapists, database)
