"""Mail over a real server: guarded or not at all, each alert once, and no password anywhere."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from threading import Barrier, Thread

import pytest

from app.catalogue import METRICS, RELEASED
from app.hub.alerts import Alert, Alerts
from app.hub.conditions import HUB, Findings, Kind, Trouble
from app.hub.errors import HubError, MailError
from app.hub.letters import MOST, digest, trial
from app.hub.mail import MailOptions, deliver, letter
from app.hub.post import EVERY_S, GATHER_S, LOST_S, RETRY_S, Mail, Post
from app.hub.postman import Postman, send_trial
from app.hub.words import LANGUAGES, words
from tests.hub.households import NOW
from tests.hub.mailboxes import PASSWORD, TO, Mailbox, a_mailbox, a_strange_server
from tests.hub.postgres import Postgres, programs


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Mailbox]:
    with a_mailbox(tmp_path / "mail") as box:
        yield box


class Round:
    """Alerts and a postman with a clock that is set."""

    def __init__(self, where: Path | str, options: MailOptions, name: str = "") -> None:
        self.now = NOW
        self.said: list[str] = []
        self.alerts, self.post = Alerts(where), Post(where)
        self.postman = Postman(options, "north", f"abcd{name}", self.post, lambda: float(self.now), self.said.append)

    def see(self, *devices: str, kind: Kind = Kind.OUTBOX) -> None:
        """This is wrong now, and nothing else is."""
        self.alerts.observe("h", Findings([Trouble(device, kind, device, 1) for device in devices]), self.now)

    def after(self, seconds: float) -> None:
        self.now += round(seconds)
        self.postman.go()

    def close(self) -> None:
        self.alerts.close()
        self.post.close()


@pytest.fixture
def round_(tmp_path: Path, box: Mailbox) -> Iterator[Round]:
    with closing(Round(tmp_path / "hub.sqlite", box.options)) as round_:
        yield round_


def text(box: Mailbox, number: int = -1) -> str:
    return str(box.got[number].get_content()).replace("\r\n", "\n")


def begun(box: Mailbox) -> str:
    """What all mails told of as new."""
    return "\n".join(text(box, number).partition("\nOver\n")[0] for number in range(len(box.got)))


def test_what_happened_in_the_last_minutes_is_one_mail_to_everybody(box: Mailbox, round_: Round) -> None:
    round_.see("room-1")
    round_.after(60)
    round_.see("room-1", "room-2", "room-3")
    round_.after(GATHER_S - 61)
    assert box.got == []
    round_.after(1)
    (mail,) = box.got
    assert (mail["From"], mail["To"]) == (box.options.sender, ", ".join(TO))
    assert mail["Subject"] == "Fermata north: 3 new alerts"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Message-ID"] == "<fermata-abcd-1@north.example>"
    for device in ("room-1", "room-2", "room-3"):
        assert f"{device}: Messages dropped for want of space" in text(box)
    for _ in range(50):
        round_.after(600)
    assert len(box.got) == 1


def test_its_end_is_mailed_too(box: Mailbox, round_: Round) -> None:
    round_.see("room-1")
    round_.after(GATHER_S)
    round_.after(EVERY_S)
    round_.see()
    round_.after(GATHER_S)
    assert [mail["Subject"] for mail in box.got] == ["Fermata north: 1 new alert", "Fermata north: 1 alert is over"]
    assert "room-1: Messages dropped" in text(box)


def test_what_was_over_before_anybody_was_told_is_not_mailed(box: Mailbox, round_: Round) -> None:
    round_.see("room-1")
    round_.see()
    for _ in range(5):
        round_.after(GATHER_S)
    assert box.got == []


def test_a_storm_is_no_more_than_four_mails_an_hour(box: Mailbox, round_: Round) -> None:
    for minute in range(180):
        round_.see(*(f"room-{n}" for n in range(minute, minute + 10)))
        round_.after(60)
    assert 3 <= len(box.got) <= 12
    told = begun(box)
    assert all(told.count(f"room-{n}:") <= 1 for n in range(190))


def test_a_server_that_is_down_is_tried_less_and_less_often_and_then_told_everything_once(
    box: Mailbox, round_: Round
) -> None:
    box.down = True
    round_.see("room-1")
    round_.after(GATHER_S)
    tries = 1
    for _ in range(180):
        before = round_.post.standing().failures
        round_.after(60)
        tries += round_.post.standing().failures > before
    assert 6 <= tries <= 9
    standing = round_.post.standing()
    assert (standing.failures, standing.wait_s) == (tries, RETRY_S[1])
    assert "refuses owner@north.example, tech@north.example" in standing.why
    assert len(round_.said) == 1, "the hub's log has it once"
    round_.see("room-1", "room-2")
    box.down = False
    round_.after(RETRY_S[1])
    (mail,) = box.got
    assert mail["Subject"] == "Fermata north: 2 new alerts"
    assert round_.post.standing().failures == 0


def test_a_server_that_is_not_there_is_one_sentence(box: Mailbox, round_: Round) -> None:
    box.stop()
    round_.see("room-1")
    round_.after(GATHER_S)
    why = round_.post.standing().why
    assert why == f"127.0.0.1:{box.options.port} takes no mail: [Errno 111] Connection refused"


def test_a_hub_that_is_killed_while_it_sends_leaves_the_mail_to_the_next(box: Mailbox, round_: Round) -> None:
    round_.see("room-1")
    round_.now += GATHER_S
    assert round_.post.take(round_.now), "and then it was killed"
    round_.after(LOST_S)
    assert box.got == []
    round_.after(EVERY_S)
    round_.after(EVERY_S)
    assert len(box.got) == 1


def test_a_database_that_goes_while_mail_is_sent_does_not_make_it_go_twice(box: Mailbox, round_: Round) -> None:
    round_.see("room-1")
    round_.now += GATHER_S
    taken = round_.post.take(round_.now)
    assert taken
    assert round_.post.take(round_.now + 1) is None
    round_.post.sent(taken, round_.now + 700)
    round_.after(EVERY_S)
    assert box.got == []


def test_who_is_refused_is_told_while_the_others_get_it(box: Mailbox, round_: Round) -> None:
    box.refuse = {TO[1]}
    round_.see("room-1")
    round_.after(GATHER_S)
    assert len(box.got) == 1
    assert round_.post.standing().refused == TO[1]


@pytest.mark.skipif(programs() is None, reason="PostgreSQL is not installed: apt-get install postgresql")
def test_two_hubs_on_one_postgresql_mail_each_alert_once(box: Mailbox) -> None:
    with (
        closing(Postgres()) as postgres,
        closing(Round(postgres.url, box.options, "a")) as one,
        closing(Round(postgres.url, box.options, "b")) as two,
    ):
        failures: list[BaseException] = []
        for hour in range(10):
            one.now = two.now = NOW + 3600 * hour
            start = Barrier(2)

            def work(hub: Round, hour: int = hour, start: Barrier = start) -> None:
                try:
                    start.wait(30)
                    hub.see(f"room-{hour}")
                    start.wait(30)
                    for _ in range(3):
                        hub.after(GATHER_S)
                except BaseException as error:  # noqa: BLE001  raised below, in the test's own thread
                    failures.append(error)

            threads = [Thread(target=work, args=(hub,)) for hub in (one, two)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        assert failures == []
    told = begun(box)
    assert [told.count(f"room-{hour}:") for hour in range(10)] == [1] * 10
    assert len({mail["Message-ID"] for mail in box.got}) == len(box.got)


def test_a_mail_goes_over_tls_from_the_first_byte_on(tmp_path: Path) -> None:
    with a_mailbox(tmp_path / "mail", "tls") as box:
        assert send_trial(box.options, "north") == []
        assert box.got[0]["Subject"] == "Fermata north: test"
        assert box.tried == [PASSWORD.encode()]


def test_on_this_machine_it_may_go_in_the_clear_without_a_password(tmp_path: Path) -> None:
    with a_mailbox(tmp_path / "mail", "none") as box:
        assert send_trial(box.options, "north") == []
        assert box.tried == []


def test_a_server_that_offers_no_tls_gets_neither_mail_nor_password(tmp_path: Path) -> None:
    with a_mailbox(tmp_path / "mail", "starttls", offered="none") as box:
        with pytest.raises(MailError, match="STARTTLS extension not supported"):
            send_trial(box.options, "north")
        assert (box.got, box.tried) == ([], [])


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_server_with_a_strange_certificate_gets_neither(tmp_path: Path, security: str) -> None:
    with a_mailbox(tmp_path / "mail", security) as box:  # type: ignore[arg-type]  # one of them
        with pytest.raises(MailError, match="its certificate is not good"):
            send_trial(replace(box.options, ca=None), "north")
        with pytest.raises(MailError, match="its certificate is not good"):
            send_trial(replace(box.options, host="localhost"), "north")
        assert (box.got, box.tried) == ([], [])


def test_a_wrong_password_is_told_and_not_repeated(box: Mailbox, tmp_path: Path) -> None:
    file = tmp_path / "wrong"
    file.write_text("hunter2 is the password")
    file.chmod(0o600)
    with pytest.raises(MailError, match=r"535 5\.7\.8 no … here") as told:
        send_trial(replace(box.options, password_file=file), "north")
    assert "hunter2" not in str(told.value)
    assert "hunter2" not in repr(replace(box.options, password_file=file))


@pytest.mark.parametrize(
    ("content", "mode", "says"),
    [
        (b"secret", 0o644, "others can read"),
        (b"", 0o600, "holds no password"),
        (b"\xff\xfe", 0o600, "holds no password"),
        (None, 0, "cannot be read"),
    ],
)
def test_a_password_file_that_cannot_be_used_is_one_sentence(
    box: Mailbox, tmp_path: Path, content: bytes | None, mode: int, says: str
) -> None:
    file = tmp_path / "file"
    if content is not None:
        file.write_bytes(content)
        file.chmod(mode)
    with pytest.raises(MailError, match=says):
        send_trial(replace(box.options, password_file=file), "north")


def test_a_bare_name_is_one_of_systemds_credentials(
    box: Mailbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path / "mail"))
    assert send_trial(replace(box.options, password_file=Path("password")), "north") == []


def greeting(line: socket.socket) -> None:
    line.sendall(b"220 hello\r\n")
    for answer in (b"250 hello\r\n", b"250 ok\r\n", b"250 ok\r\n", b"354 go on\r\n", b"250 taken\r\n"):
        line.recv(4096)
        line.sendall(answer)


def endless(line: socket.socket) -> None:
    while True:
        line.sendall(b"2")
        time.sleep(0.05)  # a server that is slow on purpose


def plain(port: int, patience_s: float) -> MailOptions:
    sender, to = "fermata@north.example", ("tech@north.example",)
    return MailOptions("127.0.0.1", sender, to, port, "none", patience_s=patience_s)


def test_a_server_that_answers_letter_by_letter_is_left() -> None:
    with a_strange_server(endless) as port:
        begun = time.monotonic()
        with pytest.raises(MailError, match="takes no mail"):
            send_trial(plain(port, 1.0), "north")
        assert time.monotonic() - begun < 15


def test_a_server_that_never_says_goodbye_has_the_mail_all_the_same() -> None:
    def silent(line: socket.socket) -> None:
        greeting(line)
        line.recv(4096)
        line.recv(4096)

    with a_strange_server(silent) as port:
        assert send_trial(plain(port, 3.0), "north") == []


@pytest.mark.parametrize(
    "talk", [lambda line: line.sendall(b"\x00\xff" * 9000), lambda line: line.sendall(b"HTTP/1.1 400\r\n")]
)
def test_what_is_no_mail_server_is_one_sentence(talk: Callable[[socket.socket], None]) -> None:
    with a_strange_server(talk) as port, pytest.raises(MailError) as told:
        send_trial(plain(port, 5.0), "north")
    assert "\n" not in str(told.value)
    assert len(str(told.value)) < 300


GOOD = MailOptions("mail.example", "fermata@north.example", TO)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"host": "mail.example/x"}, "no mail server's name"),
        ({"host": "smtp://user:hunter2@mail"}, "no mail server's name"),
        ({"sender": "nobody"}, "no e-mail address"),
        ({"sender": "a@b\r\nBcc: c@d"}, "no e-mail address"),
        ({"to": ("a@b, c@d",)}, "no e-mail address"),
        ({"to": ()}, "somebody to go to"),
        ({"security": "none"}, "only go to this machine"),
        ({"security": "none", "host": "127.0.0.1", "user": "a", "password_file": Path("b")}, "only go to this machine"),
        ({"user": "a"}, "go together"),
        ({"password_file": Path("b")}, "go together"),
    ],
)
def test_what_cannot_be_mailed_with_is_one_sentence(changes: dict[str, object], says: str) -> None:
    with pytest.raises(HubError, match=says):
        replace(GOOD, **changes)  # type: ignore[arg-type]  # on purpose


def an_alert(kind: Kind, subject: str = "room-1", closed: int | None = None, number: int = 1) -> Alert:
    return Alert(number, subject, kind, "Blue room", 3, NOW - 7200, NOW - 3600, closed, None, None)


@pytest.mark.parametrize("code", LANGUAGES)
def test_a_mail_says_what_is_wrong_with_devices_and_nothing_of_conversations(code: str) -> None:
    say = words(code)
    subjects = {Kind.DISK: f"{HUB}north-1", Kind.STORING: f"{HUB}north-1", Kind.ASIDE: ""}
    new = [an_alert(kind, subjects.get(kind, "room-1")) for kind in Kind]
    over = [an_alert(kind, subjects.get(kind, "room-1"), NOW) for kind in Kind]
    texts = [digest(Mail(1, tuple(new), tuple(over)), "north", NOW, say), trial("north", say)]
    told = "\n".join(part for text in texts for part in text).lower()
    foreign = [say.of("metric", metric.id, metric.title) for metric in RELEASED]
    foreign += [metric.id for metric in METRICS] + [metric.title for metric in METRICS]
    assert not [word for word in foreign if word.lower() in told]
    assert "{" not in told
    assert told.count(say("alert_microphones").lower()) == 2


def test_a_long_list_is_cut_and_says_so() -> None:
    many = tuple(an_alert(Kind.AWAY, f"room-{n}", number=n) for n in range(MOST + 2))
    subject, told = digest(Mail(1, many, ()), "north", NOW, words("en"))
    assert subject == f"Fermata north: {MOST + 2} new alerts"
    assert told.count("Blue room: Not heard") == MOST
    assert "And 2 more." in told


def test_no_name_of_a_room_makes_a_header(box: Mailbox) -> None:
    alert = replace(an_alert(Kind.AWAY), name="x\r\nBcc: evil@example\r\n\r\n.\r\nMAIL FROM:<a@b>")
    subject, told = digest(Mail(1, (alert,), ()), "north", NOW, words("en"))
    assert deliver(box.options, letter(box.options, subject, told, "1")) == []
    (mail,) = box.got
    assert mail["Bcc"] is None
    assert len(box.got) == 1
