"""A room's own numbers: only where it stands declared, beside enough of a rest, not to technicians, each read noted."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.catalogue import RELEASED
from app.hub.accounts import Role
from app.hub.desk import BY_ITSELF
from app.hub.journal import TERMINAL, Deed
from tests.hub.households import DAY_S, NOW, Clinic, a_clinic
from tests.hub.test_export import lines
from tests.hub.test_pages import Outline
from tests.hub.visitors import Browser

READERS = [Role.OWNER, Role.MANAGER, Role.AUDITOR]


@pytest.fixture
def clinic(tmp_path: Path) -> Iterator[Clinic]:
    with a_clinic(tmp_path) as clinic:
        for room in range(4):
            clinic.beat(f"room-{room}")
        yield clinic


def page(browser: Browser, room: str = "room-0", **query: str) -> str:
    answer = browser.get(f"/rooms/{room}", query)
    assert answer.status_code == 200
    return answer.text


def words(text: str) -> str:
    return re.sub(r"\s+", " ", Outline(text.replace("><", "> <")).words)


def shown(text: str) -> set[tuple[str, float]]:
    return {
        (attrs["data-metric"] or "", round(float(attrs["data-value"] or "nan"), 4))
        for tag, attrs in Outline(text).tags
        if tag == "td" and "data-metric" in attrs
    }


def declare(clinic: Clinic, *rooms: str) -> None:
    for at, room in enumerate(rooms):
        clinic.declarations.declare_room(room, True, clinic.now - DAY_S + at, TERMINAL)


@pytest.mark.parametrize("role", READERS)
def test_an_undeclared_room_shows_no_number_and_no_count_and_says_why(role: Role, clinic: Clinic) -> None:
    clinic.release(range(36, 48), rooms=3, sessions=50)
    text = page(clinic.browser(role))
    assert shown(text) == set()
    assert "This room's own numbers are not shown" in words(text)
    assert "600" not in words(text)


@pytest.mark.parametrize("role", READERS)
def test_a_declared_room_shows_its_months_and_quarters_with_intervals(role: Role, clinic: Clinic) -> None:
    clinic.release(range(27, 48), rooms=3, sessions=50)
    declare(clinic, "room-0")
    text = page(clinic.browser(role))
    assert {metric for metric, _ in shown(text)} == {metric.id for metric in RELEASED}
    told = words(text)
    for period in ("July 2026", "October 2026", "Quarter 3, 2026"):
        assert f"{period} 40 %" in told
    assert "November 2026 Not closed yet: what comes until 6 December 2026 counts." in told
    assert "declared by somebody at the hub's terminal, 22 November 2026" in told
    assert "noise and scatter" in told or "noise only" in told


def test_technicians_see_the_rooms_health_and_never_its_numbers(clinic: Clinic) -> None:
    clinic.release(range(27, 48), rooms=3, sessions=50)
    declare(clinic, "room-0")
    tech = clinic.browser(Role.TECH)
    text = page(tech)
    assert "Microphones" in text
    assert shown(text) == set()
    assert "own-title" not in text
    assert tech.get("/export/rooms/room-0.csv").status_code == 403
    assert Browser(clinic.pages()).get("/export/rooms/room-0.csv").status_code == 303


def test_the_room_that_would_give_the_last_one_away_is_withheld_and_says_so(clinic: Clinic) -> None:
    clinic.release(range(27, 48), rooms=3, sessions=50)
    declare(clinic, "room-0", "room-1")
    owner = clinic.browser(Role.OWNER)
    assert shown(page(owner, "room-0"))
    second = page(owner, "room-1")
    assert shown(second) == set()
    assert "what is left of the clinic would be too little or of one room" in words(second)
    assert "They appear once the other rooms stand declared too" in words(second)
    declare(clinic, "room-2")
    assert shown(page(owner, "room-1"))


def test_a_room_that_is_withdrawn_shows_nothing_more(clinic: Clinic) -> None:
    clinic.release(range(27, 48), rooms=3, sessions=50)
    declare(clinic, "room-0")
    clinic.declarations.declare_room("room-0", False, clinic.now, TERMINAL)
    owner = clinic.browser(Role.OWNER)
    assert shown(page(owner)) == set()
    assert owner.get("/export/rooms/room-0.csv").status_code == 404


def test_with_fewer_than_five_therapists_in_the_clinic_no_room_shows_anything(clinic: Clinic) -> None:
    clinic.release(range(27, 48), rooms=3, sessions=50)
    declare(clinic, "room-0")
    owner = clinic.browser(Role.OWNER, therapists=4)
    clinic.declarations.agree(True, clinic.now, TERMINAL)
    assert "data-value" in owner.get("/").text
    assert shown(page(owner)) == set()
    assert owner.get("/export/rooms/room-0.csv").status_code == 404


def test_each_read_is_in_the_journal_and_a_page_that_fetches_itself_gets_no_numbers(clinic: Clinic) -> None:
    clinic.release(range(27, 48), rooms=3, sessions=50)
    declare(clinic, "room-0")
    browser = clinic.browser(Role.AUDITOR)
    page(browser)
    again = browser.get("/rooms/room-0", headers={BY_ITSELF: "1"})
    assert again.status_code == 200
    assert "own-title" not in again.text
    page(browser, "room-1")
    browser.get("/export/rooms/room-0.csv")
    told = [(e.by.who, e.what, e.about) for e in reversed(clinic.desk.journal.read()) if e.by.who == "auditor"]
    assert told[-2:] == [("auditor", Deed.ROOM_READ, "room-0"), ("auditor", Deed.EXPORTED, "room room-0")]
    assert [what for _, what, _ in told].count(Deed.ROOM_READ) == 1


def test_a_room_with_few_sessions_says_how_many_and_when_it_can_appear(clinic: Clinic) -> None:
    declare(clinic, "room-0")
    owner = clinic.browser(Role.OWNER)
    assert "No release of this room has arrived yet" in words(page(owner))
    clinic.release(range(44, 48), rooms=3, sessions=21)
    told = words(page(owner))
    assert "Quarter 4, 2026 has 84 sessions so far; what comes until 10 January 2027 counts." in told
    assert "November 2026 Not closed yet: what comes until 6 December 2026 counts, and 150 sessions are needed." in told
    clinic.now = NOW + 60 * DAY_S
    assert "Quarter 4, 2026 had 84 sessions." in words(page(clinic.browser(Role.MANAGER)))


def test_simulated_numbers_of_a_room_stand_apart_and_are_labelled(clinic: Clinic) -> None:
    clinic.release(range(27, 48), rooms=3, sessions=50, simulated=True)
    declare(clinic, "room-0")
    owner = clinic.browser(Role.OWNER)
    text = page(owner)
    assert shown(text)
    assert "These numbers come from a rehearsal" in text
    clinic.release(range(27, 29), rooms=1, sessions=20)
    told = words(page(owner))
    assert "Quarter 3, 2026 had 40 sessions" in told
    assert told.count("These numbers come from a rehearsal") == 1


def test_a_rooms_export_has_the_numbers_of_its_page_and_no_other(clinic: Clinic) -> None:
    clinic.release(range(27, 48), rooms=3, sessions=50)
    declare(clinic, "room-0")
    owner = clinic.browser(Role.OWNER)
    told = lines(owner, "/export/rooms/room-0.csv")
    assert {(line["metric"], float(line["value"])) for line in told if line["value"]} == shown(page(owner))
    assert [line["period"] for line in told if line["withheld_because"]] == ["November 2026", "Quarter 4, 2026"]
    name = owner.get("/export/rooms/room-0.csv").headers["content-disposition"]
    assert name == 'attachment; filename="fermata-north-room-0-2026-11-23.csv"'
    for other in ("room-1", "nowhere"):
        assert owner.get(f"/export/rooms/{other}.csv").status_code == 404


@pytest.mark.parametrize("lang", ["en", "es"])
def test_nothing_is_inline_on_a_page_with_numbers(lang: str, clinic: Clinic) -> None:
    clinic.release(range(27, 48), rooms=3, sessions=50)
    declare(clinic, "room-0")
    text = page(clinic.browser(Role.OWNER), lang=lang)
    ids = []
    for tag, attrs in Outline(text).tags:
        assert tag != "style"
        assert "style" not in attrs
        assert not [name for name in attrs if name.startswith("on")]
        ids += [attrs["id"]] if "id" in attrs else []
    assert len(ids) == len(set(ids))
    assert ("octubre de 2026" in text) == (lang == "es")
