"""The page of alerts, its count on the board, and the hub and command that send mail, as each role meets them."""

import re
import signal
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from app.hub.accounts import Role
from app.hub.alerts import Alerts
from app.hub.conditions import HUB, Findings, Kind, Trouble
from app.hub.journal import Deed
from app.hub.letters import trial
from app.hub.words import LANGUAGES, words
from app.settings import SettingsError
from app.sources import load
from tests.hub.households import NOW, Clinic, a_clinic
from tests.hub.hubs import Hub, wait_until
from tests.hub.mailboxes import TO, Mailbox, a_mailbox
from tests.hub.test_pages import Outline
from tests.hub.test_rooms_pages import words as read
from tests.hub.test_verbs import Fermata, fermata, state
from tests.hub.visitors import Browser

__all__ = ["fermata", "state"]  # fixtures


@pytest.fixture
def clinic(tmp_path: Path) -> Iterator[Clinic]:
    with a_clinic(tmp_path) as clinic:
        yield clinic


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Mailbox]:
    with a_mailbox(tmp_path / "mail") as box:
        yield box


def wrong_are(clinic: Clinic, *troubles: Trouble) -> None:
    clinic.alerts.observe("north-1", Findings(list(troubles)), clinic.now)


AWAY = Trouble("blue-room", Kind.AWAY, "Blue <b>room</b>", NOW - 3600)
EVERY = [
    AWAY,
    *(Trouble("room-2", kind, "Green room", 2) for kind in Kind if kind not in {Kind.DISK, Kind.STORING, Kind.ASIDE}),
    Trouble(f"{HUB}north-1", Kind.DISK, "north-1", 512),
    Trouble("", Kind.ASIDE, "", 3),
]


def test_a_well_clinic_says_so(clinic: Clinic) -> None:
    text = read(clinic.browser(Role.AUDITOR), "/alerts")
    assert "✓ Nothing is wrong that would need somebody." in text
    assert "No mail is sent. Set hub.mail.host" in text


def test_what_is_wrong_since_when_and_what_to_do(clinic: Clinic) -> None:
    wrong_are(clinic, *EVERY)
    page = clinic.browser(Role.TECH).get("/alerts").text
    text = re.sub(r"\s+", " ", Outline(page).words)
    assert "7 open alerts, 7 that nobody has seen" in text
    for told in (
        "Blue <b>room</b>: Not heard",
        "See whether the unit has power and network.",
        "Hub north-1: Disk nearly full 512 MiB are free",
        "Units that nobody has added: Messages set aside 3 messages within a day",
        "Since 23 November 2026,",
    ):
        assert told in text, told
    assert 'href="/rooms/blue-room?lang=en"' in page
    assert "<b>room" not in page


def test_an_alert_is_seen_once_by_whoever_says_so_first(clinic: Clinic) -> None:
    wrong_are(clinic, AWAY)
    tech, owner = clinic.browser(Role.TECH), clinic.browser(Role.OWNER)
    (alert,) = clinic.alerts.open()
    assert tech.fill("/alerts", "/alerts/seen", id=str(alert.id)).status_code == 303
    assert owner.fill("/alerts", "/alerts/seen", id=str(alert.id)).status_code == 303
    text = read(owner, "/alerts")
    assert "Seen by tech, " in text
    assert "I have seen this" not in text
    assert [entry.by.who for entry in clinic.desk.journal.read() if entry.what == Deed.ALERT_SEEN] == ["tech"]


@pytest.mark.parametrize("number", ["", "0", "-1", "999999999", "9" * 30, "²", "1 OR 1=1", "../1"])
def test_a_strange_number_sees_nothing(clinic: Clinic, number: str) -> None:
    wrong_are(clinic, AWAY)
    assert clinic.browser(Role.TECH).fill("/alerts", "/alerts/seen", id=number).status_code == 303
    assert clinic.alerts.count() == (1, 1)


def test_an_auditor_looks_and_changes_nothing(clinic: Clinic) -> None:
    wrong_are(clinic, AWAY)
    auditor = clinic.browser(Role.AUDITOR)
    assert "I have seen this" not in read(auditor, "/alerts")
    assert auditor.fill("/alerts", "/alerts/seen", id="1").status_code == 403
    assert auditor.fill("/alerts", "/alerts/mail-test").status_code == 403
    assert clinic.alerts.count() == (1, 1)


def test_what_is_over_is_listed_with_its_time(clinic: Clinic) -> None:
    wrong_are(clinic, Trouble("room-2", Kind.NEWER, "Green room"))
    clinic.now += 7200
    wrong_are(clinic)
    text = read(clinic.browser(Role.MANAGER), "/alerts")
    assert "Green room Newer software than the hub's 23 November 2026," in text
    assert "Nothing is wrong" in text


def test_the_board_counts_alerts_for_those_who_may_see_them(clinic: Clinic) -> None:
    clinic.beat("blue-room")
    assert "open alert" not in read(clinic.browser(Role.TECH), "/rooms")
    wrong_are(clinic, AWAY)
    assert "1 open alert, 1 that nobody has seen" in read(clinic.browser(Role.TECH), "/rooms")
    assert 'href="/alerts?lang=en"' in clinic.browser(Role.TECH).get("/rooms").text


def test_a_stranger_is_sent_to_sign_in(clinic: Clinic) -> None:
    assert Browser(clinic.pages()).get("/alerts").headers["location"].startswith("/sign-in")


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_kind_has_its_words_in_every_language(clinic: Clinic, code: str) -> None:
    wrong_are(clinic, *EVERY, Trouble(f"{HUB}north-1", Kind.STORING, "north-1"))
    clinic.now += 3600
    wrong_are(clinic, *EVERY, Trouble(f"{HUB}north-1", Kind.STORING, "north-1"))
    page = clinic.browser(Role.TECH).get("/alerts", {"lang": code}).text
    assert page.count('class="alert unseen"') == len(EVERY) + 1
    assert not [attrs for tag, attrs in Outline(page).tags if "style" in attrs or tag == "style"]
    assert "{" not in Outline(page).words


def test_a_test_mail_is_sent_once_a_minute_and_written_down(clinic: Clinic, box: Mailbox) -> None:
    clinic.options = replace(clinic.options, mail=box.options)
    tech = clinic.browser(Role.TECH)
    assert f"are mailed to {', '.join(TO)} through 127.0.0.1" in read(tech, "/alerts")
    assert "The test mail was handed to the mail server" in tech.fill("/alerts", "/alerts/mail-test").text
    assert tech.fill("/alerts", "/alerts/mail-test").status_code == 429
    assert [mail["Subject"] for mail in box.got] == [trial("north", words("en"))[0]]
    assert [entry.by.who for entry in clinic.desk.journal.read() if entry.what == Deed.MAIL_TRIED] == ["tech"]


def test_a_test_mail_that_fails_says_why(clinic: Clinic, box: Mailbox) -> None:
    box.down = True
    clinic.options = replace(clinic.options, mail=box.options)
    answer = clinic.browser(Role.OWNER).fill("/alerts", "/alerts/mail-test")
    assert answer.status_code == 502
    assert "The test mail could not be sent: 127.0.0.1 refuses" in Outline(answer.text).words


def test_without_a_mail_server_there_is_no_test_mail(clinic: Clinic) -> None:
    assert clinic.browser(Role.TECH).fill("/alerts", "/alerts/mail-test").status_code == 409


def test_failures_are_shown_until_a_mail_goes_out(clinic: Clinic, box: Mailbox) -> None:
    clinic.options = replace(clinic.options, mail=box.options)
    wrong_are(clinic, Trouble("room-2", Kind.NEWER, "Green room"))
    clinic.now += 600
    mail = clinic.post.take(clinic.now)
    assert mail
    clinic.post.failed(mail, clinic.now, "mail.example takes no mail: it is <b>down</b>")
    page = clinic.browser(Role.TECH).get("/alerts").text
    assert "could not be sent: mail.example takes no mail: it is &lt;b&gt;down&lt;/b&gt;. It is tried again" in page
    mail = clinic.post.take(clinic.now + 60)
    assert mail
    clinic.post.sent(mail, clinic.now + 60)
    text = read(clinic.browser(Role.TECH), "/alerts")
    assert "could not be sent" not in text
    assert "The last mail went out on" in text


def settings(folder: Path, box: Mailbox, **changes: str) -> Path:
    mail = {
        "host": "127.0.0.1",
        "ca": str(box.ca),
        "user": "hub",
        "password_file": str(box.options.password_file),
        "sender": box.options.sender,
        "language": "es",
    } | changes
    file = folder / "fermata.toml"
    lines = [f'{key} = "{value}"' for key, value in mail.items() if value]
    file.write_text(f'[hub.mail]\nport = {box.options.port}\nto = ["{TO[0]}"]\n' + "\n".join(lines))
    return file


def test_the_command_sends_a_test_mail_in_the_clinics_language(
    tmp_path: Path, box: Mailbox, monkeypatch: pytest.MonkeyPatch, fermata: Fermata
) -> None:
    monkeypatch.setattr("app.sources.FILE", settings(tmp_path, box))
    code, said = fermata("mail-test")
    assert (code, said) == (0, f"127.0.0.1 took the mail. See whether it arrives at {TO[0]}.\n")
    assert box.got[0]["Subject"] == "Fermata clinic: prueba"
    box.refuse = {TO[0]}
    code, said = fermata("mail-test")
    assert (code, said.count("\n")) == (1, 1)
    assert f"refuses {TO[0]}" in said


def test_mail_that_cannot_be_set_up_is_one_sentence(
    tmp_path: Path, box: Mailbox, monkeypatch: pytest.MonkeyPatch, fermata: Fermata
) -> None:
    assert "no mail is set up" in fermata("mail-test")[1]
    monkeypatch.setattr("app.sources.FILE", settings(tmp_path, box, sender=""))
    assert "set hub.mail.sender" in fermata("mail-test")[1]
    with pytest.raises(SettingsError, match=r"hub\.mail\.security"):
        load(settings(tmp_path, box, security="ssl"))


def test_a_credential_beside_the_settings_is_no_setting(
    tmp_path: Path, box: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "credentials").mkdir()
    (tmp_path / "credentials/mail-password").write_text("secret")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path / "credentials"))
    found = load(settings(tmp_path, box, password_file="mail-password")).hub.mail  # noqa: S106  a file's name
    assert found.password_file == Path("mail-password")


def test_a_real_hub_looks_by_itself(hub: Hub) -> None:
    with closing(Alerts(hub.state / "hub.sqlite")) as alerts:
        alerts.observe("gone", Findings([Trouble("gone", Kind.NEWER, "gone")]), NOW)
        assert len(alerts.open()) == 1
        assert hub.end(signal.SIGTERM) == 0
        hub.start()
        wait_until(lambda: alerts.open() == [])
