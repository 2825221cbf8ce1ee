"""The content security policy in a real Chromium: no page breaks it, and what breaks it does not run."""

import asyncio
import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from app.hub.accounts import Role
from app.hub.conditions import Findings, Kind, Trouble
from app.hub.listening import page_server
from app.hub.words import LANGUAGES
from tests.hub.households import NOW, Clinic, a_clinic
from tests.hub.hubs import wait_until
from tests.hub.test_roles import MATRIX
from tests.hub.visitors import let_in

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed: apt-get install chromium")
PATIENCE_MS = 60_000
LISTEN = """
addEventListener("securitypolicyviolation", (event) => console.error(`broken: ${event.effectiveDirective}`));
"""
PAGES = [path for path in MATRIX if path.count("/") == 1 and path not in {"/sign-out", "/metrics"}]
ADD = "document.body.append(e)"
MISCHIEF = {
    "script-src-elem": f"e = document.createElement('script'); e.textContent = 'window.broken = 1'; {ADD}",
    "script-src-attr": "document.body.innerHTML = '<a onclick=\"window.broken = 1\" id=x>x</a>'; x.click()",
    "style-src-attr": "document.body.innerHTML = '<p style=\"color: red\">x</p>'",
    "img-src": f"e = new Image(); e.src = 'http://evil.example/x.png'; {ADD}",
    "connect-src": "fetch('http://evil.example/').catch(() => 0)",
    "frame-src": f"e = document.createElement('iframe'); e.src = 'http://evil.example/'; {ADD}",
    "form-action": f"e = document.createElement('form'); e.action = 'http://evil.example/'; {ADD}; e.submit()",
    "base-uri": "e = document.createElement('base'); e.href = 'http://evil.example/'; document.head.append(e)",
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox"] if os.getuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield browser
        browser.close()


@contextmanager
def served(folder: Path) -> Iterator[tuple[Clinic, str]]:
    """A clinic with something of everything, and where its pages are."""
    with a_clinic(folder) as clinic, socket.create_server(("127.0.0.1", 0)) as listener:
        clinic.registry.add("Blue room", NOW)
        for room in ("room-0", "room-1"):
            clinic.beat(room)
        clinic.release(range(36, 48))
        clinic.release(range(36, 48), simulated=True)
        clinic.alerts.observe("h", Findings([Trouble("room-0", Kind.NEWER, "<b>Blue</b> room")]), NOW)
        server = page_server(clinic.pages())
        thread = Thread(target=lambda: asyncio.run(server.serve(sockets=[listener])))
        thread.start()
        wait_until(lambda: server.started)
        try:
            yield clinic, f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


def a_page(browser: Browser, clinic: Clinic, origin: str, complaints: list[str], role: Role | None) -> Page:
    """A page of somebody of this role; what Chromium complains of is added."""
    context = browser.new_context(locale="en-GB")
    if role:
        name = f"fermata-{origin.rpartition(':')[2]}"
        context.add_cookies([{"name": name, "value": let_in(clinic.desk, role), "url": origin}])
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.add_init_script(LISTEN)
    page.on("console", lambda message: complaints.append(f"{page.url}: {message.text}"))
    page.on("pageerror", lambda error: complaints.append(f"{page.url}: {error}"))
    page.on("request", lambda asked: complaints.append(asked.url) if not asked.url.startswith(origin) else None)
    return page


def test_no_page_breaks_its_own_policy(browser: Browser, tmp_path: Path) -> None:
    complaints: list[str] = []
    with served(tmp_path) as (clinic, origin):
        page = a_page(browser, clinic, origin, complaints, Role.OWNER)
        for path in (*PAGES, "/rooms/room-0", "/people?lang=es"):
            for code in LANGUAGES:
                page.goto(f"{origin}{path}{'&' if '?' in path else '?'}lang={code}")
                page.wait_for_load_state("networkidle")
                for summary in page.locator("summary").all():
                    summary.click()
                page.emulate_media(media="print", color_scheme="dark")
                page.emulate_media(media="screen", color_scheme="light")
        page.goto(f"{origin}/api")
        page.locator("#name").fill("<script>alert(1)</script>")
        page.get_by_role("button", name="Make a token").click()
        page.get_by_text("shown only now").wait_for()
        page.goto(f"{origin}/alerts")
        page.get_by_role("button", name="I have seen this").click()
        page.get_by_text("Seen by owner").wait_for()
        page.context.close()
        stranger = a_page(browser, clinic, origin, complaints, None)
        stranger.goto(f"{origin}/sign-in?next=%22%3E%3Cscript%3Ealert(1)%3C/script%3E")
        stranger.context.close()
    assert complaints == []


@pytest.mark.parametrize("directive", MISCHIEF)
def test_what_breaks_the_policy_does_not_run_and_is_noticed(browser: Browser, tmp_path: Path, directive: str) -> None:
    complaints: list[str] = []
    with served(tmp_path) as (clinic, origin):
        page = a_page(browser, clinic, origin, complaints, None)
        page.goto(f"{origin}/sign-in")
        page.evaluate(MISCHIEF[directive])
        wait_until(lambda: _settled(page, complaints, directive))
        assert page.evaluate("window.broken") is None
        page.context.close()


def _settled(page: Page, complaints: list[str], directive: str) -> bool:
    page.evaluate("1")  # lets what waits be heard
    return any(f"broken: {directive}" in line for line in complaints)
