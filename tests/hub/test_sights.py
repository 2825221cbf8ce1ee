"""Every page in every state worth seeing, in both languages: open to all, light, at home on a phone, its own."""

import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize

from app.hub.accounts import Role
from app.hub.pages import STATIC
from app.hub.words import LANGUAGES
from tests.hub.households import Clinic
from tests.hub.shown import a_chromium, needs_chromium, served, sign_in
from tests.hub.sights import SIGHTS, Sight, clinics

HEAVIEST = 100_000
"""Bytes of a first visit, compressed."""
PHONE: ViewportSize = {"width": 360, "height": 740}
DESK: ViewportSize = {"width": 1280, "height": 900}
EACH = [pytest.param(sight, lang, id=f"{sight.name}-{lang}") for sight in SIGHTS for lang in LANGUAGES]
STATUS = "the server responded with a status of"
"""What Chromium says of any page that is not 200."""
ALL = "{ rules: { 'target-size': { enabled: true } } }"
COLOURS = "{ runOnly: ['color-contrast', 'link-in-text-block'] }"
"""The rules that a theme can break."""
AXE = (resources.files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Found:
    """What a page was like."""

    status: int
    foreign: list[str]
    """What it asked of other machines, or complained of."""
    barred: list[str]
    """What axe has against it, in either theme."""
    sideways: int
    """Pixels that a phone would have to scroll sideways."""
    weight: int
    """Bytes of the page and all it needs, compressed."""


class Street:
    """Looks at each sight once, with one browser and one server."""

    def __init__(self, clinics: dict[str, Clinic], urls: dict[str, str], browser: Browser) -> None:
        self.clinics, self.urls, self._browser = clinics, urls, browser
        self.found = cache(self._look)
        self._context = cache(self._open)

    def visit(self, sight: Sight, lang: str, page: Page) -> tuple[int, bytes]:
        """Go there, and do what is done there; the page's status and the page."""
        clinic = self.clinics[sight.clinic]
        code = clinic.desk.people.first_link(clinic.now) if "CODE" in sight.path else ""
        path = sight.path.replace("CODE", code or "")
        answer = page.goto(f"{self.urls[sight.clinic]}{path}{'&' if '?' in path else '?'}lang={lang}")
        assert answer
        html = answer.body()
        sight.do(page)
        return answer.status, html

    def page(self, sight: Sight) -> Page:
        return self._context(sight.clinic, sight.who).new_page()

    def _open(self, clinic: str, who: Role | None) -> BrowserContext:
        context = self._browser.new_context(viewport=DESK)
        if who:
            sign_in(context, self.clinics[clinic], self.urls[clinic], who)
        return context

    def _look(self, sight: Sight, lang: str) -> Found:
        page, asked, complaints = self.page(sight), set[str](), list[str]()
        page.on("request", lambda request: asked.add(request.url))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: complaints.append(said.text) if STATUS not in said.text else None)
        status, html = self.visit(sight, lang, page)
        home = self.urls[sight.clinic]
        needed = [url.removeprefix(f"{home}/static/") for url in asked if url.startswith(f"{home}/static/")]
        bodies = [html, *((STATIC / name).read_bytes() for name in needed)]
        page.evaluate(AXE)
        barred = judge(page, "light", ALL)
        page.emulate_media(color_scheme="dark")
        barred += judge(page, "dark", COLOURS)
        page.set_viewport_size(PHONE)
        sideways = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        page.close()
        return Found(
            status,
            [url for url in asked if not url.startswith(f"{home}/")] + complaints,
            barred,
            sideways,
            sum(len(gzip.compress(body)) for body in bodies),
        )


def judge(page: Page, theme: str, options: str) -> list[str]:
    """What axe finds wrong with a page in a theme."""
    found: list[str] = page.evaluate(
        f"axe.run(document, {options}).then(found => found.violations.flatMap(wrong => wrong.nodes.map("
        "node => `${wrong.id}: ${node.target.join(' ')}: ${node.failureSummary}`)))"
    )
    return [f"{theme}: {sentence}" for sentence in found]


@pytest.fixture(scope="module")
def found_clinics(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Clinic]]:
    with clinics(tmp_path_factory.mktemp("sights")) as found:
        yield found


@pytest.fixture(scope="module")
def street(found_clinics: dict[str, Clinic]) -> Iterator[Street]:
    with served(found_clinics) as urls, a_chromium() as browser:
        yield Street(found_clinics, urls, browser)


@needs_chromium
@pytest.mark.parametrize(("sight", "lang"), EACH)
def test_nobody_is_kept_out_of_a_page(street: Street, sight: Sight, lang: str) -> None:
    assert street.found(sight, lang).barred == []


@needs_chromium
@pytest.mark.parametrize(("sight", "lang"), EACH)
def test_a_page_asks_nothing_of_other_machines_and_has_no_complaint(street: Street, sight: Sight, lang: str) -> None:
    found = street.found(sight, lang)
    assert (found.status, found.foreign) == (sight.status, [])


@needs_chromium
@pytest.mark.parametrize(("sight", "lang"), EACH)
def test_a_first_visit_is_light(street: Street, sight: Sight, lang: str) -> None:
    assert street.found(sight, lang).weight < HEAVIEST


@needs_chromium
@pytest.mark.parametrize(("sight", "lang"), EACH)
def test_a_phone_never_scrolls_sideways(street: Street, sight: Sight, lang: str) -> None:
    assert street.found(sight, lang).sideways <= 0


@needs_chromium
def test_what_keeps_people_out_is_found(street: Street) -> None:
    page = street.page(SIGHTS[0])
    street.visit(SIGHTS[0], "en", page)
    page.evaluate("document.querySelector('img').removeAttribute('alt')")
    page.evaluate("document.styleSheets[0].insertRule('.intro { color: #eee !important }')")
    page.evaluate(AXE)
    found = "\n".join(judge(page, "light", ALL))
    page.close()
    assert "image-alt" in found
    assert "color-contrast" in found
