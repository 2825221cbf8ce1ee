"""Whatever is written into a path, a query or a form stays words: no markup, template, file or SQL, and no trouble."""

import re
from collections.abc import Iterator
from contextlib import ExitStack, closing
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import quote

import pytest

from app.hub.accounts import Role
from app.hub.conditions import Findings, Kind, Trouble
from app.hub.journal import TERMINAL
from app.hub.tokens import Scope
from tests.hub.households import NOW, Clinic, a_clinic
from tests.hub.postgres import Postgres, programs
from tests.hub.visitors import Browser, routes

MARKUP = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onfocus='alert(1)",
    "</title><svg onload=a>",
)
PAYLOADS = (
    *MARKUP,
    *("{{ 1234*5678 }}", "{% for x in ().__class__ %}", "${1234*5678}", "#{1234*5678}", "{0.__class__}", "{sentence}"),
    *("../../../../etc/passwd", "..%2f..%2f..%2fetc%2fpasswd", "/etc/passwd", "file:///etc/passwd", "\\..\\..\\x"),
    *("'; DROP TABLE accounts; --", '" OR ""="', "1 UNION SELECT password FROM accounts", "%' OR 1=1 --", "_%"),
    *(
        "a\x00b",
        "%s%s%n",
        "=1+1",
        "-1",
        "0",
        "1e309",
        "99999999999999999999",
        "NaN",
        "null",
        "true",
        "[]",
        "²",
        "\u202e\u2066",
    ),
    *("", " ", "\t\r\n", "x" * 9000, "💣" * 50, "é\u0301", "a;b&c=d#e?f"),
)
QUERIES = ("lang", "next", "page", "room", "done", "show", "q", "before", "token", "undefined")
GIVEN_AWAY = re.compile(
    r"7006652|root:[x*]:|Traceback|sqlalchemy|psycopg|sqlite3|jinja2|site-packages|<class '", re.IGNORECASE
)


@pytest.fixture(params=["a file", "PostgreSQL"])
def clinic(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Clinic]:
    """A clinic with something of everything."""
    if request.param == "PostgreSQL" and programs() is None:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    with ExitStack() as stack:
        postgres = stack.enter_context(closing(Postgres())) if request.param == "PostgreSQL" else None
        clinic = stack.enter_context(a_clinic(tmp_path, database=postgres.url if postgres else None))
        clinic.desk.people.add("tom", Role.TECH, NOW, TERMINAL)
        clinic.tokens.add("Grafana", Scope.HEALTH, 1, NOW, TERMINAL)
        clinic.registry.add("Blue room", NOW)
        clinic.beat("room-0")
        clinic.release(range(36, 48))
        clinic.alerts.observe("h", Findings([Trouble("room-0", Kind.NEWER, "Blue room")]), NOW)
        yield clinic


def check(text: str, status: int, payload: str, where: str) -> None:
    """Raise an AssertionError where an answer is trouble, repeats markup, or gives something away."""
    assert status < 500, f"{where}: {payload[:60]!r} is {status}"
    assert payload not in MARKUP or payload not in text, f"{where}: {payload!r} is on the page as it is"
    given = GIVEN_AWAY.search(text)
    assert given is None, f"{where}: {payload!r} gives away {given and given[0]}"


def ask(browser: Browser, method: str, path: str, payload: str, where: str, **more: object) -> None:
    answer = browser.ask(method, path, **more)
    check(answer.text, answer.status_code, payload, where)


def test_no_path_or_query_is_more_than_words(clinic: Clinic) -> None:
    owner = clinic.browser(Role.OWNER)
    for route in routes(owner._pages.routes):
        if "GET" not in (route.methods or set()):
            continue
        names = [param.name for param in route.dependant.path_params]
        for payload in PAYLOADS:
            for name in names:
                path = route.path.replace("{%s}" % name, quote(payload, safe=""))  # noqa: UP031  braces
                ask(owner, "GET", path, payload, route.path)
            plain = re.sub(r"\{\w+\}", "room-0", route.path)
            query = dict.fromkeys((*QUERIES, *(param.name for param in route.dependant.query_params)), payload[:2000])
            ask(owner, "GET", plain, payload, f"{plain}?", params=query)
    whole_still(clinic)


def test_no_header_is_more_than_words(clinic: Clinic) -> None:
    pages = clinic.pages()
    for number, payload in enumerate(PAYLOADS):
        plain = payload.encode("ascii", "ignore").decode().translate(dict.fromkeys(range(32)))[:500]
        headers = dict.fromkeys(("Accept-Language", "Accept", "User-Agent", "Referer"), plain)
        headers |= {"Authorization": f"Bearer {plain}", "Cookie": f"fermata-8720={quote(payload[:500])}"}
        stranger = Browser(pages, address=f"192.0.2.{number}")
        for path in ("/metrics", "/api/v1/rooms", "/", "/sign-in"):
            ask(stranger, "GET", path, payload, f"headers of {path}", headers=headers)


class Forms(HTMLParser):
    """The forms of a page: where each goes, and its fields."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self._select = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.found.append((told["action"], {}))
        elif tag in {"input", "select"} and "name" in told:
            self.found[-1][1][told["name"]] = told.get("value", "")
            self._select = told["name"]
        elif tag == "option" and not self.found[-1][1].get(self._select):
            self.found[-1][1][self._select] = told.get("value", "")


def test_no_field_of_a_form_is_more_than_words(clinic: Clinic) -> None:
    owner = clinic.browser(Role.OWNER)
    code = clinic.desk.people.add("guest", Role.TECH, NOW, TERMINAL)
    forms: dict[str, dict[str, str]] = {}
    pages = ("/", "/people", "/devices", "/alerts", "/api", "/rooms", "/audit", "/settings")
    for browser, paths in ((owner, pages), (Browser(owner._pages), ("/sign-in", f"/welcome/{code}"))):
        for path in paths:
            forms |= dict(Forms(browser.get(path).text).found)
    forms.pop("/sign-out?lang=en")
    assert len(forms) >= 12
    for action, fields in forms.items():
        for name in fields:
            for payload in PAYLOADS:
                if name != "token" or payload in PAYLOADS[:3]:
                    sent = fields | {name: payload}
                    where = f"{name} of {action}"
                    headers = {"Origin": "http://127.0.0.1:8720"}
                    method = "GET" if action == "/rooms" else "POST"
                    more = {"params": sent} if method == "GET" else {"data": sent}
                    ask(owner, method, action, payload, where, headers=headers, **more)
    whole_still(clinic)


def whole_still(clinic: Clinic) -> None:
    """Everything is where it was, and every page can be shown with what was typed in."""
    owner = clinic.browser(Role.OWNER)
    assert {"owner", "tom"} <= {account.name for account in clinic.desk.people.accounts()}
    assert [alert.subject for alert in clinic.alerts.open()] == ["room-0"]
    assert clinic.store.counts().releases == 24
    for path in ("/", "/people", "/devices", "/alerts", "/api", "/rooms", "/audit", "/export/clinic.csv", "/metrics"):
        answer = owner.get(path)
        assert answer.status_code == 200
        for mark in MARKUP:
            assert mark not in answer.text, path


def test_the_search_can_fail() -> None:
    for planted in ("7006652", "root:x:0", "Traceback (most recent"):
        with pytest.raises(AssertionError):
            check(planted, 200, "{{ 1234*5678 }}", "here")
    with pytest.raises(AssertionError):
        check(MARKUP[1], 200, MARKUP[1], "here")
    with pytest.raises(AssertionError):
        check("", 500, "x", "here")
