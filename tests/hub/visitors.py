"""The hub's pages with people, and browsers that are signed in as one of them, without a network between."""

import asyncio
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import httpx
from argon2 import PasswordHasher
from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute, Mount

from app.hub.accounts import Role
from app.hub.desk import Desk
from app.hub.journal import TERMINAL, By, Journal
from app.hub.passwords import Passwords
from app.hub.people import People

ORIGIN = "http://127.0.0.1:8720"
PASSWORD = "four unrelated words here"  # noqa: S105  a test's
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
"""As good as nothing, and quick."""
HERE = By("", "127.0.0.1")


def a_desk(where: Path | str, clock: Callable[[], float], open_to_all: Callable[[], bool] = lambda: False) -> Desk:
    """A desk over the people of a database; close its people and its journal."""
    return Desk(People(where), Journal(where), clock, open_to_all, Passwords(CHEAP))


def let_in(desk: Desk, role: Role, name: str = "") -> str:
    """The visit of somebody new who can sign in with PASSWORD; the id."""
    name = name or role.value
    held = CHEAP.hash(PASSWORD)
    code = desk.people.add(name, role, desk.now, TERMINAL)
    desk.people.use(code, name, held, desk.now, HERE)
    return desk.people.begin(name, held, None, desk.now, HERE)


def routes(found: Iterable[BaseRoute]) -> Iterator[APIRoute]:
    """Every route of an application, those of its routers too."""
    for route in found:
        inner: Any = getattr(route, "original_router", None)
        if inner is not None:
            yield from routes(inner.routes)
        elif isinstance(route, APIRoute):
            yield route
        else:
            assert isinstance(route, Mount), f"{route} is a kind of route whose roles are not known"
            assert route.path == "/static", f"{route.path} has no roles"


class Browser:
    """Asks the pages; keeps cookies as a browser does, and says where its forms come from."""

    def __init__(self, pages: FastAPI, visit: str = "", address: str = "127.0.0.1") -> None:
        self._pages, self._address = pages, address
        self.cookies = httpx.Cookies()
        if visit:
            self.cookies.set("fermata-8720", visit, domain="127.0.0.1")

    def ask(self, method: str, path: str, **more: object) -> httpx.Response:
        """Any request; redirections are not followed."""

        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(self._pages, client=(self._address, 40000))
            async with httpx.AsyncClient(transport=transport, base_url=ORIGIN, cookies=self.cookies) as client:
                answer = await client.request(method, path, **more)  # type: ignore[arg-type]  # whatever httpx takes
                self.cookies = client.cookies
                return answer

        return asyncio.run(ask())

    def get(
        self, path: str, params: dict[str, str] | None = None, headers: dict[str, str] | None = None
    ) -> httpx.Response:
        """A page."""
        return self.ask("GET", path, params=params, headers=headers)

    def send(self, path: str, fields: dict[str, str], **headers: str) -> httpx.Response:
        """A form as it is, from this hub's own page."""
        return self.ask("POST", path, data=fields, headers={"Origin": ORIGIN} | headers)

    def fill(self, page: str, action: str, **fields: str) -> httpx.Response:
        """Load a page and send its form of this action with its token."""
        token = re.search(r'name="token" value="([0-9a-f]{64})"', self.get(page).text)
        return self.send(action, fields | ({"token": token[1]} if token else {}))
