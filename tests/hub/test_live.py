"""A page left open keeps itself up to date, in a real Chromium: what changed comes, the rest is left in peace."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route

from app.hub.accounts import Role
from tests.hub.households import Clinic
from tests.hub.hubs import wait_until
from tests.hub.shown import a_chromium, needs_chromium, served, sign_in
from tests.hub.sights import season
from tests.hub.visitors import HERE

pytestmark = needs_chromium
Open = Callable[[str], Page]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with a_chromium() as browser:
        yield browser


@pytest.fixture
def clinic(tmp_path: Path) -> Iterator[Clinic]:
    with ExitStack() as stack:
        clinic = Clinic(tmp_path, stack)
        clinic.beat("blue-room")
        season(clinic, 9, rooms=2)
        yield clinic


@pytest.fixture
def visit(clinic: Clinic, chromium: Browser) -> Iterator[Open]:
    """Opens a page of the clinic as its owner, and fails the test should the page complain."""
    complaints: list[str] = []
    with served({"clinic": clinic}) as urls, chromium.new_context() as context:
        sign_in(context, clinic, urls["clinic"], Role.OWNER)

        def look(path: str) -> Page:
            page = context.new_page()
            page.clock.install()
            page.on("pageerror", lambda error: complaints.append(str(error)))
            page.on("console", lambda said: complaints.append(said.text) if "Security Policy" in said.text else None)
            page.goto(f"{urls['clinic']}{path}?lang=en")
            return page

        yield look
    assert complaints == []


def look_again(page: Page) -> None:
    """What a page does every ten seconds, and at once when it is looked at again."""
    with page.expect_response(lambda answer: "hx-request" in answer.request.headers):
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


def keep_in_mind(page: Page, selector: str) -> None:
    page.evaluate("selector => { window.kept = document.querySelector(selector); }", selector)


def is_still_there(page: Page) -> bool:
    return bool(page.evaluate("window.kept.isConnected"))


def test_a_room_that_reports_appears_by_itself(clinic: Clinic, visit: Open) -> None:
    page = visit("/rooms")
    clinic.beat("green-room", microphones="fault")
    page.clock.fast_forward(10_000)
    page.get_by_role("link", name="green-room").wait_for()
    assert "1 room needs a look" in page.locator("#count").inner_text()


def test_what_has_not_changed_is_left_as_it_is(clinic: Clinic, visit: Open) -> None:
    page = visit("/rooms")
    page.evaluate(
        "window.changes = 0; new MutationObserver(seen => { window.changes += seen.length; })"
        ".observe(document.body, { subtree: true, childList: true, characterData: true })"
    )
    look_again(page)
    look_again(page)
    assert page.evaluate("window.changes") == 0
    clinic.now += 60
    look_again(page)
    page.locator("#as-of", has_text=":01").wait_for()
    assert page.locator("#count").get_attribute("role") == "status"


def test_a_part_that_has_the_focus_is_left_alone(clinic: Clinic, visit: Open) -> None:
    page = visit("/rooms")
    page.get_by_role("link", name="blue-room").focus()
    clinic.beat("green-room", microphones="fault")
    look_again(page)
    page.get_by_text("1 room needs a look").wait_for()
    assert page.evaluate("document.activeElement.textContent") == "blue-room"
    assert page.get_by_role("link", name="green-room").count() == 0
    page.get_by_label("Find a room").focus()
    look_again(page)
    page.get_by_role("link", name="green-room").wait_for()
    assert page.evaluate("document.activeElement.id") == "q"


def test_charts_are_drawn_again_only_when_there_are_new_numbers(clinic: Clinic, visit: Open) -> None:
    page = visit("/")
    page.locator(".chart canvas").first.wait_for()
    drawn = page.locator(".chart canvas").count()
    keep_in_mind(page, ".chart canvas")
    clinic.beat("green-room")
    look_again(page)
    page.get_by_text("green-room").wait_for()
    assert is_still_there(page)
    season(clinic, 12, rooms=3)
    look_again(page)
    wait_until(lambda: not is_still_there(page))
    page.locator(".chart canvas").first.wait_for()
    assert page.locator(".chart canvas").count() == drawn


def test_a_hub_that_does_not_answer_is_said_once_and_taken_back(visit: Open) -> None:
    page = visit("/")
    warning = page.get_by_role("alert")
    assert warning.count() == 0

    def fail(route: Route) -> None:
        route.abort("connectionrefused")

    page.route("**/*", fail)
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    page.get_by_text("The hub does not answer.").wait_for()
    keep_in_mind(page, "#away")
    page.unroute("**/*", fail)
    look_again(page)
    page.locator("#away").wait_for(state="hidden")
    assert is_still_there(page)


def test_a_hub_that_cannot_read_its_store_is_said(clinic: Clinic, visit: Open) -> None:
    page = visit("/rooms")
    with closing(sqlite3.connect(clinic.options.where)) as database:
        database.execute("ALTER TABLE health RENAME TO gone")
    look_again(page)
    page.get_by_text("The hub does not answer.").wait_for()
    assert page.get_by_role("link", name="blue-room").is_visible()


def test_a_page_whose_visit_has_ended_goes_to_sign_in_and_knows_the_way_back(clinic: Clinic, visit: Open) -> None:
    page = visit("/rooms")
    clinic.desk.people.end(clinic.visit(Role.OWNER), clinic.now, HERE)
    look_again(page)
    page.wait_for_url("**/sign-in?lang=en&next=%2Frooms%3Flang%3Den")


def test_a_page_that_is_no_more_says_so(clinic: Clinic, visit: Open) -> None:
    invited = clinic.registry.add("Music room", clinic.now)
    page = visit(f"/rooms/{invited.device}")
    clinic.registry.revoke(invited.device, clinic.now)
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    page.get_by_text("There is no such page.").wait_for()


def test_a_page_that_nobody_sees_asks_for_nothing(visit: Open) -> None:
    page = visit("/rooms")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "hx-request" in request.headers else None)
    page.evaluate("Object.defineProperty(document, 'hidden', { configurable: true, value: true })")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    page.evaluate("delete document.hidden")
    look_again(page)
    assert len(asked) == 1


def test_what_a_page_asks_by_itself_keeps_no_visit_open(clinic: Clinic, visit: Open) -> None:
    page = visit("/rooms")
    clinic.now += 29 * 60
    look_again(page)
    clinic.now += 2 * 60
    look_again(page)
    page.wait_for_url("**/sign-in?**")
