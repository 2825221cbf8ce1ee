"""The whole way in a real Chromium, from the first owner's link to a room shut out; `--pictures` draws it for docs."""

import csv
import io
import re
import tomllib
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from playwright.sync_api import Page

from app.demo.acts import last_closed_month
from tests.hub.shown import a_chromium, needs_chromium
from tests.hub.test_joining_whole import Clinic, Part
from tests.hub.visitors import PASSWORD

PICTURES = Path(__file__).parent.parent.parent / "docs" / "pictures"
WIDTH, MOST_HEIGHT = 1200, 1640
WEEKS = 9
PATIENCE_MS = 120_000
COLOURS = 128

pytestmark = [needs_chromium, pytest.mark.timeout(600)]


class Album:
    """Takes pictures of pages for the docs, if they are wanted."""

    def __init__(self, page: Page, wanted: bool) -> None:
        self.page, self._wanted = page, wanted

    def take(self, name: str) -> None:
        """A picture of the page as it is, from its top."""
        if not self._wanted:
            return
        from PIL import Image

        height = min(self.page.evaluate("document.documentElement.scrollHeight"), MOST_HEIGHT)
        clip = {"x": 0, "y": 0, "width": WIDTH, "height": height}
        drawn = self.page.screenshot(full_page=True, clip=clip)  # type: ignore[arg-type]  # a FloatRect
        Image.open(io.BytesIO(drawn)).quantize(COLOURS).save(PICTURES / f"{name}.png", optimize=True)

    def take_both(self, name: str) -> None:
        """A picture in English, and one in Spanish."""
        for lang in ("es", "en"):
            self.page.goto(re.sub(r"lang=..", f"lang={lang}", self.page.url))
            self.page.wait_for_load_state("networkidle")
            self.take(f"{name}-{lang}")


@pytest.fixture
def clinic(tmp_path: Path) -> Iterator[Clinic]:
    clinic = Clinic(tmp_path, "therapists = 6\n")
    yield clinic
    for part in reversed(clinic.parts):
        part.process.kill()
        part.process.wait()


@pytest.fixture
def album(request: pytest.FixtureRequest) -> Iterator[Album]:
    with a_chromium() as browser:
        page = browser.new_page(locale="en-GB", viewport={"width": WIDTH, "height": 900})
        page.set_default_timeout(PATIENCE_MS)
        yield Album(page, wanted=bool(request.config.getoption("--pictures")))


def test_from_the_first_owner_to_a_room_that_is_shut_out(clinic: Clinic, album: Album) -> None:
    page = album.page
    hub = clinic.start("hub", clinic.settings, "hub")
    hub.wait("fermata hub ready")
    become_the_owner(album, hub)
    page.get_by_text("No room has reported yet.").wait_for()
    page.get_by_role("link", name="Add a room").click()
    blue = add(album, clinic, "Blue room", "Add a room", "hub-room-added-en")
    page.get_by_role("link", name="Español").click()
    green = add(album, clinic, "Sala verde", "Añadir una sala", "hub-room-added-es")
    page.get_by_role("link", name="English").click()

    senders = [clinic.start(file.stem, file, "send") for file in (blue, green)]
    senders[0].wait("this unit has joined its clinic as 'blue-room'")
    senders[1].wait("this unit has joined its clinic as 'sala-verde'")
    page.get_by_role("link", name="Clinic").click()
    live(clinic, blue, green)
    # The page was left open: it shows by itself what has come.
    page.locator("table.months td[data-metric]").first.wait_for()
    assert page.get_by_role("link", name="Sala verde").count() == 1
    assert page.locator(".notice.rehearsal").is_visible()
    take_the_clinic(album)

    rows = export(page)
    shown = page.locator("table.months tr:has(td[data-metric])").first
    talk = shown.locator("td[data-metric=therapist_talk_share]")
    found = [row for row in rows if row["metric"] == "therapist_talk_share" and row["months"] == "1"]
    assert found[0]["data"] == "simulated"
    assert float(found[0]["value"]) == round(float(talk.get_attribute("data-value") or "nan"), 4)

    page.get_by_role("link", name="Rooms", exact=True).click()
    page.get_by_text("● Online").first.wait_for()
    album.take_both("hub-rooms")
    before = clinic.counts()["messages"]
    shut_out(album, senders[0])
    assert clinic.counts()["messages"] >= before
    page.get_by_role("link", name="Rooms", exact=True).click()
    page.get_by_role("link", name="Sala verde").wait_for()
    assert page.get_by_role("link", name="Blue room").count() == 0
    hub.end()


def become_the_owner(album: Album, hub: Part) -> None:
    page, link = album.page, re.search(r"http://127\.0\.0\.1:\d+/welcome/\S+", hub.said)
    assert link
    page.goto(f"{link[0]}?lang=en")
    album.take_both("hub-first-owner")
    page.get_by_label("Name to sign in by").fill("ana")
    page.get_by_label("New password").fill(PASSWORD)
    page.get_by_label("The same again").fill(PASSWORD)
    page.get_by_role("button").click()
    page.get_by_role("heading", name="north").wait_for()


def add(album: Album, clinic: Clinic, name: str, word: str, picture: str) -> Path:
    """Add a room on the page of devices; its unit's settings file, and where this test keeps the unit's things."""
    page = album.page
    page.locator("#name").fill(name)
    page.get_by_role("button", name=word).click()
    page.locator(".invited").wait_for()
    album.take(picture)
    with page.expect_download() as download:
        page.get_by_role("button", name="fermata.toml").click()
    text = Path(download.value.path()).read_text(encoding="utf-8")
    device = tomllib.loads(text)["room"]["device"]
    here, file = clinic.folder / f"unit of {device}", clinic.folder / f"{device}.toml"
    here.mkdir()
    paths = f'\n[paths]\nstate = "{here}"\noutbox = "{here}"\nkeys = "{here / "keys"}"\n'
    file.write_text(text.replace("[send]\n", "[send]\nresend_s = 1\nheartbeat_s = 10\n") + paths)
    return file


def live(clinic: Clinic, *files: Path) -> None:
    """Have the rooms live through some weeks, simulated, and end."""
    weeks = ["--weeks", str(WEEKS), "--until", str(last_closed_month(date.today()))]  # noqa: DTZ011  as the demo says it
    parts = [
        clinic.start(f"weeks of {file.stem}", file, "listen", *weeks, "--room", str(room))
        for room, file in enumerate(files)
    ]
    for part in parts:
        assert part.process.wait(PATIENCE_MS / 1000) == 0, part.said


def take_the_clinic(album: Album) -> None:
    page = album.page
    album.take_both("hub-clinic")
    page.emulate_media(color_scheme="dark")
    album.take_both("hub-clinic-dark")
    page.emulate_media(color_scheme="light")


def export(page: Page) -> list[dict[str, str]]:
    with page.expect_download() as download:
        page.get_by_role("link", name="Download as CSV").click()
    text = Path(download.value.path()).read_text(encoding="utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


def shut_out(album: Album, unit: Part) -> None:
    page = album.page
    page.get_by_role("link", name="Devices").click()
    row = page.get_by_role("row", name="Blue room")
    for lang in ("es", "en"):
        page.goto(re.sub(r"lang=..", f"lang={lang}", page.url))
        row.locator("summary").click()
        album.take(f"hub-devices-{lang}")
    row.get_by_role("button", name="Revoke").click()
    page.get_by_text("Blue room is shut out.").wait_for()
    unit.wait("is away")
    unit.wait("refuses this unit")
