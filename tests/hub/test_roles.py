"""The matrix of roles: every route of the whole application, asked as everybody, by visit and by token."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI

from app.hub.accounts import Person, Role
from app.hub.callers import Calls
from app.hub.frame import SECTIONS
from app.hub.people import ROLES
from app.hub.tokens import ROLES as AS
from app.hub.tokens import Scope
from tests.hub.households import Clinic, a_clinic
from tests.hub.programs import Program, a_program
from tests.hub.test_accounts import declared
from tests.hub.visitors import Browser, routes

OWNER, MANAGER, AUDITOR, TECH, VIEWER = Role.OWNER, Role.MANAGER, Role.AUDITOR, Role.TECH, Role.VIEWER
EVERYBODY = {OWNER, MANAGER, AUDITOR, TECH}
KEEPERS = {OWNER, MANAGER, TECH}
NUMBERS = {OWNER, MANAGER, AUDITOR, VIEWER}
ALL = {*EVERYBODY, VIEWER}
MATRIX: dict[str, set[Role]] = {
    "/": ALL,
    "/sign-out": EVERYBODY,
    "/people": {OWNER},
    "/people/add": {OWNER},
    "/people/role": {OWNER},
    "/people/reset": {OWNER},
    "/people/disable": {OWNER},
    "/audit": {OWNER, AUDITOR},
    "/rooms": ALL,
    "/rooms/{device}": ALL,
    "/alerts": EVERYBODY,
    "/alerts/seen": KEEPERS,
    "/alerts/mail-test": KEEPERS,
    "/devices": EVERYBODY,
    "/devices/add": KEEPERS,
    "/devices/file": KEEPERS,
    "/devices/rename": KEEPERS,
    "/devices/rotate": KEEPERS,
    "/devices/revoke": KEEPERS,
    "/glossary": ALL,
    "/export/clinic.csv": NUMBERS,
    "/export/rooms/{device}.csv": NUMBERS,
    "/settings": {OWNER, MANAGER, AUDITOR},
    "/settings/therapists": {OWNER},
    "/settings/agreement": {OWNER},
    "/settings/agreement/end": {OWNER},
    "/settings/room": {OWNER},
    "/settings/room/end": {OWNER},
    "/api": ALL,
    "/api/tokens/add": {OWNER},
    "/api/tokens/revoke": {OWNER},
    "/api/v1/clinic": NUMBERS,
    "/api/v1/catalogue": NUMBERS,
    "/api/v1/rooms": ALL,
    "/api/v1/rooms/{device}": ALL,
    "/api/v1/alerts": EVERYBODY,
    "/api/v1/openapi.json": ALL,
    "/metrics": KEEPERS,
}
OPEN_PATHS = {"/sign-in", "/welcome/{code}", "/health", "/trust", "/trust/fermata-north.crt"}


class Asked:
    """Everybody who may come, at one application."""

    def __init__(self, clinic: Clinic) -> None:
        self.pages: FastAPI = clinic.pages()
        self.people: list[tuple[Role | None, Browser]] = [
            (None, Browser(self.pages)),
            *((role, Browser(self.pages, clinic.browser(role).cookies["fermata-8720"])) for role in ROLES),
        ]
        self.programs: list[tuple[Scope, Program]] = [
            (scope, Program(clinic, a_program(clinic, scope).token, browser=Browser(self.pages))) for scope in Scope
        ]


@pytest.fixture
def asked(tmp_path: Path) -> Iterator[Asked]:
    with a_clinic(tmp_path) as clinic:
        clinic.beat("none")
        yield Asked(clinic)


def is_refused(status: int, text: str, location: str) -> bool:
    """Whether the answer is that somebody must sign in or show a token, or has the wrong role."""
    if status == 303:
        return location.startswith("/sign-in?") and "next=" in location
    if status == 401:
        return "Sign in first" in text or "Show a good token" in text
    return status == 403 and "This page is for other roles" in text


def test_every_route_is_in_the_matrix_as_it_declares_itself(asked: Asked) -> None:
    found = {route.path: declared(route) for route in routes(asked.pages.routes)}
    assert {path for path, check in found.items() if not check.roles} == OPEN_PATHS
    assert found.keys() - OPEN_PATHS == MATRIX.keys()
    for path, roles in MATRIX.items():
        assert {role for role in Role if Person("x", role).may(*found[path].roles)} == roles, path
    programs = {path for path, check in found.items() if isinstance(check, Calls)}
    assert programs == {path for path in MATRIX if path.startswith("/api/v1/") or path == "/metrics"}


def test_every_route_lets_in_whom_it_is_for_and_nobody_else(asked: Asked) -> None:
    for route in routes(asked.pages.routes):
        path = re.sub(r"\{\w+\}", "none", route.path)
        for method in sorted((route.methods or set()) - {"HEAD"}):
            for role, browser in asked.people:
                answer = browser.ask(method, path)  # of what changes things, a form without a token: it changes nothing
                may = route.path in OPEN_PATHS or role in MATRIX[route.path]
                refused = is_refused(answer.status_code, answer.text, answer.headers.get("location", ""))
                assert refused is not may, f"{method} {path} as {role}: {answer.status_code}"
                assert answer.status_code < 500


def test_a_token_opens_what_its_role_may_and_no_page(asked: Asked) -> None:
    for route in routes(asked.pages.routes):
        path = re.sub(r"\{\w+\}", "none", route.path)
        for scope, program in asked.programs:
            if "GET" not in (route.methods or set()) or route.path in OPEN_PATHS:
                continue
            answer = program.get(path)
            may = isinstance(declared(route), Calls) and AS[scope] in MATRIX[route.path]
            assert (answer.status_code == 200) is may, f"{path} with a token for {scope}: {answer.status_code}"


def test_nobody_is_shown_a_section_that_is_not_for_them(asked: Asked) -> None:
    for path, _, roles in SECTIONS:
        assert {role for role in Role if Person("x", role).may(*roles)} <= MATRIX[path]
    for role, browser in asked.people:
        page = browser.get("/").text
        shown = {path for path, _, _ in SECTIONS if f'href="{path}?lang=' in page}
        assert shown == {path for path, _, roles in SECTIONS if role and Person("x", role).may(*roles)}


def test_no_other_way_of_asking_opens_a_route(asked: Asked) -> None:
    stranger = asked.people[0][1]
    for path in MATRIX:
        plain = re.sub(r"\{\w+\}", "none", path)
        for strange in (plain.upper(), f"{plain}/", f"/{plain}", f"{plain}%20", f"{plain};x", f"/static/..{plain}"):
            if strange == plain:
                continue
            answer = stranger.get(strange)
            assert answer.status_code in {303, 307, 401, 404, 405}, strange
            if answer.status_code in {303, 307}:
                assert answer.headers["location"].startswith(("/", "http://127.0.0.1:8720/")), strange
        for method in ("HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE"):
            answer = stranger.ask(method, plain)
            assert answer.status_code in {303, 401, 405}, (method, plain)
            assert not answer.text or answer.status_code in {401, 405}
        for header in ("X-Original-URL", "X-Rewrite-URL", "X-HTTP-Method-Override", "X-Forwarded-User"):
            assert stranger.get(plain, headers={header: "/health"}).status_code in {303, 401, 405}
