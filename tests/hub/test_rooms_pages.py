"""The pages of rooms: the board and a room's health, as each role gets them."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.hub.accounts import Role
from app.hub.authority import Authority
from app.sync.identity import new_key, signing_request
from tests.hub.households import DAY_S, NOW, Clinic, a_clinic
from tests.hub.test_pages import Outline
from tests.hub.visitors import Browser

SIGNED_IN = [Role.OWNER, Role.MANAGER, Role.AUDITOR, Role.TECH]


@pytest.fixture
def clinic(tmp_path: Path) -> Iterator[Clinic]:
    with a_clinic(tmp_path) as clinic:
        yield clinic


def words(browser: Browser, path: str, **query: str) -> str:
    answer = browser.get(path, query)
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", Outline(answer.text.replace("><", "> <")).words)


def test_an_empty_board_says_what_it_waits_for_and_where_to_add_a_room(clinic: Clinic) -> None:
    assert "No room has reported yet" in words(clinic.browser(Role.TECH), "/rooms")
    assert "Add a room" in words(clinic.browser(Role.TECH), "/rooms")
    assert "Add a room" not in words(clinic.browser(Role.AUDITOR), "/rooms")


def test_the_board_tells_all_seven_things_of_a_room(clinic: Clinic) -> None:
    clinic.beat("room-0", outbox_waiting=1)
    clinic.release(range(44, 45), rooms=1)
    text = words(clinic.browser(Role.TECH), "/rooms")
    for told in (
        "● Online",
        "Microphones Working",
        "Last weekly report Week 44 of 2026",
        "Waiting to be sent 1 report",
        "Certificate None needed on this machine",
        "Clock Set by the hub",
        "Software 0.1.0",
    ):
        assert told in text, told
    assert "✓ Nothing needs a look" in text


@pytest.mark.parametrize(
    "trouble", [{"microphones": "fault"}, {"ago": 3600}, {"outbox_waiting": 3}], ids=["fault", "silent", "waiting"]
)
def test_what_needs_a_look_is_counted_and_can_be_shown_alone(clinic: Clinic, trouble: dict[str, object]) -> None:
    clinic.beat("well")
    clinic.beat("bad", **trouble)  # type: ignore[arg-type]  # ago is a number, the others are a heartbeat's
    browser = clinic.browser(Role.TECH)
    assert "⚠ 1 room needs a look 1 of 2 rooms online and well" in words(browser, "/rooms")
    shown = browser.get("/rooms", {"show": "look"}).text
    assert 'href="/rooms/bad' in shown
    assert 'href="/rooms/well' not in shown


@pytest.mark.parametrize(
    ("age", "said"),
    [(10, "Good until"), (75, "Not renewed: ends on"), (95, "Ended on")],
)
def test_a_certificate_that_was_not_renewed_needs_a_look(clinic: Clinic, age: int, said: str) -> None:
    then = NOW - age * DAY_S
    invited = clinic.registry.add("Blue room", then)
    authority = Authority(clinic.options.authority, "north", then)
    clinic.registry.admit(authority, invited.device, invited.code, signing_request(new_key()), then)
    clinic.beat(invited.device)
    text = words(clinic.browser(Role.TECH), "/rooms")
    assert f"Certificate {'' if age == 10 else '⚠ '}{said}" in text
    assert ("Nothing needs a look" in text) == (age == 10)


def test_an_invited_room_waits_and_worries_nobody(clinic: Clinic) -> None:
    clinic.registry.add("Blue room", NOW)
    text = words(clinic.browser(Role.TECH), "/rooms")
    assert "Blue room ◌ Invited: waits for its unit" in text
    assert "Nothing needs a look" in text


def test_a_room_is_found_by_a_part_of_its_name(clinic: Clinic) -> None:
    clinic.beat("attic")
    clinic.beat("cellar")
    browser = clinic.browser(Role.TECH)
    assert 'href="/rooms/cellar' not in browser.get("/rooms", {"q": "ATT"}).text
    assert "No room is like that now" in words(browser, "/rooms", q="garden")


def test_many_rooms_come_in_pages_and_a_strange_page_is_the_nearest(clinic: Clinic) -> None:
    for number in range(61):
        clinic.beat(f"room-{number:02}")
    browser = clinic.browser(Role.TECH)
    assert browser.get("/rooms").text.count('class="room ward') == 60
    assert browser.get("/rooms", {"page": "2"}).text.count('class="room ward') == 1
    for page in ("99999", "0", "-1", "x", "²", ""):
        assert browser.get("/rooms", {"page": page}).status_code == 200


def test_another_language_shows_the_same_part_of_the_same_page(clinic: Clinic) -> None:
    page = clinic.browser(Role.TECH).get("/rooms", {"q": "a&b", "show": "look"}).text
    assert 'href="/rooms?q=a%26b&amp;show=look&amp;lang=es"' in page
    answer = clinic.browser(Role.TECH).fill("/devices", "/devices/add", name="Blue room", days="3")
    assert 'href="/devices?lang=es"' in answer.text
    assert 'href="/devices?lang=en" aria-current="page"' in answer.text


def test_a_room_shows_its_days_and_those_on_which_it_was_not_heard(clinic: Clinic) -> None:
    for seq, ago in enumerate((3 * DAY_S, 3 * DAY_S - 600, DAY_S, 0)):
        clinic.beat("room-0", seq, ago, microphones="fault" if ago == DAY_S else "ok")
    page = clinic.browser(Role.TECH).get("/rooms/room-0").text
    text = re.sub(r"\s+", " ", Outline(page.replace("><", "> <")).words)
    assert "23 November 2026 (so far)" in text
    assert "21 November 2026 Not heard" in text
    assert "20 November 2026 0.2 of 24 h" in text
    assert "Microphones: fault in 1 report." in text
    assert page.count("<rect") == 4
    assert page.count("<tr") == 5


def test_a_room_without_a_day_says_so_and_one_that_is_not_there_too(clinic: Clinic) -> None:
    clinic.registry.add("Blue room", NOW)
    assert "No day yet" in words(clinic.browser(Role.TECH), "/rooms/blue-room")
    assert clinic.browser(Role.TECH).get("/rooms/nowhere").status_code == 404


def test_nothing_of_conversations_is_on_the_pages_of_rooms(clinic: Clinic) -> None:
    clinic.beat("room-0")
    clinic.release(range(36, 45))
    for path in ("/rooms", "/rooms/room-0"):
        page = clinic.browser(Role.OWNER).get(path).text
        assert "data-metric" not in page
        assert "share of talk" not in page


@pytest.mark.parametrize("path", ["/rooms", "/rooms/room-0", "/devices", "/glossary"])
def test_every_role_reads_and_a_stranger_is_sent_to_sign_in(clinic: Clinic, path: str) -> None:
    clinic.beat("room-0")
    for role in SIGNED_IN:
        assert clinic.browser(role).get(path).status_code == 200
    answer = Browser(clinic.pages()).get(path)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/sign-in")


@pytest.mark.parametrize("path", ["/rooms", "/rooms/room-0", "/devices", "/glossary"])
@pytest.mark.parametrize("lang", ["en", "es"])
def test_nothing_is_inline_and_nothing_comes_from_elsewhere(clinic: Clinic, path: str, lang: str) -> None:
    clinic.beat("room-0", simulated=True)
    clinic.registry.add("Blue <b>room</b>", NOW)
    answer = clinic.browser(Role.OWNER).get(path, {"lang": lang})
    assert "<b>room" not in answer.text
    assert answer.headers["content-language"] == lang
    assert "unsafe" not in answer.headers["content-security-policy"]
    ids = []
    for tag, attrs in Outline(answer.text).tags:
        assert "style" not in attrs
        assert tag != "style"
        assert not [name for name in attrs if name.startswith("on")]
        ids += [attrs["id"]] if "id" in attrs else []
        for name in ("src", "href", "action"):
            link = attrs.get(name)
            assert link is None or re.match(r"/(?!/)|#", link), link
    assert len(ids) == len(set(ids))
