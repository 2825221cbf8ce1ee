"""Tokens: shown once, kept as hashes, good for one purpose and for a time, and not to be guessed."""

import re
import secrets
import sqlite3
import tomllib
from collections.abc import Iterator
from contextlib import closing
from html import escape
from pathlib import Path

import pytest

from app.hub.accounts import Role
from app.hub.callers import EACH, TOGETHER, WRONG_EACH, WRONG_WINDOW_S, Callers, admit
from app.hub.errors import TokenError
from app.hub.journal import TERMINAL, Deed, Journal
from app.hub.tokens import MOST_DAYS, PREFIX, Scope, Tokens
from app.hub.words import FOLDER, LANGUAGES
from tests.hub.households import DAY_S, Clinic, a_clinic
from tests.hub.programs import Program, a_program
from tests.hub.test_rooms_pages import words
from tests.hub.test_verbs import Fermata, fermata, state
from tests.hub.visitors import Browser

__all__ = ["fermata", "state"]  # fixtures


@pytest.fixture
def clinic(tmp_path: Path) -> Iterator[Clinic]:
    with a_clinic(tmp_path) as clinic:
        yield clinic


def test_a_token_is_kept_as_a_hash_and_shown_once(clinic: Clinic, tmp_path: Path) -> None:
    owner = clinic.browser(Role.OWNER)
    page = owner.fill("/api", "/api/tokens/add", name="Grafana", scope="health", days="90").text
    (token,) = re.findall(rf"{PREFIX}[\w-]{{43}}", page)
    assert Program(clinic, token).get("/api/v1/rooms").status_code == 200
    assert token not in owner.get("/api").text
    with closing(sqlite3.connect(tmp_path / "hub.sqlite")) as database:
        assert token.removeprefix(PREFIX) not in "\n".join(database.iterdump())
    assert ("owner", Deed.TOKEN_ADDED, "Grafana: health, 90 d") in deeds(clinic)
    assert token.removeprefix(PREFIX) not in str(deeds(clinic))


def deeds(clinic: Clinic) -> list[tuple[str, str, str]]:
    return [(entry.by.who, entry.what, entry.about) for entry in clinic.desk.journal.read()]


def test_a_token_opens_what_it_was_made_for_and_no_page(clinic: Clinic) -> None:
    health, numbers = a_program(clinic, Scope.HEALTH), a_program(clinic, Scope.NUMBERS)
    opens = {"/api/v1/rooms": (200, 200), "/api/v1/alerts": (200, 403), "/metrics": (200, 403)}
    opens |= {"/api/v1/clinic": (403, 200), "/api/v1/catalogue": (403, 200), "/api/v1/openapi.json": (200, 200)}
    for path, expected in opens.items():
        assert tuple(program.get(path).status_code for program in (health, numbers)) == expected, path
    for path in ("/", "/rooms", "/devices", "/alerts", "/people", "/audit", "/api", "/export/clinic.csv"):
        assert health.get(path).status_code == 303
        assert numbers.get(path).status_code == 303


def test_an_ended_or_revoked_token_opens_nothing(clinic: Clinic) -> None:
    ended, revoked = a_program(clinic, Scope.HEALTH, "ended", 1), a_program(clinic, Scope.HEALTH, "revoked", 366)
    (number,) = (token.id for token in clinic.tokens.all() if token.name == "revoked")
    assert clinic.browser(Role.OWNER).fill("/api", "/api/tokens/revoke", id=str(number)).status_code == 303
    assert revoked.get("/api/v1/rooms").status_code == 401
    assert ended.get("/api/v1/rooms").status_code == 200
    clinic.now += DAY_S
    assert ended.get("/api/v1/rooms").status_code == 401
    assert ("owner", Deed.TOKEN_REVOKED, "revoked") in deeds(clinic)
    clinic.desk.people.reset("owner", clinic.now, TERMINAL)
    clinic._visits.clear()


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        "Bearer x",
        f"Bearer {PREFIX}",
        f"Bearer {PREFIX}{'a' * 43}",
        f"Bearer {PREFIX}{'a' * 5000}",
        "Basic b3duZXI6cGFzc3dvcmQ=",
        "Bearer ' OR 1=1 --",
        f"Bearer {PREFIX}\xff",
    ],
)
def test_what_is_no_token_is_refused_alike(clinic: Clinic, header: str) -> None:
    answer = Browser(clinic.pages()).ask("GET", "/api/v1/rooms", headers=[(b"Authorization", header.encode("latin-1"))])
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json()["detail"].startswith("Show a good token")


def test_a_token_in_the_address_is_not_taken(clinic: Clinic) -> None:
    token = a_program(clinic, Scope.HEALTH).token
    for query in ("token", "access_token", "authorization"):
        assert Browser(clinic.pages()).get("/api/v1/rooms", {query: token}).status_code == 401


def test_a_visit_does_not_help_a_bad_token(clinic: Clinic) -> None:
    owner = clinic.browser(Role.OWNER)
    assert owner.get("/api/v1/rooms").status_code == 200
    assert owner.get("/api/v1/rooms", headers={"Authorization": "Bearer nonsense"}).status_code == 401


def test_whoever_guesses_is_not_heard_any_more_and_others_are(clinic: Clinic) -> None:
    good = a_program(clinic, Scope.HEALTH)
    guesses = [
        Program(clinic, PREFIX + secrets.token_urlsafe(32), browser=good.browser).get("/api/v1/rooms").status_code
        for _ in range(WRONG_EACH + 5)
    ]
    assert guesses == [401] * WRONG_EACH + [429] * 5
    answer = good.get("/api/v1/rooms")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, str(int(WRONG_WINDOW_S)))
    elsewhere = Browser(good.browser._pages, address="127.0.0.2")
    assert Program(clinic, good.token, browser=elsewhere).get("/api/v1/rooms").status_code == 200


def test_a_forgotten_program_with_an_ended_token_keeps_nobody_out(clinic: Clinic) -> None:
    ended = a_program(clinic, Scope.HEALTH, "ended", 1)
    good = a_program(clinic, Scope.HEALTH, "good")
    clinic.now += DAY_S
    both = good.browser
    for _ in range(WRONG_EACH + 5):
        assert Program(clinic, ended.token, browser=both).get("/api/v1/rooms").status_code == 401
    assert good.get("/api/v1/rooms").status_code == 200


def test_a_program_that_asks_too_often_is_told_when_to_come_back(clinic: Clinic) -> None:
    pages, now = clinic.pages(), 0.0
    admit(pages, Callers(clinic.tokens, lambda: float(clinic.now), lambda: now))
    program = a_program(clinic, Scope.HEALTH)
    program.browser = Browser(pages)
    answers = [program.get("/api/v1/openapi.json").status_code for _ in range(EACH + 1)]
    assert answers == [200] * EACH + [429]
    assert EACH < TOGETHER
    now = 60.0
    assert program.get("/api/v1/openapi.json").status_code == 200


def test_when_a_token_was_used_is_known_to_the_hour_and_its_reads_of_numbers_to_the_day(clinic: Clinic) -> None:
    numbers, health = a_program(clinic, Scope.NUMBERS), a_program(clinic, Scope.HEALTH)
    for _ in range(3):
        numbers.get("/api/v1/clinic")
        health.get("/api/v1/rooms")
    assert [deed for deed in deeds(clinic) if deed[1] == Deed.EXPORTED] == [
        ("token numbers", Deed.EXPORTED, "api/v1/clinic")
    ]
    assert {token.used for token in clinic.tokens.all()} == {clinic.now - clinic.now % 3600}
    clinic.now += DAY_S
    numbers.get("/api/v1/clinic")
    assert len([deed for deed in deeds(clinic) if deed[1] == Deed.EXPORTED]) == 2


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"name": ""}, "1 to 60 letters"),
        ({"name": "x" * 61}, "1 to 60 letters"),
        ({"days": "0"}, "1 to 366 days"),
        ({"days": "9999999999999"}, "1 to 366 days"),
        ({"days": "²"}, "1 to 366 days"),
        ({"scope": "owner"}, "Choose what the token may read"),
        ({"scope": ""}, "Choose what the token may read"),
    ],
)
def test_what_cannot_be_a_token_says_so_and_makes_none(clinic: Clinic, fields: dict[str, str], says: str) -> None:
    good = {"name": "Grafana", "scope": "health", "days": "90"}
    answer = clinic.browser(Role.OWNER).fill("/api", "/api/tokens/add", **(good | fields))
    assert answer.status_code == 409
    assert says in answer.text
    assert clinic.tokens.all() == []


def test_two_good_tokens_have_two_names(clinic: Clinic) -> None:
    clinic.tokens.add("Grafana", Scope.HEALTH, 1, clinic.now, TERMINAL)
    with pytest.raises(TokenError, match="already"):
        clinic.tokens.add(" Grafana ", Scope.HEALTH, 1, clinic.now, TERMINAL)
    clinic.now += DAY_S
    clinic.tokens.add("Grafana", Scope.HEALTH, MOST_DAYS, clinic.now, TERMINAL)
    with pytest.raises(TokenError):
        clinic.tokens.revoke(1, clinic.now, TERMINAL)


def test_only_an_owner_sees_tokens_and_everybody_sees_the_calls(clinic: Clinic) -> None:
    clinic.tokens.add("Secret <b>plans</b>", Scope.HEALTH, 1, clinic.now, TERMINAL)
    assert "Secret &lt;b&gt;plans" in clinic.browser(Role.OWNER).get("/api").text
    for role in (Role.MANAGER, Role.AUDITOR, Role.TECH):
        text = words(clinic.browser(role), "/api")
        assert "GET /api/v1/clinic" in text
        assert "Secret" not in text
        assert "Make a token" not in text
        assert (
            clinic.browser(role).fill("/api", "/api/tokens/add", name="x", scope="health", days="1").status_code == 403
        )


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_call_is_told_in_every_language(clinic: Clinic, code: str) -> None:
    page = clinic.browser(Role.OWNER).get("/api", {"lang": code}).text
    told = tomllib.loads((FOLDER / f"{code}.toml").read_text(encoding="utf-8"))["call"].values()
    assert [sentence for sentence in told if escape(sentence, quote=True).replace("&#x27;", "&#39;") not in page] == []


def test_the_command_makes_lists_and_ends_tokens(state: Path, fermata: Fermata) -> None:
    assert "No token was made yet" in fermata("token", "list")[1]
    code, said = fermata("token", "add", "grafana", "--for", "health", "--days", "30")
    (secret,) = re.findall(rf"^{PREFIX}[\w-]{{43}}$", said, re.MULTILINE)
    assert code == 0
    assert re.search(r"grafana +health +good until \d{4}", fermata("token", "list")[1])
    assert fermata("token", "revoke", "grafana")[0] == 0
    assert re.search(r"grafana +health +revoked", fermata("token", "list")[1])
    code, said = fermata("token", "revoke", "grafana")
    assert (code, said.count("\n")) == (1, 1)
    with closing(Tokens(state / "hub.sqlite")) as tokens, closing(Journal(state / "hub.sqlite")) as journal:
        found = tokens.shown(secret, 1)
        assert found
        assert found.revoked
        assert {entry.by.address for entry in journal.read()} == {"terminal"}
