"""The settings page: the owner changes, manager and auditor read; what is declared holds for pages and export alike."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from app.hub.accounts import Person, Role
from app.hub.frame import Frame
from app.hub.journal import Deed
from app.hub.padlock import Padlock
from app.hub.pages import Settings, make_app
from app.hub.settings_page import Panel, SettingsPage, settings
from tests.hub.households import NOW, Clinic, a_clinic
from tests.hub.pairs import a_pair
from tests.hub.test_accounts import OPEN_PATHS, declared
from tests.hub.test_export import lines
from tests.hub.test_pages import Outline
from tests.hub.visitors import Browser, routes

FORMS = (
    "/settings/therapists",
    "/settings/agreement",
    "/settings/agreement/end",
    "/settings/room",
    "/settings/room/end",
)


@pytest.fixture
def clinic(tmp_path: Path) -> Iterator[Clinic]:
    with a_clinic(tmp_path) as clinic:
        yield clinic


def words(browser: Browser, path: str = "/settings", **query: str) -> str:
    answer = browser.get(path, query)
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", Outline(answer.text.replace("><", "> <")).words)


def journal(clinic: Clinic) -> list[tuple[str, str]]:
    return [(e.by.who, e.about) for e in reversed(clinic.desk.journal.read()) if e.what == Deed.CHANGED]


def test_every_route_says_who_may_ask_and_forms_of_settings_are_the_owners(clinic: Clinic) -> None:
    found = {route.path: declared(route).roles for route in routes(clinic.pages().routes)}
    everybody = {path for path, roles in found.items() if not roles}
    assert everybody == OPEN_PATHS | {"/trust", "/trust/fermata-north.crt"}
    for path in FORMS:
        assert {role for role in Role if Person("x", role).may(*found[path])} == {Role.OWNER}
    readers = {role for role in Role if Person("x", role).may(*found["/settings"])}
    assert readers == {Role.OWNER, Role.MANAGER, Role.AUDITOR}


@pytest.mark.parametrize("role", [Role.MANAGER, Role.AUDITOR])
def test_who_only_reads_sees_what_is_declared_and_no_form(role: Role, clinic: Clinic) -> None:
    clinic.beat("room-0")
    browser = clinic.browser(role)
    page = browser.get("/settings").text
    assert "Therapists who use these rooms" in page
    assert "room-0" in page
    assert 'action="/settings' not in page
    for path in FORMS:
        assert browser.fill("/settings", path, therapists="2", sure="yes", device="room-0").status_code == 403
    assert clinic.declarations.read().therapists_said is None


def test_technicians_and_strangers_do_not_see_the_settings(clinic: Clinic) -> None:
    assert clinic.browser(Role.TECH).get("/settings").status_code == 403
    assert Browser(clinic.pages()).get("/settings").status_code == 303


def test_the_number_of_therapists_is_the_files_until_it_is_kept_here(clinic: Clinic) -> None:
    owner = clinic.browser(Role.OWNER)
    assert "From the settings file (hub.therapists)" in words(owner)
    assert 'value="6"' in owner.get("/settings").text
    answer = owner.fill("/settings", "/settings/therapists", therapists="7")
    assert answer.headers["location"] == "/settings?lang=en&done=count_kept#therapists"
    text = words(owner, done="count_kept")
    assert "✓ The number of therapists was kept." in text
    assert "Kept by owner, 23 November 2026" in text
    assert journal(clinic) == [("owner", "therapists: 6 → 7")]


@pytest.mark.parametrize("sent", ["", "-1", "4.5", "10001", "99999999999999999999", "six", "²"])
def test_what_is_no_number_of_therapists_changes_nothing_and_says_so(sent: str, clinic: Clinic) -> None:
    answer = clinic.browser(Role.OWNER).fill("/settings", "/settings/therapists", therapists=sent)
    assert answer.status_code == 409
    assert "give a whole number from 0 to 10000" in answer.text
    assert clinic.declarations.read().therapists_said is None


def test_an_agreement_turns_page_and_export_on_and_its_withdrawal_off(clinic: Clinic) -> None:
    clinic.release(range(36, 45))
    owner = clinic.browser(Role.OWNER, therapists=3)

    def shown() -> tuple[bool, bool]:
        return "data-value" in owner.get("/").text, any(line["value"] for line in lines(owner))

    assert shown() == (False, False)
    assert "No agreement is recorded" in words(owner)
    assert owner.fill("/settings", "/settings/agreement").status_code == 409
    assert shown() == (False, False)
    assert owner.fill("/settings", "/settings/agreement", sure="yes").status_code == 303
    assert "Recorded by owner, 23 November 2026" in words(owner)
    assert shown() == (True, True)
    assert owner.fill("/settings", "/settings/agreement/end").status_code == 303
    assert "Withdrawn by owner, 23 November 2026" in words(owner)
    assert shown() == (False, False)
    assert journal(clinic)[1:] == [
        ("owner", "agreement of the therapists: recorded"),
        ("owner", "agreement of the therapists: withdrawn"),
    ]


def test_five_therapists_need_no_agreement_and_are_not_asked_for_one(clinic: Clinic) -> None:
    owner = clinic.browser(Role.OWNER)
    assert "Agreement of the therapists" not in words(owner)
    assert owner.fill("/settings", "/settings/agreement", sure="yes").status_code == 409


def test_a_room_is_declared_with_its_box_ticked_and_withdrawn_again(clinic: Clinic) -> None:
    clinic.beat("room-0")
    owner = clinic.browser(Role.OWNER)
    assert owner.fill("/settings", "/settings/room", device="room-0").status_code == 409
    assert owner.fill("/settings", "/settings/room", device="nowhere", sure="yes").status_code == 409
    assert "Not declared" in words(owner)
    assert owner.fill("/settings", "/settings/room", device="room-0", sure="yes").status_code == 303
    assert "Declared by owner, 23 November 2026" in words(owner)
    assert clinic.declarations.read().opens("room-0")
    assert owner.fill("/settings", "/settings/room/end", device="room-0").status_code == 303
    assert "Withdrawn by owner, 23 November 2026" in words(owner)
    assert journal(clinic) == [
        ("owner", "room room-0: five or more therapists, declared"),
        ("owner", "room room-0: five or more therapists, withdrawn"),
    ]


def test_no_room_can_be_declared_where_there_are_fewer_than_five_therapists(clinic: Clinic) -> None:
    clinic.beat("room-0")
    owner = clinic.browser(Role.OWNER, therapists=4)
    assert "No room can be declared" in words(owner)
    assert 'action="/settings/room' not in owner.get("/settings").text
    assert owner.fill("/settings", "/settings/room", device="room-0", sure="yes").status_code == 409


def test_many_rooms_come_in_pages(clinic: Clinic) -> None:
    for number in range(61):
        clinic.beat(f"room-{number:02}")
    owner = clinic.browser(Role.OWNER)
    assert "Page 1 of 2" in words(owner)
    assert 'href="/rooms/room-60' not in owner.get("/settings").text
    assert 'href="/rooms/room-60' in owner.get("/settings", {"page": "2"}).text


@pytest.mark.parametrize("lang", ["en", "es"])
def test_how_the_hub_runs_is_told_and_which_limits_nobody_can_change(lang: str, clinic: Clinic) -> None:
    text = words(clinic.browser(Role.AUDITOR), lang=lang)
    for told in ("SQLite 3.", "NATS 2.", "Python 3.", "Fermata 0.", "hub.local", "http://127.0.0.1:8720/"):
        assert told in text, told
    assert clinic.household.base.generation in text
    assert "150" in text
    assert ("from 150 sessions on" in text) == (lang == "en")


@pytest.mark.parametrize("given", [True, False])
def test_whose_certificate_the_page_shows_and_until_when_is_told(given: bool, clinic: Clinic, tmp_path: Path) -> None:
    certificate, key = a_pair(tmp_path / "given", NOW)
    more = {"certificate": certificate, "key": key} if given else {"host": "0.0.0.0"}  # noqa: S104
    padlock = Padlock(replace(clinic.options, **more), clinic.authority, NOW, print)
    clinic.household = replace(clinic.household, padlock=padlock)
    text = words(clinic.browser(Role.OWNER))
    assert ("By A known authority, until 21 February 2027" in text) is given
    assert ("By the clinic's own authority, until 21 December 2027" in text) is not given


def test_a_panel_is_added_by_whoever_has_something_to_set(clinic: Clinic) -> None:
    owner = clinic.browser(Role.OWNER)
    declared = Settings("north", clinic.declarations.read)
    pages = make_app(clinic.store, clinic.rounds, lambda: None, declared, lambda: NOW, clinic.desk)
    page = SettingsPage(Frame("north", lambda: NOW))
    page.add(Panel("kept", "settings/kept.html", lambda _request: {"kept": [("Letters", "A week")]}, ("room_opened",)))
    pages.include_router(settings(page))
    browser = Browser(pages, owner.cookies["fermata-8720"])
    assert "Letters A week" in words(browser)
    assert "✓ Declared." in words(browser, done="room_opened")
    assert "✓" not in words(browser, done="count_kept")


@pytest.mark.parametrize("lang", ["en", "es"])
def test_nothing_is_inline_and_nothing_comes_from_elsewhere(clinic: Clinic, lang: str) -> None:
    clinic.registry.add("Blue <b>room</b>", NOW)
    answer = clinic.browser(Role.OWNER, therapists=3).get("/settings", {"lang": lang})
    assert "<b>room" not in answer.text
    assert answer.headers["content-language"] == lang
    ids = []
    for tag, attrs in Outline(answer.text).tags:
        assert tag != "style"
        assert "style" not in attrs
        assert not [name for name in attrs if name.startswith("on")]
        ids += [attrs["id"]] if "id" in attrs else []
        for name in ("src", "href", "action"):
            link = attrs.get(name)
            assert link is None or re.match(r"/(?!/)|#", link), link
    assert len(ids) == len(set(ids))
