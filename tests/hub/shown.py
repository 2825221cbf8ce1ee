"""Clinics' pages in real web servers, and a Chromium that looks at them as somebody who has signed in."""

import asyncio
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from threading import Thread

import pytest
from playwright.sync_api import Browser, BrowserContext, sync_playwright

from app.hub.accounts import Role
from app.hub.listening import listening, page_server
from tests.hub.households import Clinic
from tests.hub.hubs import wait_until

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed: apt-get install chromium")


@contextmanager
def served(clinics: Mapping[str, Clinic]) -> Iterator[dict[str, str]]:
    """Serve clinics, each at a port of its own and all from one thread; where each is, by name."""
    with ExitStack() as stack:
        sockets = {name: stack.enter_context(listening("127.0.0.1", 0, "a page")) for name in clinics}
        servers = {name: page_server(clinic.pages()) for name, clinic in clinics.items()}

        async def serve() -> None:
            await asyncio.gather(*(servers[name].serve(sockets=[sockets[name]]) for name in clinics))

        thread = Thread(target=lambda: asyncio.run(serve()))
        thread.start()
        try:
            wait_until(lambda: all(server.started for server in servers.values()))
            yield {name: "http://{}:{}".format(*held.getsockname()[:2]) for name, held in sockets.items()}
        finally:
            for server in servers.values():
                server.should_exit = True
            thread.join()


@contextmanager
def a_chromium() -> Iterator[Browser]:
    """The system's Chromium, without a window."""
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox"] if os.getuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield browser
        browser.close()


def sign_in(context: BrowserContext, clinic: Clinic, url: str, role: Role) -> None:
    """Give a browser the visit of somebody of this role."""
    context.add_cookies([{"name": f"fermata-{url.rpartition(':')[2]}", "value": clinic.visit(role), "url": url}])
