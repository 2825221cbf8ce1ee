"""Who may ask for what: the roles of every route, signing in, and what people with bad intent send."""

import asyncio
import re
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import pytest
from fastapi import FastAPI, Request
from fastapi.routing import APIRoute

from app.hub.accounts import ABOVE, LARGEST_FORM, OPEN, Needs, Person, Role, needs
from app.hub.declared import Declared
from app.hub.desk import ALL_TOGETHER, EACH_ADDRESS, EACH_NAME
from app.hub.journal import Deed
from app.hub.pages import Settings, make_app
from app.hub.passwords import AT_ONCE, MOST_WAITING, BusyError, Passwords
from app.hub.people import IDLE_S, ROLES
from app.hub.rounds import Rounds
from app.hub.store import Store
from tests.hub.test_pages import NOW, beat, fill
from tests.hub.visitors import CHEAP, ORIGIN, PASSWORD, Browser, a_desk, let_in, routes

OPEN_PATHS = {"/sign-in", "/welcome/{code}", "/health"}
"""All that whoever has not signed in may ask for, with the files of /static."""
EXPECTED = {
    "/": {Role.OWNER, Role.MANAGER, Role.AUDITOR, Role.TECH, Role.VIEWER},
    "/people": {Role.OWNER},
    "/people/add": {Role.OWNER},
    "/people/role": {Role.OWNER},
    "/people/reset": {Role.OWNER},
    "/people/disable": {Role.OWNER},
    "/audit": {Role.OWNER, Role.AUDITOR},
    "/sign-out": {Role.OWNER, Role.MANAGER, Role.AUDITOR, Role.TECH},
}


class Hub:
    """Pages over a store, with a clock that is set, and a rehearsal that is switched."""

    def __init__(self, folder: Path) -> None:
        self.now, self.rehearsal = float(NOW), False
        self.store = Store(folder / "hub.sqlite")
        self.desk = a_desk(folder / "hub.sqlite", lambda: self.now, lambda: self.rehearsal)
        self.rounds = Rounds(folder / "hub.sqlite")
        settings = Settings("north", lambda: Declared(6))
        self.pages = make_app(self.store, self.rounds, lambda: None, settings, lambda: self.now, self.desk)

    def browser(self, role: Role | None = None, **more: str) -> Browser:
        return Browser(self.pages, let_in(self.desk, role) if role else "", **more)

    def deeds(self) -> list[tuple[str, str]]:
        return [(entry.by.who, entry.what) for entry in reversed(self.desk.journal.read())]


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    hub = Hub(tmp_path)
    with closing(hub.store), closing(hub.rounds), closing(hub.desk.people), closing(hub.desk.journal):
        yield hub


def declared(route: APIRoute) -> Needs:
    """What a route declares about roles."""
    checks = [each.call for each in route.dependant.dependencies if isinstance(each.call, Needs)]
    assert len(checks) == 1, f"{route.path} must say who may ask for it, once: needs(Role.…), or OPEN"
    return checks[0]


def sign_in(browser: Browser, name: str, password: str = PASSWORD, to: str = "/sign-in") -> int:
    return browser.send(to, {"name": name, "password": password}).status_code


def test_every_route_says_who_may_ask_and_only_the_entrance_is_for_everybody(hub: Hub) -> None:
    found = {route.path: declared(route).roles for route in routes(hub.pages.routes)}
    assert {path for path, roles in found.items() if not roles} == OPEN_PATHS
    for path, roles in EXPECTED.items():
        assert {role for role in Role if Person("x", role).may(*found[path])} == roles


def test_a_route_that_says_nothing_is_found(hub: Hub) -> None:
    hub.pages.get("/planted")(lambda: "hello")
    with pytest.raises(AssertionError, match="/planted must say who may ask"):
        [declared(route) for route in routes(hub.pages.routes)]


def test_every_route_lets_in_whom_it_declares_and_nobody_else(hub: Hub) -> None:
    everybody: list[tuple[Role | None, Browser]] = [
        (None, hub.browser()),
        *((role, hub.browser(role)) for role in ROLES),
    ]
    guest = hub.browser()
    for route in routes(hub.pages.routes):
        path, check = re.sub(r"\{\w+\}", "none", route.path), declared(route)
        for method in sorted((route.methods or set()) - {"HEAD"}):
            for role, browser in [*everybody, (Role.VIEWER, guest)]:
                hub.rehearsal = role is Role.VIEWER
                answer = browser.ask(method, path)  # of what changes things, a form without a token: it changes nothing
                may = not check.roles or Person("x", role).may(*check.roles)
                assert is_refused(answer.status_code, answer.text, answer.headers.get("location", "")) is not may, (
                    f"{method} {path} as {role}: {answer.status_code}"
                )


def is_refused(status: int, text: str, location: str) -> bool:
    """Whether the answer is that somebody must sign in, or has the wrong role."""
    return (
        (status == 303 and location.startswith("/sign-in?") and "next=" in location)
        or (status == 401 and "Sign in first" in text)
        or (status == 403 and "This page is for other roles" in text)
    )


def test_a_role_may_what_those_below_it_may() -> None:
    for role in Role:
        assert {Role.OWNER, role} <= ABOVE[role]
    assert not Person("", None).may(*Role)


def test_a_technician_sees_rooms_and_nothing_of_conversations(hub: Hub) -> None:
    fill(hub.store, range(36, 45))
    beat(hub.store)
    page = hub.browser(Role.TECH).get("/").text
    assert "room-0" in page
    assert 'id="conversations"' not in page
    assert "data-value" not in page
    assert "data-value" in hub.browser(Role.MANAGER).get("/").text


def test_at_a_rehearsal_anybody_looks_until_anything_is_real(hub: Hub) -> None:
    hub.rehearsal = True
    fill(hub.store, range(36, 45), simulated=True)
    assert not hub.store.holds_real()
    page = hub.browser().get("/")
    assert page.status_code == 200
    assert "Looking at a rehearsal" in page.text
    fill(hub.store, range(36, 37), rooms=1)
    assert hub.store.holds_real()


def test_from_first_link_to_sign_out(hub: Hub) -> None:
    code, browser = hub.desk.people.first_link(hub.desk.now), hub.browser()
    assert browser.get("/").headers["location"] == "/sign-in?lang=en&next=%2F"
    assert "Nobody can sign in yet" in browser.get("/sign-in").text
    welcome = f"/welcome/{code}"
    assert "first owner" in browser.get(welcome).text
    fields = {"name": "Ana", "password": PASSWORD, "again": PASSWORD}
    for wrong in (
        {"password": "short"},
        {"again": "another"},
        {"password": "a" * 12, "again": "a" * 12},
        {"name": "a b"},
    ):
        assert browser.send(welcome, fields | wrong).status_code == 422
    assert browser.send(welcome, fields).status_code == 303
    assert browser.get("/").status_code == 200
    assert browser.send(welcome, fields).status_code == 410
    assert browser.fill("/people", "/sign-out").status_code == 303
    assert browser.get("/").status_code == 303
    assert [deed for _, deed in hub.deeds()] == [Deed.FIRST_OWNER, Deed.SIGNED_IN, Deed.SIGNED_OUT]


def test_an_owner_adds_a_person_who_comes_by_the_link(hub: Hub) -> None:
    owner, tom = hub.browser(Role.OWNER), hub.browser()
    page = owner.fill("/people", "/people/add", name="tom", role="tech").text
    link = re.search(rf"{ORIGIN}(/welcome/[\w-]+)", page)
    assert link
    assert tom.send(link[1], {"name": "owner", "password": PASSWORD, "again": PASSWORD}).status_code == 303
    assert "tom" in tom.get("/").text
    assert tom.get("/people").status_code == 403
    assert owner.fill("/people", "/people/disable", name="tom").status_code == 303
    assert tom.get("/").status_code == 303
    assert sign_in(hub.browser(), "tom") == 422
    assert owner.fill("/people", "/people/add", name="eve", role="viewer").status_code == 409
    assert owner.fill("/people", "/people/disable", name="owner").status_code == 409


def test_signing_in_gives_an_id_of_its_own_whatever_the_browser_brought(hub: Hub) -> None:
    let_in(hub.desk, Role.MANAGER)
    browser = Browser(hub.pages, "planted-by-somebody")
    answer = browser.send("/sign-in", {"name": "Manager", "password": PASSWORD})
    assert answer.status_code == 303
    cookie = answer.headers["set-cookie"]
    assert "planted" not in cookie
    for part in ("fermata-8720=", "HttpOnly", "SameSite=strict", "Path=/"):
        assert part in cookie
    assert Browser(hub.pages, "planted-by-somebody").get("/").status_code == 303
    before = browser.cookies["fermata-8720"]
    browser.send("/sign-in", {"name": "manager", "password": PASSWORD})
    assert Browser(hub.pages, before).get("/").status_code == 303


def test_over_tls_the_cookie_is_for_tls_only(hub: Hub) -> None:
    let_in(hub.desk, Role.MANAGER)
    fields, origin = {"name": "manager", "password": PASSWORD}, ORIGIN.replace("http:", "https:")
    answer = Browser(hub.pages).ask("POST", f"{origin}/sign-in", data=fields, headers={"Origin": origin})
    assert answer.headers["set-cookie"].startswith("__Host-fermata-8720=")
    assert "Secure" in answer.headers["set-cookie"]


def test_a_visit_ends_and_the_page_leads_back(hub: Hub) -> None:
    browser = hub.browser(Role.AUDITOR)
    hub.now += IDLE_S
    answer = browser.get("/audit?before=7")
    assert answer.headers["location"] == "/sign-in?lang=en&next=%2Faudit%3Fbefore%3D7"
    fields = {"name": "auditor", "password": PASSWORD}
    assert browser.send(answer.headers["location"], fields).headers["location"] == "/audit?before=7"


@pytest.mark.parametrize("next_", ["//evil.example", "https://evil.example", "/\\evil.example", "/a\r\nX: y", "evil"])
def test_nobody_is_led_off_after_signing_in(hub: Hub, next_: str) -> None:
    let_in(hub.desk, Role.TECH)
    answer = hub.browser().ask(
        "POST",
        "/sign-in",
        params={"next": next_},
        data={"name": "tech", "password": PASSWORD},
        headers={"Origin": ORIGIN},
    )
    assert answer.headers["location"] == "/?lang=en"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "null"},
        {"Origin": "http://evil.example"},
        {"Origin": "https://127.0.0.1:8720"},
        {"Origin": "http://127.0.0.1:8721"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
    ],
)
def test_a_form_from_elsewhere_changes_nothing(hub: Hub, headers: dict[str, str]) -> None:
    owner = hub.browser(Role.OWNER)
    token = re.search(r'name="token" value="(\w+)"', owner.get("/people").text)
    assert token
    fields = {"name": "eve", "role": "owner", "token": token[1]}
    assert owner.ask("POST", "/people/add", data=fields, headers=headers).status_code == 403
    sent = {"name": "owner", "password": PASSWORD}
    assert owner.ask("POST", "/sign-in", data=sent, headers=headers).status_code == 403
    assert [account.name for account in hub.desk.people.accounts()] == ["owner"]


@pytest.mark.parametrize("token", [None, "", "0" * 64, "ñ"])
def test_a_form_without_the_visits_own_token_changes_nothing(hub: Hub, token: str | None) -> None:
    owner = hub.browser(Role.OWNER)
    fields = {"name": "eve", "role": "owner"} | ({} if token is None else {"token": token})
    assert owner.send("/people/add", fields).status_code == 403
    assert owner.send("/sign-out", fields).status_code == 403
    assert owner.get("/").status_code == 200


def test_anothers_token_is_no_good(hub: Hub) -> None:
    owner, manager = hub.browser(Role.OWNER), hub.browser(Role.MANAGER)
    token = re.search(r'name="token" value="(\w+)"', manager.get("/").text)
    assert token
    assert owner.send("/people/add", {"name": "eve", "role": "owner", "token": token[1]}).status_code == 403


def test_a_huge_form_is_not_read_to_its_end(hub: Hub) -> None:
    read = 0

    def endless() -> Iterator[bytes]:
        nonlocal read
        while read < 100 * 2**20:
            read += 2**16
            yield b"a" * 2**16

    async def ask() -> int:
        import httpx

        async def chunks() -> Any:  # noqa: ANN401  an async iterator
            for chunk in endless():
                yield chunk

        async with httpx.AsyncClient(transport=httpx.ASGITransport(hub.pages), base_url=ORIGIN) as client:
            return (await client.post("/sign-in", content=chunks(), headers={"Origin": ORIGIN})).status_code

    assert asyncio.run(ask()) == 413
    assert read <= LARGEST_FORM + 2 * 2**16


def test_a_wrong_name_and_a_wrong_password_get_the_same_answer(hub: Hub) -> None:
    let_in(hub.desk, Role.TECH)
    hub.desk.people.add("waiting", Role.TECH, hub.desk.now, hub.desk.by(Request({"type": "http", "client": None})))
    answers = set()
    for name in ("tech", "nobody", "waiting", "", "a b", "x" * 500):
        answer = hub.browser().send("/sign-in", {"name": name, "password": "wrong"})
        answers.add((answer.status_code, answer.text.replace(f'value="{name}"', "")))
    assert len(answers) == 1
    assert ("tech", Deed.REFUSED) in hub.deeds()
    assert not [who for who, _ in hub.deeds() if who in {"nobody", "a b"}], "people type passwords there"


def test_whoever_guesses_is_slowed_down_for_each_account_and_address(hub: Hub) -> None:
    let_in(hub.desk, Role.TECH)
    browser = hub.browser()
    assert [sign_in(browser, "tech", str(n)) for n in range(EACH_NAME)] == [422] * EACH_NAME
    assert sign_in(browser, "tech") == 429, "the right one too"
    elsewhere = hub.browser(address="127.0.0.2")
    assert sign_in(elsewhere, "TECH ") == 429, "nor from elsewhere"
    assert [sign_in(browser, f"n{n}", "x") for n in range(EACH_ADDRESS - EACH_NAME - 1)][-1] == 422
    assert sign_in(browser, "another") == 429
    assert sign_in(elsewhere, "another", "x") == 422
    assert EACH_ADDRESS < ALL_TOGETHER


def test_markup_and_templates_in_a_name_stay_words(hub: Hub) -> None:
    for name in ("<script>alert(1)</script>", "{{ 7*7 }}", '" onfocus="alert(1)'):
        text = hub.browser().send("/sign-in", {"name": name, "password": "x"}).text
        assert "<script>alert" not in text
        assert ">49<" not in text
        assert '" onfocus="' not in text


@pytest.mark.parametrize("path", ["/static/../pages.py", "/static/%2e%2e/pages.py", "/static//etc/passwd"])
def test_paths_lead_nowhere_else(hub: Hub, path: str) -> None:
    assert hub.browser().get(path).status_code in {404, 410}


def test_two_hashes_are_made_at_once_and_only_so_many_wait() -> None:
    passwords = Passwords(CHEAP)

    async def many() -> list[object]:
        asked = (passwords.is_right(None, "x") for _ in range(MOST_WAITING + 5))
        return await asyncio.gather(*asked, return_exceptions=True)

    answers = asyncio.run(many())
    assert AT_ONCE < MOST_WAITING
    assert [type(answer) for answer in answers].count(BusyError) == 5
    assert answers.count(False) == MOST_WAITING


def test_the_loop_goes_on_while_a_real_hash_is_made() -> None:
    passwords = Passwords()

    async def beats() -> int:
        hashing, beaten = asyncio.create_task(passwords.hash(PASSWORD)), 0
        begun = time.monotonic()
        while not hashing.done():
            await asyncio.sleep(0.001)
            beaten += 1
        assert (await hashing).startswith("$argon2id$")
        assert time.monotonic() > begun
        return beaten

    assert asyncio.run(beats()) >= 3


def test_a_route_gets_the_person_who_asks(hub: Hub) -> None:
    @hub.pages.get("/me")
    def me(person: Annotated[Person, needs(Role.TECH)]) -> str:
        return person.name

    @hub.pages.get("/anybody", dependencies=[OPEN])
    def anybody() -> str:
        return "hello"

    assert hub.browser(Role.TECH).get("/me").json() == "tech"
    assert hub.browser().get("/anybody").json() == "hello"
    assert isinstance(hub.pages, FastAPI)
