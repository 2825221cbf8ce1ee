"""The pages by keyboard alone: everything is reached in order, seen when it is reached, and left again."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.hub.hubs import wait_until
from tests.hub.shown import needs_chromium
from tests.hub.sights import SIGHTS, Sight
from tests.hub.street import Street, a_street

pytestmark = needs_chromium
NAMES = (
    *(
        "clinic",
        "rooms",
        "many rooms",
        "room",
        "alerts",
        "devices",
        "device to change",
        "room added",
        "people",
        "journal",
    ),
    *(
        "glossary",
        "settings",
        "programs",
        "authority to trust",
        "sign-in refused",
        "welcome",
        "not there",
        "no devices",
    ),
)
TOUR = [sight for sight in SIGHTS if sight.name in NAMES]

# What can have the focus, as Tab should find it; and a note of every one that has it, with what shows that it has.
WATCH = """() => {
  const kinds = "a[href], button, input:not([type=hidden]), select, summary, [tabindex='0']";
  const all = [...document.querySelectorAll(kinds)].filter(one => one.checkVisibility());
  window.path = [];
  addEventListener("focusin", ({ target }) => {
    const { outlineStyle, outlineWidth } = getComputedStyle(target);
    const { top, bottom, left, right } = target.getBoundingClientRect();
    const seen = bottom > 0 && top < innerHeight && right > 0 && left < innerWidth;
    const ring = outlineStyle !== "none" && parseFloat(outlineWidth) >= 2;
    window.path.push({ number: all.indexOf(target), ring, seen });
  });
  return all.length;
}"""


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Street]:
    with a_street(tmp_path_factory.mktemp("keys")) as street:
        yield street


@pytest.fixture
def page(street: Street, request: pytest.FixtureRequest) -> Iterator[Page]:
    sight: Sight = getattr(request, "param", SIGHTS[0])
    page = street.page(sight)
    street.visit(sight, "en", page)
    yield page
    page.close()


def the(name: str) -> Sight:
    return next(sight for sight in SIGHTS if sight.name == name)


def path(page: Page) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = page.evaluate("window.path")
    return found


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


@pytest.mark.parametrize("page", TOUR, ids=[sight.name for sight in TOUR], indirect=True)
def test_tab_reaches_everything_in_order_shows_it_and_leads_out_again(page: Page) -> None:
    length = page.evaluate(WATCH)
    page.locator("body").evaluate("body => { body.tabIndex = -1; body.focus({ preventScroll: true }); }")
    page.evaluate("window.path = []")
    press(page, *["Tab"] * length)
    steps = path(page)
    assert [step["number"] for step in steps] == list(range(length))
    assert [step for step in steps if not step["ring"]] == []
    assert [step for step in steps if not step["seen"]] == []
    press(page, "Tab")
    assert len(path(page)) == length, "the page holds the focus back"
    press(page, "Shift+Tab")
    wait_until(lambda: len(path(page)) > length)
    assert path(page)[-1]["number"] == length - 1


@pytest.mark.parametrize("page", [the("rooms")], indirect=True)
def test_the_first_tab_offers_the_way_past_the_menu(page: Page) -> None:
    press(page, "Tab")
    skip = page.locator(":focus")
    assert skip.inner_text() == "Skip to the content"
    assert (skip.bounding_box() or {"x": -1})["x"] >= 0
    press(page, "Enter", "Tab")
    assert page.evaluate("document.activeElement.closest('main') !== null")


@pytest.mark.parametrize("page", [the("devices")], indirect=True)
def test_escape_changes_nothing_and_loses_nothing(page: Page) -> None:
    page.locator("#name").fill("Winter garden")
    before = page.url
    page.locator("summary").first.focus()
    press(page, "Enter", "Escape")
    assert page.locator("details[open]").count() == 1
    assert page.locator("#name").input_value() == "Winter garden"
    press(page, "Space")
    assert page.locator("details[open]").count() == 0
    assert page.url == before


@pytest.mark.parametrize("page", [the("devices")], indirect=True)
def test_a_room_is_added_its_file_fetched_and_its_unit_shut_out_by_keys_alone(page: Page) -> None:
    page.locator("#name").focus()
    page.keyboard.type("Loft")
    press(page, "Tab", "Tab", "Enter")
    page.get_by_role("heading", name="Loft is invited").wait_for()
    page.get_by_role("button", name="Download fermata.toml").focus()
    with page.expect_download() as download:
        press(page, "Enter")
    assert 'device = "loft"' in Path(download.value.path()).read_text(encoding="utf-8")
    page.locator("summary[aria-label='Change Loft']").focus()
    press(page, "Space", "Tab", "Tab", "Tab", "Enter")
    page.get_by_text("Loft is shut out.").wait_for()


@pytest.mark.parametrize("page", [the("clinic")], indirect=True)
def test_a_wide_table_can_be_scrolled_by_keys(page: Page) -> None:
    page.set_viewport_size({"width": 320, "height": 740})
    page.locator(".scroll").first.focus()
    press(page, "ArrowRight")
    wait_until(lambda: page.locator(".scroll").first.evaluate("box => box.scrollLeft") > 0)
