"""Whoever sends too much, too slowly, or from nowhere: refused early, at no cost, while others are served."""

import asyncio
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Thread
from urllib.parse import quote

import httpx
import pytest

from app.hub.accounts import Role
from app.hub.bounds import LARGEST_BODY, Bounds
from app.hub.door import DoorProtocol
from app.hub.listening import MOST_AT_DOOR, MOST_AT_PAGES, door_server, page_server
from app.hub.patience import PatientProtocol
from tests.hub.doors import OpenDoor
from tests.hub.households import a_clinic
from tests.hub.hubs import Hub, wait_until
from tests.hub.visitors import ORIGIN, PASSWORD, Browser, let_in

HUGE = 100 * 2**20
CHUNK = b"a" * 2**16
MOST_GROWN_KB = 8 * 1024
"""More than this is growth."""


class Hurried(PatientProtocol):
    """The same with less patience, so that no test waits."""

    head_s = 0.5
    answer_s = 1.0


@contextmanager
def served(folder: Path) -> Iterator[tuple[int, str]]:
    """A clinic's pages on a real port, in a hurry; the port and an owner's visit."""
    with a_clinic(folder) as clinic, socket.create_server(("127.0.0.1", 0)) as listener:
        visit = let_in(clinic.desk, Role.OWNER)
        server = page_server(clinic.pages())
        server.config.http_protocol_class = Hurried
        thread = Thread(target=lambda: asyncio.run(server.serve(sockets=[listener])))
        thread.start()
        wait_until(lambda: server.started)
        yield int(listener.getsockname()[1]), visit
        server.should_exit = True
        thread.join()


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    with served(tmp_path) as (port, _):
        yield port


def line_to(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), 20)


def cut_after(line: socket.socket, say: Callable[[], object] = lambda: None) -> float:
    """How long it takes until the other side hangs up; `say` is said again and again until then."""
    begun = time.monotonic()
    line.settimeout(0.1)
    while time.monotonic() - begun < 20:
        try:
            say()
            if not line.recv(65536):
                return time.monotonic() - begun
        except TimeoutError:
            continue
        except OSError:
            return time.monotonic() - begun
    pytest.fail("it was never cut off")


def test_a_head_that_comes_letter_by_letter_is_cut_off(port: int) -> None:
    with line_to(port) as line:
        line.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n")
        assert 0.4 < cut_after(line, lambda: line.sendall(b"X-a: b\r\n")) < 5


def test_a_connection_that_says_nothing_is_cut_off(port: int) -> None:
    with line_to(port) as line:
        assert 0.4 < cut_after(line) < 5


def test_a_second_request_gets_no_more_time_than_the_first(port: int) -> None:
    with line_to(port) as line:
        line.sendall(b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert line.recv(65536).startswith(b"HTTP/1.1 200")
        line.sendall(b"GET /health HTTP/1.1\r\n")
        assert cut_after(line, lambda: line.sendall(b"X-a: b\r\n")) < 5


def test_an_answer_that_nobody_takes_is_cut_off(tmp_path: Path) -> None:
    with served(tmp_path) as (port, _), socket.socket() as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        line.connect(("127.0.0.1", port))
        asked = b"GET /static/vendor/uPlot.iife.min.js HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
        line.sendall(asked * 200)
        wait_until(lambda: _is_cut(line, asked), 20)


def _is_cut(line: socket.socket, asked: bytes) -> bool:
    try:
        line.sendall(asked, socket.MSG_DONTWAIT)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return False


def test_many_who_say_nothing_keep_nobody_from_being_served(port: int) -> None:
    idle = [line_to(port) for _ in range(200)]
    assert httpx.get(f"http://127.0.0.1:{port}/health", timeout=20).status_code == 200
    for line in idle:
        with line:
            assert cut_after(line) < 20


def test_there_is_a_limit_to_connections_at_once(tmp_path: Path) -> None:
    with a_clinic(tmp_path) as clinic:
        assert page_server(clinic.pages()).config.limit_concurrency == MOST_AT_PAGES
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        door = door_server(clinic.pages(), context).config
        assert door.limit_concurrency == MOST_AT_DOOR
        assert door.http_protocol_class is DoorProtocol
        assert issubclass(DoorProtocol, PatientProtocol)


def test_the_door_cuts_off_who_says_nothing(tmp_path: Path) -> None:
    with closing(OpenDoor(tmp_path / "hub")) as door:
        trust = ssl.create_default_context(cadata=door.authority.pem)
        with line_to(door.port) as plain, trust.wrap_socket(plain, server_hostname="127.0.0.1") as line:
            line.sendall(b"POST /join HTTP/1.1\r\nHost: x\r\n")
            begun = time.monotonic()
            line.settimeout(30)
            assert line.recv(1) == b""
            assert 5 < time.monotonic() - begun < 25


def memory_kb(hub: Hub) -> int:
    """The most that the hub's process has had."""
    assert hub.process
    status = Path(f"/proc/{hub.process.pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0])


def upload(port: int, head: bytes, *, chunked: bool) -> tuple[bytes, int]:
    """Send a huge body for as long as it is taken, whatever is answered; the first answer, and how much was taken."""
    kind = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: %d" % HUGE
    part = b"%x\r\n%s\r\n" % (len(CHUNK), CHUNK) if chunked else CHUNK
    sent, answer = 0, b""
    with line_to(port) as line:
        line.sendall(head + b"Host: 127.0.0.1:%d\r\n%s\r\n\r\n" % (port, kind))
        try:
            while sent < HUGE:
                line.sendall(part)
                sent += len(part)
                answer = answer or _peek(line)
        except (ConnectionResetError, BrokenPipeError):
            pass
    return (answer or b"cut off").partition(b"\r\n")[0], sent


def _peek(line: socket.socket) -> bytes:
    try:
        return line.recv(65536, socket.MSG_DONTWAIT)
    except BlockingIOError:
        return b""


PATHS = (
    *("/sign-in", "/welcome/x", "/sign-out", "/people/add", "/devices/add", "/api/tokens/add", "/alerts/seen"),
    "/nowhere",
)


def test_a_hundred_megabytes_are_refused_early_and_the_hub_does_not_grow(shared_hub: Hub) -> None:
    port = int(shared_hub.url.rpartition(":")[2].rstrip("/"))
    origin = b"Origin: http://127.0.0.1:%d\r\n" % port
    heads = [b"POST %s HTTP/1.1\r\n%s" % (path.encode(), origin) for path in PATHS]
    heads += [b"%s /api/v1/rooms HTTP/1.1\r\n" % method for method in (b"GET", b"PUT", b"POST", b"DELETE")]
    heads += [b"GET /metrics HTTP/1.1\r\n", b"POST /static/page.css HTTP/1.1\r\n"]
    for head in heads:  # once to have everything loaded
        upload(port, head, chunked=True)
    before = memory_kb(shared_hub)
    for head in heads:
        for chunked in (True, False):
            answer, sent = upload(port, head, chunked=chunked)
            status = (answer.split() or [b""])[1:2]
            assert answer == b"cut off" or status[0] in {b"401", b"403", b"404", b"405", b"413"}, (head, answer)
            assert sent < 20 * 2**20, (head, sent)
    assert memory_kb(shared_hub) - before < MOST_GROWN_KB
    assert httpx.get(f"{shared_hub.url}health", timeout=20).status_code == 200


def test_a_head_of_a_hundred_kilobytes_is_refused(port: int) -> None:
    with line_to(port) as line:
        line.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + b"a" * 100_000)
        assert line.recv(65536).startswith(b"HTTP/1.1 400")


def test_a_body_that_comes_too_slowly_is_refused() -> None:
    async def app(_scope: object, receive: Callable[[], object], _send: object) -> None:
        await receive()  # type: ignore[misc]  # an ASGI receive

    said: list[int] = []

    async def never() -> dict[str, object]:
        await asyncio.Event().wait()
        return {}

    async def send(message: dict[str, object]) -> None:
        if message["type"] == "http.response.start":
            said.append(int(str(message["status"])))

    scope = {"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": [(b"content-length", b"5")]}
    asyncio.run(Bounds(app, 0.05)(scope, never, send))  # type: ignore[arg-type]  # an ASGI triple
    assert said == [408]


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "/?q=%00", {}, 400),
        ("GET", "/rooms/%00", {}, 400),
        ("GET", "/api/v1/rooms/a%00b", {}, 400),
        ("GET", "/rooms?q=a%00", {}, 400),
        ("POST", "/sign-in?next=%00", {}, 400),
        ("GET", "/", {"Content-Length": "5"}, 413),
        ("POST", "/sign-in", {"Content-Length": str(LARGEST_BODY + 1)}, 413),
        ("POST", "/sign-in", {"Content-Length": "-1"}, 413),
        ("POST", "/sign-in", {"Content-Length": "9" * 40}, 413),
    ],
)
def test_what_no_request_of_ours_has_is_refused(
    tmp_path: Path, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    with a_clinic(tmp_path) as clinic:
        answer = Browser(clinic.pages()).ask(method, path, headers=headers)
        assert answer.status_code == status
        assert answer.headers["connection"] == "close"


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "127.0.0.1.evil.example",
        "127.0.0.1:80@evil.example",
        "evil.example#127.0.0.1",
        "127.0.0.1/evil",
        "127.0.0.1, evil.example",
        "[::1]evil.example",
        "localhost\tevil",
        "",
    ],
)
def test_a_foreign_host_is_refused_whatever_it_is_dressed_as(tmp_path: Path, host: str) -> None:
    with a_clinic(tmp_path) as clinic:
        answer = Browser(clinic.pages()).get("/people", headers={"Host": host})
        assert answer.status_code == 400
        assert "evil" not in answer.text


PROXIES = ["X-Forwarded-Host", "X-Forwarded-Proto", "Forwarded", "X-Forwarded-For", "X-Real-IP"]


@pytest.mark.parametrize("header", PROXIES)
def test_what_a_proxy_might_say_is_not_believed(tmp_path: Path, header: str) -> None:
    with a_clinic(tmp_path) as clinic:
        owner = clinic.browser(Role.OWNER)
        assert "evil" not in owner.ask("GET", "/people", headers={header: "evil.example"}).text
        for _ in range(3):
            headers = {"Origin": ORIGIN, header: "192.0.2.7"}
            owner.ask("POST", "/sign-in", data={"name": "owner", "password": "x"}, headers=headers)
        told = {entry.by.address for entry in clinic.desk.journal.read()}
        assert told == {"127.0.0.1", "terminal"}


def test_two_hosts_or_none_are_refused(port: int) -> None:
    for head in (
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil.example\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.0\r\n\r\n",
        b"GET http://evil.example/people HTTP/1.1\r\nHost: evil.example\r\n\r\n",
    ):
        with line_to(port) as line:
            line.sendall(head)
            assert line.recv(65536).startswith(b"HTTP/1.1 400")


def test_a_request_smuggled_in_anothers_body_is_not_heard(port: int) -> None:
    form = b"POST /sign-in HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    for head in (
        form + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        form + b"Content-Length: 4\r\nContent-Length: 5\r\n\r\naaaaa",
        form + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: a\rSet-Cookie: b\r\n\r\n",
    ):
        with line_to(port) as line:
            line.sendall(head + b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            said = b""
            line.settimeout(5)
            try:
                while part := line.recv(65536):
                    said += part
            except (TimeoutError, ConnectionResetError):
                pass
            assert b"messages" not in said, head


@pytest.mark.parametrize("evil", ["a\r\nSet-Cookie: x=y", "a\nX: y", "%0d%0aX:%20y", "a\u2028b", "ä"])
def test_no_parameter_becomes_a_header(tmp_path: Path, evil: str) -> None:
    with a_clinic(tmp_path) as clinic:
        clinic.registry.add("Blue room", clinic.now)
        owner = clinic.browser(Role.OWNER)
        answers = [
            owner.get("/sign-in", {"next": f"/{evil}", "lang": evil}),
            owner.fill("/devices", f"/devices/rename?lang={quote(evil)}", device="blue-room", name=evil),
            owner.fill("/devices", "/devices/revoke", device=f"blue-room{evil}"),
            owner.fill("/alerts", f"/alerts/seen?lang={quote(evil)}", id=evil),
            owner.get("/export/clinic.csv", {"lang": evil}),
        ]
        for answer in answers:
            assert "x" not in answer.headers
            assert "set-cookie" not in answer.headers
            assert answer.headers.get("location", "/").startswith("/")
            assert answer.headers.get("content-language", "en") in {"en", "es"}


def test_a_visit_begins_anew_at_a_one_time_link_too(tmp_path: Path) -> None:
    with a_clinic(tmp_path) as clinic:
        code = clinic.desk.people.first_link(clinic.now)
        browser = Browser(clinic.pages(), "planted-by-somebody")
        fields = {"name": "ana", "password": PASSWORD, "again": PASSWORD}
        assert browser.send(f"/welcome/{code}", fields).status_code == 303
        assert browser.cookies["fermata-8720"] != "planted-by-somebody"
        assert Browser(clinic.pages(), "planted-by-somebody").get("/").status_code == 303
        mine = browser.cookies["fermata-8720"]
        assert browser.fill("/people", "/sign-out").status_code == 303
        assert Browser(clinic.pages(), mine).get("/").status_code == 303
