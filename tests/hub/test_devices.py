"""The page of devices: rooms added, renamed, asked for a new key and shut out."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.hub.accounts import Role
from app.hub.authority import Authority
from app.hub.drawer import KEPT_S, MOST, Drawer
from app.hub.errors import RegistryError
from app.hub.journal import Deed
from app.sync.command import Command, Order
from app.sync.identity import new_key, signing_request
from tests.hub.households import NOW, Clinic, a_clinic
from tests.hub.visitors import ORIGIN, Browser

CHANGES = ["/devices/add", "/devices/file", "/devices/rename", "/devices/rotate", "/devices/revoke"]


@pytest.fixture
def clinic(tmp_path: Path) -> Iterator[Clinic]:
    with a_clinic(tmp_path) as clinic:
        yield clinic


@pytest.fixture
def tech(clinic: Clinic) -> Browser:
    return clinic.browser(Role.TECH)


def add(browser: Browser, name: str = "Blue room", days: str = "3") -> str:
    answer = browser.fill("/devices", "/devices/add", name=name, days=days)
    assert answer.status_code == 200
    found = re.search(r'name="key" value="([\w-]+)"', answer.text)
    assert found
    return found[1]


def join(clinic: Clinic, name: str = "Blue room") -> str:
    """A room whose unit has joined and been connected; its id."""
    invited = clinic.registry.add(name, NOW)
    authority = Authority(clinic.options.authority, "north", NOW)
    clinic.registry.admit(authority, invited.device, invited.code, signing_request(new_key()), NOW)
    clinic.beat(invited.device)
    return invited.device


def deeds(clinic: Clinic) -> list[str]:
    return [
        Order.model_validate_json(Command.model_validate_json(asked.payload).order).deed.kind
        for asked in clinic.orders.open(NOW)
    ]


def test_a_room_is_added_and_its_file_can_be_taken_once(clinic: Clinic, tech: Browser) -> None:
    key = add(tech)
    answer = tech.fill("/devices", "/devices/file", key=key)
    assert answer.headers["content-disposition"] == 'attachment; filename="fermata.toml"'
    assert answer.headers["cache-control"] == "no-store"
    settings = tomllib.loads(answer.text)
    assert settings["room"] == {"clinic": "north", "device": "blue-room"}
    assert settings["join"]["host"] == "hub.local"
    again = tech.fill("/devices", "/devices/file", key=key)
    assert again.status_code == 410
    assert settings["join"]["code"] not in again.text
    assert "already taken" in again.text
    (member,) = clinic.registry.members(NOW)
    assert (member.name, member.code_ends) == ("Blue room", NOW + 3 * 86_400)


def test_a_file_is_for_whoever_made_it(clinic: Clinic, tech: Browser) -> None:
    key = add(tech)
    assert clinic.browser(Role.OWNER).fill("/devices", "/devices/file", key=key).status_code == 410
    assert tech.fill("/devices", "/devices/file", key=key).status_code == 200


def test_a_drawer_forgets_in_time_and_holds_only_so_many() -> None:
    now = 0.0
    drawer = Drawer(lambda: now)
    keys = [drawer.put(f"text {n}", "ann") for n in range(MOST + 1)]
    assert drawer.take(keys[0], "ann") is None
    assert drawer.take(keys[1], "ann") == "text 1"
    now = KEPT_S + 1
    assert drawer.take(keys[2], "ann") is None


@pytest.mark.parametrize(
    ("name", "days", "said"),
    [
        ("", "7", "cannot be a room&#39;s name"),
        ("   ", "7", "cannot be a room&#39;s name"),
        ("日本", "7", "cannot be a room&#39;s name"),
        ("a" * 41, "7", "cannot be a room&#39;s name"),
        ("Green", "0", "1 to 7 days"),
        ("Green", "8", "1 to 7 days"),
        ("Green", "-1", "1 to 7 days"),
        ("Green", "²", "1 to 7 days"),
        ("Green", "9" * 5000, "1 to 7 days"),
        ("Green", "", "1 to 7 days"),
    ],
)
def test_wrong_numbers_and_names_get_a_sentence_and_add_nothing(
    clinic: Clinic, tech: Browser, name: str, days: str, said: str
) -> None:
    answer = tech.fill("/devices", "/devices/add", name=name, days=days)
    assert answer.status_code == 409
    assert said in answer.text
    assert clinic.registry.members(NOW) == []


def test_a_room_in_use_is_not_given_away(clinic: Clinic, tech: Browser) -> None:
    join(clinic)
    answer = tech.fill("/devices", "/devices/add", name="blue ROOM", days="7")
    assert answer.status_code == 409
    assert "“Blue room” is in use" in answer.text


def test_a_hub_without_an_address_says_so_and_adds_none(tmp_path: Path) -> None:
    with a_clinic(tmp_path, address=None) as clinic:
        browser = clinic.browser(Role.TECH)
        assert "this hub has no address" in browser.get("/devices").text
        assert browser.fill("/rooms", "/devices/add", name="Green", days="7").status_code in {403, 409}
        assert clinic.registry.members(NOW) == []


def test_a_room_is_renamed_here_and_on_its_unit(clinic: Clinic, tech: Browser) -> None:
    device = join(clinic)
    answer = tech.fill("/devices", "/devices/rename", device=device, name="Sea room")
    assert answer.status_code == 303
    assert "Renamed: Sea room." in tech.get(answer.headers["location"]).text
    assert clinic.registry.members(NOW)[0].name == "Sea room"
    assert deeds(clinic) == ["rename"]


def test_two_rooms_do_not_share_a_name(clinic: Clinic, tech: Browser) -> None:
    clinic.registry.add("Sea room", NOW)
    device = join(clinic)
    assert tech.fill("/devices", "/devices/rename", device=device, name="Sea room").status_code == 409
    with pytest.raises(RegistryError, match="another room is called"):
        clinic.registry.rename(device, "Sea room")
    with pytest.raises(RegistryError, match="no room"):
        clinic.registry.rename("nowhere", "Lake")


def test_what_cannot_be_done_is_said_in_the_languages_of_the_page(clinic: Clinic, tech: Browser) -> None:
    clinic.registry.add("Sala verde", NOW)
    device = join(clinic)
    asked = {"rename": {"device": device, "name": "Sala verde"}, "rotate": {"device": "sala-verde"}}
    said = {
        "en": ("Another room is called “Sala verde”: choose", "No unit of this room has ever been connected"),
        "es": ("Otra sala se llama «Sala verde»: elija", "Ningún aparato de esta sala se ha conectado nunca"),
    }
    for lang, sentences in said.items():
        for (deed, fields), sentence in zip(asked.items(), sentences, strict=True):
            answer = tech.fill("/devices", f"/devices/{deed}?lang={lang}", **fields)
            assert (answer.status_code, sentence in answer.text) == (409, True), (lang, deed)


def test_a_unit_is_asked_for_a_new_key_and_the_page_tells_until_it_answers(clinic: Clinic, tech: Browser) -> None:
    device = join(clinic)
    assert tech.fill("/devices", "/devices/rotate", device=device).status_code == 303
    assert deeds(clinic) == ["rotate-certificate"]
    assert "1 request waits for the unit&#39;s answer" in tech.get("/devices").text
    assert tech.fill("/devices", "/devices/rotate", device="nowhere").status_code == 409


def test_a_revoked_room_leaves_the_board_and_can_have_a_new_unit(clinic: Clinic, tech: Browser) -> None:
    device = join(clinic)
    assert tech.fill("/devices", "/devices/revoke", device=device).status_code == 303
    assert clinic.registry.members(NOW)[0].revoked == NOW
    assert "Revoked on" in tech.get("/devices").text
    assert "/rooms/blue-room" not in tech.get("/rooms").text
    add(tech)
    assert clinic.registry.members(NOW)[0].joining == 2
    assert tech.fill("/devices", "/devices/revoke", device="nowhere").status_code == 409


def test_changes_are_in_the_journal_without_any_code(clinic: Clinic, tech: Browser) -> None:
    add(tech)
    tech.fill("/devices", "/devices/revoke", device="blue-room")
    entries = [(entry.by.who, entry.about) for entry in clinic.desk.journal.read() if entry.what == Deed.CHANGED]
    assert entries == [("tech", "room blue-room revoked"), ("tech", "room blue-room added")]


@pytest.mark.parametrize("path", CHANGES)
def test_only_technicians_and_those_above_change_devices(clinic: Clinic, path: str) -> None:
    assert clinic.browser(Role.AUDITOR).fill("/people", path, device="x").status_code == 403
    assert Browser(clinic.pages()).send(path, {"device": "x"}).status_code in {401, 403}
    assert "<form" not in clinic.browser(Role.AUDITOR).get("/devices").text.split("<main")[1]


@pytest.mark.parametrize("path", CHANGES)
def test_a_form_from_elsewhere_or_without_a_token_changes_nothing(clinic: Clinic, tech: Browser, path: str) -> None:
    device = join(clinic)
    fields = {"device": device, "name": "Else", "days": "7"}
    assert tech.send(path, fields).status_code == 403
    assert tech.send(path, fields, Origin="https://evil.example").status_code == 403
    assert [(m.name, m.revoked) for m in clinic.registry.members(NOW)] == [("Blue room", None)]
    assert ORIGIN.startswith("http://")
