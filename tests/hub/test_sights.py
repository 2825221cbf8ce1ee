"""Every page in every state worth seeing, in both languages: open to all, light, at home on a phone, its own."""

import gzip
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources

import pytest
from playwright.sync_api import Page, ViewportSize

from app.hub.pages import STATIC
from app.hub.words import LANGUAGES
from tests.hub.shown import needs_chromium
from tests.hub.sights import SIGHTS, Sight
from tests.hub.street import Street, a_street

HEAVIEST = 100_000
"""Bytes of a first visit, compressed."""
PHONE: ViewportSize = {"width": 320, "height": 740}
"""As narrow as WCAG's reflow wants it (1.4.10)."""
PAPER: ViewportSize = {"width": 688, "height": 1010}
"""A4 within its margins."""
SIDEWAYS = """new Promise(drawn => requestAnimationFrame(() => requestAnimationFrame(drawn)))
    .then(() => document.documentElement.scrollWidth - innerWidth)"""
"""Pixels by which a page is wider than what is seen of it, once charts have been drawn anew for that width."""
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
    phone: int
    """Pixels that a phone would have to scroll sideways."""
    paper: int
    """Pixels that would not get on a sheet."""
    weight: int
    """Bytes of the page and all it needs, compressed."""


class Findings:
    """Looks at each sight once."""

    def __init__(self, street: Street) -> None:
        self._street = street
        self.of = cache(self._look)

    def _look(self, sight: Sight, lang: str) -> Found:
        page, asked, complaints = self._street.page(sight), set[str](), list[str]()
        page.on("request", lambda request: asked.add(request.url))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: complaints.append(said.text) if STATUS not in said.text else None)
        status, html = self._street.visit(sight, lang, page)
        home = self._street.urls[sight.clinic]
        needed = [url.removeprefix(f"{home}/static/") for url in asked if url.startswith(f"{home}/static/")]
        bodies = [html, *((STATIC / name).read_bytes() for name in needed)]
        page.evaluate(AXE)
        barred = judge(page, "light", ALL)
        page.emulate_media(color_scheme="dark")
        barred += judge(page, "dark", COLOURS)
        page.set_viewport_size(PHONE)
        phone = page.evaluate(SIDEWAYS)
        page.emulate_media(media="print")
        page.set_viewport_size(PAPER)
        paper = page.evaluate(SIDEWAYS)
        page.close()
        foreign = [url for url in asked if not url.startswith(f"{home}/")]
        weight = sum(len(gzip.compress(body)) for body in bodies)
        return Found(status, foreign + complaints, barred, phone, paper, weight)


def judge(page: Page, theme: str, options: str) -> list[str]:
    """What axe finds wrong with a page in a theme."""
    found: list[str] = page.evaluate(
        f"axe.run(document, {options}).then(found => found.violations.flatMap(wrong => wrong.nodes.map("
        "node => `${wrong.id}: ${node.target.join(' ')}: ${node.failureSummary}`)))"
    )
    return [f"{theme}: {sentence}" for sentence in found]


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Street]:
    with a_street(tmp_path_factory.mktemp("sights")) as street:
        yield street


@pytest.fixture(scope="module")
def findings(street: Street) -> Findings:
    return Findings(street)


@needs_chromium
@pytest.mark.parametrize(("sight", "lang"), EACH)
def test_nobody_is_kept_out_of_a_page(findings: Findings, sight: Sight, lang: str) -> None:
    assert findings.of(sight, lang).barred == []


@needs_chromium
@pytest.mark.parametrize(("sight", "lang"), EACH)
def test_a_page_asks_nothing_of_other_machines_and_has_no_complaint(
    findings: Findings, sight: Sight, lang: str
) -> None:
    found = findings.of(sight, lang)
    assert (found.status, found.foreign) == (sight.status, [])


@needs_chromium
@pytest.mark.parametrize(("sight", "lang"), EACH)
def test_a_first_visit_is_light(findings: Findings, sight: Sight, lang: str) -> None:
    assert findings.of(sight, lang).weight < HEAVIEST


@needs_chromium
@pytest.mark.parametrize(("sight", "lang"), EACH)
def test_a_phone_never_scrolls_sideways(findings: Findings, sight: Sight, lang: str) -> None:
    assert findings.of(sight, lang).phone <= 0


@needs_chromium
@pytest.mark.parametrize(("sight", "lang"), EACH)
def test_a_printed_page_fits_its_sheet(findings: Findings, sight: Sight, lang: str) -> None:
    assert findings.of(sight, lang).paper <= 0


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


@needs_chromium
def test_the_board_is_read_from_across_a_desk(street: Street) -> None:
    board = next(sight for sight in SIGHTS if sight.name == "rooms")
    page = street.page(board)
    page.set_viewport_size({"width": 1920, "height": 1080})
    street.visit(board, "en", page)
    heights = "box => parseFloat(getComputedStyle(box).fontSize)"
    sizes = {part: page.locator(part).first.evaluate(heights) for part in (".tell", ".standing", ".ward dd")}
    page.close()
    assert sizes[".tell"] >= 40
    assert sizes[".standing"] >= 32
    assert sizes[".ward dd"] >= 20


@needs_chromium
def test_where_colours_are_forced_edges_signs_and_the_focus_stay(street: Street) -> None:
    board = next(sight for sight in SIGHTS if sight.name == "rooms")
    page = street.page(board)
    page.emulate_media(forced_colors="active")
    street.visit(board, "en", page)
    page.keyboard.press("Tab")
    edge = "box => { const {outlineStyle, borderStyle} = getComputedStyle(box); return [outlineStyle, borderStyle]; }"
    focus, wards = page.locator(":focus").evaluate(edge), page.locator(".ward").evaluate_all(f"all => all.map({edge})")
    standings, faults = (page.locator(part).all_inner_texts() for part in (".standing", ".ward .bad dd"))
    page.close()
    assert focus[0] != "none"
    assert {border for _, border in wards} == {"solid"}
    assert {text[0] for text in standings} <= set("●◐○◌")
    assert faults
    assert {text[0] for text in faults} == {"⚠"}


def test_every_rule_of_the_style_sheet_ends_before_the_next_begins() -> None:
    depth = 0
    for number, line in enumerate((STATIC / "page.css").read_text(encoding="utf-8").splitlines(), 1):
        assert depth == 0 or not line or line[0] in " }", f"line {number} begins inside another rule"
        depth += line.count("{") - line.count("}")
    assert depth == 0


def test_nothing_on_a_page_moves() -> None:
    for sheet in STATIC.rglob("*.css"):
        assert not re.search("transition|animation|keyframes|scroll-behavior", sheet.read_text(encoding="utf-8"))
