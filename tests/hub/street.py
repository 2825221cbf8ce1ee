"""A street of clinics: every sight's clinic behind one web server, and one Chromium that goes from page to page."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize

from app.hub.accounts import Role
from tests.hub.households import Clinic
from tests.hub.shown import a_chromium, served, sign_in
from tests.hub.sights import Sight, clinics

DESK: ViewportSize = {"width": 1280, "height": 900}


class Street:
    """Opens sights."""

    def __init__(self, clinics: dict[str, Clinic], urls: dict[str, str], browser: Browser) -> None:
        self.clinics, self.urls, self._browser = clinics, urls, browser
        self._context = cache(self._open)

    def page(self, sight: Sight) -> Page:
        """An empty page of somebody who may see the sight."""
        return self._context(sight.clinic, sight.who).new_page()

    def visit(self, sight: Sight, lang: str, page: Page) -> tuple[int, bytes]:
        """Go there, and do what is done there; the page's status and the page as it came."""
        clinic = self.clinics[sight.clinic]
        code = clinic.desk.people.first_link(clinic.now) if "CODE" in sight.path else ""
        path = sight.path.replace("CODE", code or "")
        answer = page.goto(f"{self.urls[sight.clinic]}{path}{'&' if '?' in path else '?'}lang={lang}")
        assert answer
        html = answer.body()
        sight.do(page)
        return answer.status, html

    def _open(self, clinic: str, who: Role | None) -> BrowserContext:
        context = self._browser.new_context(viewport=DESK)
        if who:
            sign_in(context, self.clinics[clinic], self.urls[clinic], who)
        return context


@contextmanager
def a_street(folder: Path) -> Iterator[Street]:
    with clinics(folder) as found, served(found) as urls, a_chromium() as browser:
        yield Street(found, urls, browser)
