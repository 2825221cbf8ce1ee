"""People at a real hub with a real Chromium: the first owner, another person, by keyboard alone, and what axe says."""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.hub.hubs import wait_until
from tests.hub.visitors import PASSWORD

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed: apt-get install chromium")
PATIENCE_S = 60.0


@pytest.fixture
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox"] if os.getuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield browser
        browser.close()


@pytest.fixture
def first_link(tmp_path: Path) -> Iterator[str]:
    """A hub as it is started for the first time; the link in its terminal."""
    said = tmp_path / "said"
    command = [sys.executable, "-m", "app", "hub", "--state", str(tmp_path / "hub"), "--port", "0", "--mqtt-port", "0"]
    with said.open("wb") as file:
        process = subprocess.Popen(command, stdout=file, stderr=file)
    try:
        wait_until(lambda: "fermata hub ready" in said.read_text(), PATIENCE_S)
        link = re.search(r"http://127\.0\.0\.1:\d+/welcome/\S+", said.read_text())
        assert link
        yield link[0]
    finally:
        process.terminate()
        assert process.wait(PATIENCE_S) == 0


def by_keys(page: Page, *keys: str) -> None:
    """Type: words as they are, names of keys as pressed."""
    for key in keys:
        if key in {"Tab", "Enter", "Space"}:
            page.keyboard.press(key)
        else:
            page.keyboard.type(key)


def test_from_the_terminals_link_to_a_second_person_by_keyboard(browser: Browser, first_link: str) -> None:
    origin, complaints = first_link.partition("/welcome")[0], list[str]()
    page = browser.new_context(locale="en-GB").new_page()
    page.set_default_timeout(PATIENCE_S * 1000)
    page.on("console", lambda message: complaints.append(message.text))
    page.on("request", lambda asked: complaints.append(asked.url) if not asked.url.startswith(origin) else None)
    page.goto(f"{origin}/")
    assert page.get_by_role("heading", name="Sign in").is_visible()
    page.goto(first_link)
    page.get_by_label("Name to sign in by").focus()
    by_keys(page, "Ana", "Tab", PASSWORD, "Tab", PASSWORD, "Tab", "Enter")
    page.wait_for_url(f"{origin}/?lang=en")
    [cookie] = page.context.cookies()
    assert cookie["httpOnly"]
    assert cookie["sameSite"] == "Strict"
    page.get_by_role("link", name="People").focus()
    by_keys(page, "Enter")
    page.wait_for_url("**/people?lang=en")
    page.locator("#name").focus()
    by_keys(page, "tom@north.example", "Tab", "Tab", "Enter")
    link = page.locator("code.link").text_content()
    assert link
    page.get_by_role("button", name="Sign out").focus()
    by_keys(page, "Enter")
    page.wait_for_url("**/sign-in?lang=en")
    page.goto(f"{link}?lang=es")
    assert page.get_by_label("Nombre").input_value() == "tom@north.example"
    page.get_by_label("Contraseña nueva").fill(PASSWORD)
    page.get_by_label("La misma otra vez").fill(PASSWORD)
    page.get_by_role("button").click()
    page.wait_for_url(f"{origin}/?lang=es")
    assert page.get_by_text("(Técnica)").is_visible()
    assert page.get_by_role("link", name="Personas").count() == 0
    assert complaints == []


def test_a_page_left_open_goes_to_sign_in_once_its_visit_is_over(browser: Browser, first_link: str) -> None:
    origin = first_link.partition("/welcome")[0]
    context = browser.new_context(locale="en-GB")
    page = context.new_page()
    page.set_default_timeout(PATIENCE_S * 1000)
    page.goto(first_link)
    page.get_by_label("Name to sign in by").fill("ana")
    page.get_by_label("New password").fill(PASSWORD)
    page.get_by_label("The same again").fill(PASSWORD)
    page.get_by_role("button").click()
    page.wait_for_url(f"{origin}/?lang=en")
    context.clear_cookies()
    begun = time.monotonic()
    page.wait_for_url("**/sign-in?**")
    assert time.monotonic() - begun < PATIENCE_S
