"""The page as a browser gets it, over a real store."""

import hashlib
import re
import sqlite3
import tomllib
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from string import Formatter
from typing import Any

import pytest

from app.catalogue import RELEASED
from app.hub.accounts import Role
from app.hub.arrivals import Arrival, sort
from app.hub.declared import Declared
from app.hub.pages import NAMES, STATIC, Settings, make_app
from app.hub.rounds import Rounds
from app.hub.store import Store
from app.hub.words import FOLDER, LANGUAGES, choose
from app.sync import wire
from tests.hub.hubs import EPOCH, a_heartbeat, a_release, an_envelope, in_time
from tests.hub.visitors import Browser, a_desk, let_in

NOW = int(datetime(2026, 11, 23, 12, 0, tzinfo=UTC).timestamp())


Browse = Callable[..., Browser]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with closing(Store(tmp_path / "hub.sqlite")) as store:
        yield store


@pytest.fixture
def browse(store: Store, tmp_path: Path) -> Iterator[Browse]:
    desk = a_desk(tmp_path / "hub.sqlite", lambda: float(NOW))
    visit = let_in(desk, Role.OWNER)
    rounds = Rounds(tmp_path / "hub.sqlite")

    def open_page(therapists: int = 6, owner_agreed: bool = False, trouble: str | None = None) -> Browser:
        settings = Settings("north", lambda: Declared(therapists, owner_agreed))
        return Browser(make_app(store, rounds, lambda: trouble, settings, lambda: float(NOW), desk), visit)

    with closing(desk.people), closing(desk.journal), closing(rounds):
        yield open_page


def fill(
    store: Store, weeks: range, sessions: int = 25, simulated: bool = False, rooms: int = 2, sums: object = 0
) -> None:
    for room in range(rooms):
        for week in weeks:
            changes: dict[str, object] = {} if sums == 0 else {"sums": sums}
            release = a_release(10_000 * simulated + 100 * room + week, f"2026-W{week}", sessions, **changes)
            envelope = an_envelope(100 * simulated + week, release, f"room-{room}", simulated=simulated)
            item = sort(Arrival(envelope.device, "m", wire.seal(envelope)))
            assert item
            in_time(store, [item], NOW)


def beat(
    store: Store, device: str = "room-0", now: int = NOW, simulated: bool = False, seq: int = 900, **changes: object
) -> None:
    envelope = an_envelope(seq, a_heartbeat(**changes), device, simulated=simulated)
    item = sort(Arrival(device, "m", wire.seal(envelope)))
    birth = wire.State(state="birth", epoch=EPOCH, boot=1, next_seq=1)
    state = sort(Arrival(device, "state", birth.model_dump_json().encode()))
    assert item
    assert state
    store.commit([state, item], now)


class Outline(HTMLParser):
    """The tags of a page, the words in it, and whether every tag is closed."""

    VOID = {"meta", "link", "img", "br", "hr", "input", "wbr"}  # noqa: RUF012  never changed

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.words = ""
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data


def read(client: Browser, **query: str) -> Outline:
    answer = client.get("/", params=query)
    assert answer.status_code == 200
    outline = Outline(answer.text)
    outline.words = re.sub(r"\s+", " ", outline.words)
    return outline


def test_an_empty_hub_says_what_it_waits_for(browse: Browse) -> None:
    words = read(browse()).words
    assert "No room has reported yet" in words
    assert "No release has arrived yet" in words


def test_few_sessions_say_how_many_are_missing(store: Store, browse: Browse) -> None:
    fill(store, range(45, 47), 20, rooms=1)
    words = read(browse()).words
    assert "The first month appears from 150 sessions" in words
    assert "November 2026 has 40 so far; what comes until 6 December 2026 counts" in words


def test_a_month_shows_every_metric_with_interval_evidence_and_count(store: Store, browse: Browse) -> None:
    fill(store, range(36, 45))
    outline = read(browse())
    cells = [attrs for tag, attrs in outline.tags if tag == "td" and "data-metric" in attrs]
    assert {cell["data-metric"] for cell in cells} == {metric.id for metric in RELEASED}
    for cell in cells:
        assert float(cell["data-low"] or "nan") < float(cell["data-value"] or "nan") < float(cell["data-high"] or "nan")
    assert "September 2026" in outline.words
    assert "40 %" in outline.words  # a sum of -100 a session is a tenth of the range below its middle
    assert "95 % interval" in outline.words
    assert "Evidence: Weak." in outline.words
    assert "noise and scatter" in outline.words
    assert "simulated" not in outline.words


def test_the_table_has_the_numbers_that_the_chart_draws(store: Store, browse: Browse) -> None:
    fill(store, range(36, 45))
    outline = read(browse())
    charts = {attrs["data-metric"] for _, attrs in outline.tags if attrs.get("class") == "chart"}
    assert charts == {attrs["data-metric"] for tag, attrs in outline.tags if tag == "td" and "data-metric" in attrs}


def test_simulated_numbers_are_labelled_and_stand_apart(store: Store, browse: Browse) -> None:
    fill(store, range(36, 45), simulated=True)
    beat(store, simulated=True)
    words = read(browse()).words
    assert words.count("◇ simulated") >= 1 + 1 + len(RELEASED) + 2  # room, notice, metrics, tables
    fill(store, range(36, 45), rooms=1)
    kinds = [
        attrs["class"] for tag, attrs in read(browse()).tags if tag == "div" and "world" in (attrs.get("class") or "")
    ]
    assert kinds == ["world real", "world simulated"]


def test_with_few_therapists_no_number_is_on_the_page(store: Store, browse: Browse) -> None:
    fill(store, range(36, 45))
    outline = read(browse(therapists=4))
    assert "The conversation metrics are off" in outline.words
    assert "declared 4" in outline.words
    assert not [attrs for _, attrs in outline.tags if "data-value" in attrs]
    assert [attrs for _, attrs in read(browse(therapists=4, owner_agreed=True)).tags if "data-value" in attrs]


def test_withheld_weeks_are_counted(store: Store, browse: Browse) -> None:
    fill(store, range(36, 45))
    fill(store, range(45, 47), sessions=0, rooms=1, sums=None)
    row = re.search(r"November 2026</th>(.*?)</tr>", browse().get("/").text, re.DOTALL)
    assert row
    assert re.findall(r'"count">(\d+)<', row[1]) == ["0", "0", "2"]


def test_noise_beyond_the_possible_is_shown_to_the_edge_and_said(store: Store, browse: Browse) -> None:
    ranges = {metric.id for metric in RELEASED}
    fill(store, range(36, 45), sums=dict.fromkeys(ranges, -500 * 25 - 3000))
    outline = read(browse())
    assert "0 % †" in outline.words
    assert "† The noise reaches beyond what is possible" in outline.words
    assert all(float(attrs["data-low"] or -1) >= 0 for _, attrs in outline.tags if "data-value" in attrs)


def test_the_clinics_page_tells_which_rooms_need_a_look_and_why(store: Store, browse: Browse) -> None:
    beat(store, "room-0")
    beat(store, "room-1", microphones="fault", outbox_waiting=3, outbox_dropped=1)
    beat(store, "room-2", now=NOW - 7200)
    death = sort(Arrival("room-3", "state", wire.State(state="death", epoch=EPOCH, boot=1).model_dump_json().encode()))
    assert death
    store.commit([death], NOW - 7200)
    words = read(browse()).words
    for expected in (
        "1 of 4 rooms online and well",
        "● Online",
        "◐ Silent",
        "○ Offline since",
        "Fault: check the unit",
    ):
        assert expected in words
    for expected in (
        "3 rooms need a look",
        "3 reports",
        "1 heartbeat dropped",
        "2 hours ago",
        "no heartbeat for more than 15 minutes",
    ):
        assert expected in words


def test_of_many_rooms_the_clinics_page_shows_those_that_need_a_look(store: Store, browse: Browse) -> None:
    for number in range(8):
        beat(store, f"room-{number}", microphones="fault" if number == 5 else "ok")
    page = browse().get("/").text
    assert re.findall(r'href="/rooms/([^?]+)\?', page) == ["room-5"]
    assert "7 of 8 rooms online and well" in page


def test_of_many_rooms_with_newer_software_some_are_named(store: Store, browse: Browse) -> None:
    for number in range(NAMES + 1):
        newer = sort(Arrival(f"room-{number:02}", "m", b'{"v":2,"epoch":"%s","seq":1}' % EPOCH.encode()))
        assert newer
        store.commit([newer], NOW)
    words = read(browse()).words
    assert "room-18, room-19, …." in words
    assert "room-20" not in words


def test_trouble_and_what_was_set_aside_are_told(store: Store, browse: Browse) -> None:
    poison = sort(Arrival("room-9", "m", b"{"))
    newer = sort(Arrival("room-8", "m", b'{"v":2,"epoch":"%s","seq":1}' % EPOCH.encode()))
    assert poison
    assert newer
    store.commit([poison, newer], NOW)
    words = read(browse(trouble="the broker does not answer")).words
    assert "Nothing is stored at the moment: the broker does not answer." in words
    assert "2 messages could not be accepted" in words
    assert "room-8" in words


def test_a_room_cannot_smuggle_markup_into_the_page(store: Store, browse: Browse) -> None:
    beat(store, software="<script>alert(1)</script>")
    assert "<script>alert" not in browse().get("/").text


def test_the_headers_keep_the_page_to_itself(browse: Browse) -> None:
    for path in ("/", "/health", "/static/page.css", "/nowhere"):
        headers = browse().get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
        assert headers["x-frame-options"] == "DENY"
    assert browse().get("/").headers["cache-control"] == "no-store"


def test_files_are_compressed_on_the_way_and_pages_with_secrets_never(browse: Browse) -> None:
    accepting = {"Accept-Encoding": "gzip"}
    for path in ("page.css", "live.js", "vendor/htmx.min.js"):
        headers = browse().get(f"/static/{path}", headers=accepting).headers
        assert (headers["content-encoding"], headers["vary"]) == ("gzip", "Accept-Encoding")
    for path in ("/", "/people", "/sign-in", "/nowhere"):
        assert "content-encoding" not in browse().get(path, headers=accepting).headers


def test_nothing_is_inline_and_nothing_comes_from_elsewhere(store: Store, browse: Browse) -> None:
    fill(store, range(36, 45), simulated=True)
    beat(store)
    for tag, attrs in read(browse()).tags:
        assert "style" not in attrs
        assert not [name for name in attrs if name.startswith("on")]
        assert tag != "style"
        for name in ("src", "href"):
            link = attrs.get(name)
            assert link is None or re.match(r"/(?!/)|#", link), link
        if tag == "script":
            assert attrs["src"]
    for file in STATIC.rglob("*"):
        if file.suffix in {".js", ".css"}:
            assert not re.search(r"https?://(?!www\.w3\.org)", file.read_text()) or file.parent.name == "vendor"


def test_a_page_that_is_not_there_says_so(browse: Browse) -> None:
    answer = browse().get("/nowhere", params={"lang": "es"})
    assert answer.status_code == 404
    assert "Esa página no existe." in Outline(answer.text).words


def test_the_address_of_a_form_is_no_page_and_says_so_with_the_menu(browse: Browse) -> None:
    answer = browse().get("/people/add")
    assert answer.status_code == 405
    assert "There is no such page." in Outline(answer.text).words
    assert 'href="/people?lang=en"' in answer.text


def test_a_store_that_cannot_be_read_says_so(browse: Browse, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "hub.sqlite")) as database:
        database.execute("ALTER TABLE health RENAME TO gone")
    answer = browse().get("/")
    assert answer.status_code == 503
    assert "cannot be shown at the moment" in Outline(answer.text).words


def test_this_machine_may_be_asked_by_each_of_its_names(browse: Browse) -> None:
    for host in ("127.0.0.1:8720", "localhost:8720", "[::1]:8720"):
        assert browse().get("/", headers={"Host": host}).status_code == 200


def test_a_foreign_host_name_is_refused(browse: Browse) -> None:
    assert browse().get("/", headers={"Host": "clinic.example"}).status_code == 400


def test_health_counts_what_is_in_the_store(store: Store, browse: Browse) -> None:
    fill(store, range(36, 40), simulated=True)
    assert browse().get("/health").json() == {
        "messages": 8,
        "releases": 8,
        "withheld": 0,
        "simulated": 8,
        "quarantined": 0,
        "rooms": 2,
    }


@pytest.mark.parametrize(
    ("asked", "accepted", "code"),
    [
        (None, "", "en"),
        (None, "de-DE,de;q=0.9", "en"),
        (None, "es-MX,es;q=0.9,en;q=0.8", "es"),
        (None, "es;q=0.5,en;q=0.9", "en"),
        (None, "es;q=0", "en"),
        (None, ";;;q=x,,", "en"),
        ("es", "en", "es"),
        ("xx", "es", "es"),
    ],
)
def test_the_language_is_the_one_asked_for_or_the_browsers(asked: str | None, accepted: str, code: str) -> None:
    assert choose(asked, accepted).code == code


def test_the_page_speaks_spanish(store: Store, browse: Browse) -> None:
    fill(store, range(36, 45))
    beat(store)
    client = browse()
    assert client.get("/", headers={"Accept-Language": "es"}).headers["content-language"] == "es"
    outline = read(client, lang="es")
    assert ("html", {"lang": "es"}) in outline.tags
    assert "septiembre de 2026" in outline.words
    assert "8,0 s" in outline.words


def test_all_languages_have_the_same_words_with_the_same_names() -> None:
    def names(text: Any) -> Any:  # noqa: ANN401  whatever TOML holds
        if isinstance(text, dict):
            return {key: names(value) for key, value in text.items()}
        if isinstance(text, list):
            return len(text)
        return sorted({name for _, name, _, _ in Formatter().parse(text) if name})

    first, *others = (names(tomllib.loads((FOLDER / f"{code}.toml").read_text())) for code in LANGUAGES)
    for other in others:
        assert other == first
    for table in ("metric", "about", "evidence"):
        assert first[table].keys() == {metric.id for metric in RELEASED}


def test_what_is_vendored_is_what_was_taken() -> None:
    lines = (STATIC / "vendor" / "SHA256SUMS").read_text().splitlines()
    assert len(lines) == 5
    for line in lines:
        digest, name = line.split()
        assert hashlib.sha256((STATIC / "vendor" / name).read_bytes()).hexdigest() == digest
