"""The page over TLS: by the clinic's authority or a given certificate, renewed while it runs, and what cannot be."""

import hashlib
import re
import signal
import ssl
import time
import tomllib
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from app.hub.accounts import Role
from app.hub.authority import Authority, in_pairs
from app.hub.errors import CertificateError, HubError
from app.hub.options import HubOptions
from app.hub.padlock import Padlock, page_url
from app.hub.warden import RENEW_S
from app.hub.words import FOLDER, LANGUAGES
from tests.hub.households import NOW, a_clinic
from tests.hub.hubs import Hub, wait_until
from tests.hub.pairs import a_pair, shown
from tests.hub.test_pages import Outline
from tests.hub.visitors import Browser

DAY_S = 86_400
ANYWHERE = "0.0.0.0"  # noqa: S104  certificates guard it


def options(folder: Path, **changes: object) -> HubOptions:
    return HubOptions(**({"clinic": "north", "state": folder / "hub"} | changes))  # type: ignore[arg-type]


def a_padlock(own: HubOptions, said: list[str], now: float = NOW) -> Padlock:
    return Padlock(own, Authority(own.authority, "north", now), now, said.append)


@pytest.mark.parametrize(
    ("changes", "encrypted"),
    [
        ({}, False),
        ({"address": "hub.example"}, False),
        ({"address": "hub.example", "host": ANYWHERE}, True),
        ({"certificate": Path("page.crt")}, True),
        ({"certificate": Path("page.crt"), "host": "192.0.2.7"}, True),
    ],
)
def test_the_page_is_encrypted_wherever_it_leaves_this_machine(
    changes: dict[str, object], encrypted: bool, tmp_path: Path
) -> None:
    assert options(tmp_path, **changes).encrypted is encrypted


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"host": "192.0.2.7"}, "not encrypted, so it may not listen on 192.0.2.7: set hub.address or hub.certificate"),
        ({"host": ANYWHERE, "address": "hub.example", "rehearsal": True}, "at a rehearsal anybody may look"),
        ({"host": ""}, "no name or address where the page could listen"),
        ({"host": ANYWHERE, "address": "hub.example", "key": Path("page.key")}, "a key without its certificate"),
    ],
)
def test_a_page_that_would_not_be_safe_is_one_sentence(changes: dict[str, object], words: str, tmp_path: Path) -> None:
    with pytest.raises(HubError, match=words):
        options(tmp_path, **changes)


@pytest.mark.parametrize(
    ("changes", "names", "url"),
    [
        ({}, (), "http://127.0.0.1:8720/"),
        ({"host": "::1"}, (), "http://[::1]:8720/"),
        ({"host": ANYWHERE, "address": "hub.example"}, ("hub.example", "localhost"), "https://hub.example:8720/"),
        ({"host": "::", "address": "2001:db8::7"}, (), "https://[2001:db8::7]:8720/"),
        (
            {"host": ANYWHERE, "address": "192.0.2.7", "certificate": Path("c")},
            ("*.a.b", "p.a.b"),
            "https://p.a.b:8720/",
        ),
        (
            {"host": ANYWHERE, "address": "hub.example", "certificate": Path("c")},
            ("*.a.b",),
            "https://hub.example:8720/",
        ),
    ],
)
def test_the_pages_address_is_one_that_its_certificate_is_for(
    changes: dict[str, object], names: tuple[str, ...], url: str, tmp_path: Path
) -> None:
    assert page_url(options(tmp_path, **changes), 8720, names) == url


def test_the_authoritys_certificate_is_made_anew_before_it_ends_and_shown_at_once(tmp_path: Path) -> None:
    said: list[str] = []
    padlock = a_padlock(options(tmp_path, address="hub.example", host=ANYWHERE), said)
    first = shown(padlock.context)
    assert set(padlock.names) >= {"hub.example", "localhost", "127.0.0.1"}
    for later in (RENEW_S - 1, RENEW_S - 1):
        padlock.follow(NOW + later)
    assert shown(padlock.context) == first
    for later in (RENEW_S, RENEW_S):
        padlock.follow(NOW + later)
    second = shown(padlock.context)
    assert second.not_valid_after_utc.timestamp() == padlock.badge.ends > first.not_valid_after_utc.timestamp()
    assert said == []


def test_browsers_take_the_authoritys_certificate_whatever_the_hubs_clock_has_been(tmp_path: Path) -> None:
    padlock = a_padlock(options(tmp_path, address="hub.example", host=ANYWHERE), [], NOW + 3650 * DAY_S)
    for _ in range(2):
        padlock.follow(NOW)
    made = shown(padlock.context)
    assert made.not_valid_before_utc.timestamp() == NOW - 2 * DAY_S
    assert (made.not_valid_after_utc - made.not_valid_before_utc).days <= 397
    uses = made.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(uses) == [ExtendedKeyUsageOID.SERVER_AUTH]


def test_a_given_certificate_that_was_renewed_is_shown_without_a_restart_of_whatever_kind_it_is(tmp_path: Path) -> None:
    said: list[str] = []
    certificate, key = a_pair(tmp_path / "given", NOW, of_rsa=True)
    padlock = a_padlock(options(tmp_path, certificate=certificate, key=key), said)
    first = shown(padlock.context)
    a_pair(tmp_path / "given", NOW, days=(0, 180))
    padlock.follow(NOW)
    assert shown(padlock.context) == first, "a file may still be being written"
    padlock.follow(NOW)
    assert shown(padlock.context) != first
    assert padlock.badge.ends == NOW + 180 * DAY_S
    assert said == []


def test_a_given_certificate_that_went_bad_is_told_once_and_the_page_goes_on(tmp_path: Path) -> None:
    said: list[str] = []
    certificate, key = a_pair(tmp_path / "given", NOW)
    padlock = a_padlock(options(tmp_path, certificate=certificate, key=key), said)
    first = shown(padlock.context)
    key.unlink()
    for _ in range(5):
        padlock.follow(NOW)
    assert shown(padlock.context) == first
    assert len(said) == 1
    assert "cannot be read" in said[0]
    assert said[0].endswith("the page goes on with the one before")


def test_a_given_certificate_that_will_end_is_told_two_weeks_before(tmp_path: Path) -> None:
    said: list[str] = []
    certificate, key = a_pair(tmp_path / "given", NOW, days=(-1, 90))
    padlock = a_padlock(options(tmp_path, certificate=certificate, key=key), said)
    padlock.follow(NOW + 75 * DAY_S)
    assert said == []
    padlock.follow(NOW + 77 * DAY_S)
    padlock.follow(NOW + 91 * DAY_S)
    assert said == ["the page's certificate ends on 2027-02-21: renew it"]


def test_certificate_and_key_may_be_in_one_file(tmp_path: Path) -> None:
    certificate, key = a_pair(tmp_path / "given", NOW, ("page.clinic.example", "*.north.example", "192.0.2.7"))
    certificate.write_bytes(key.read_bytes() + certificate.read_bytes())
    padlock = a_padlock(options(tmp_path, certificate=certificate), [])
    assert padlock.names == ("page.clinic.example", "*.north.example", "192.0.2.7")
    assert padlock.badge.issuer == "A known authority"
    assert not padlock.own
    shown(padlock.context)


def test_nothing_older_than_tls_1_2_is_spoken(tmp_path: Path) -> None:
    padlock = a_padlock(options(tmp_path, address="hub.example", host=ANYWHERE), [])
    with pytest.warns(DeprecationWarning, match="TLSv1_1"), pytest.raises(ssl.SSLError, match=r"(?i)protocol"):
        shown(padlock.context, ssl.TLSVersion.TLSv1_1)
    shown(padlock.context, ssl.TLSVersion.TLSv1_2)


def without_certificate(certificate: Path, _key: Path) -> None:
    certificate.unlink()


def not_a_certificate(certificate: Path, _key: Path) -> None:
    certificate.write_text("-----BEGIN CERTIFICATE-----\nnone\n-----END CERTIFICATE-----\n")


def not_a_key(_certificate: Path, key: Path) -> None:
    key.write_text("none")


def anothers_key(certificate: Path, key: Path) -> None:
    key.write_bytes(a_pair(certificate.parent / "other", NOW)[1].read_bytes())


@pytest.mark.parametrize(
    ("break_it", "words"),
    [
        (without_certificate, r"page\.crt for the page cannot be read \(No such file or directory\)"),
        (not_a_certificate, "holds no certificate in PEM"),
        (not_a_key, "holds no private key in PEM"),
        (anothers_key, "does not fit the certificate"),
    ],
)
def test_files_that_cannot_be_shown_are_one_sentence(
    break_it: Callable[[Path, Path], None], words: str, tmp_path: Path
) -> None:
    certificate, key = a_pair(tmp_path / "given", NOW)
    break_it(certificate, key)
    with pytest.raises(CertificateError, match=words):
        a_padlock(options(tmp_path, certificate=certificate, key=key), [])


@pytest.mark.parametrize(
    ("made", "words"),
    [
        ({"days": (-90, -1)}, "ended on 2026-11-22: renew it"),
        ({"days": (2, 90)}, "begins on 2026-11-25: look at this machine's clock"),
        ({"names": ()}, "names no host"),
        ({"server": False}, "names no host"),
        ({"password": b"secret"}, "without a password"),
    ],
)
def test_a_certificate_that_no_browser_would_take_is_one_sentence(
    made: dict[str, object], words: str, tmp_path: Path
) -> None:
    certificate, key = a_pair(tmp_path / "given", NOW, **made)  # type: ignore[arg-type]  # each as a_pair takes it
    with pytest.raises(CertificateError, match=words):
        a_padlock(options(tmp_path, certificate=certificate, key=key), [])


@pytest.mark.parametrize("lang", LANGUAGES)
def test_whoever_has_not_signed_in_gets_the_authoritys_file_and_its_fingerprint(lang: str, tmp_path: Path) -> None:
    with a_clinic(tmp_path) as clinic:
        stranger = Browser(clinic.pages())
        page = stranger.get("/trust", {"lang": lang})
        assert page.status_code == 200
        assert page.headers["content-language"] == lang
        found = re.search(r'href="(/trust/fermata-north\.crt)"', page.text)
        assert found
        file = stranger.get(found[1])
        assert file.headers["content-type"] == "application/x-x509-ca-cert"
        fingerprint = in_pairs(hashlib.sha256(file.content).hexdigest())
        assert fingerprint in page.text.replace("<wbr>", "")
        assert clinic.authority.fingerprint == fingerprint.replace(":", "").lower()
        text = Outline(page.text).words
        book = tomllib.loads((FOLDER / "trust" / f"{lang}.toml").read_text())
        for step in (book["download"], *(step for system in book["system"] for step in system["steps"])):
            assert step.format(authority="Fermata north") in text


def test_the_sign_in_page_leads_to_the_authority_only_where_browsers_need_it(tmp_path: Path) -> None:
    with a_clinic(tmp_path) as clinic:
        assert "/trust" not in Browser(clinic.pages()).get("/sign-in").text
        assert "/trust" in Browser(clinic.pages(own_authority=True)).get("/sign-in").text


def test_browsers_are_held_to_tls_by_a_given_certificate_only_and_never_on_this_machine(tmp_path: Path) -> None:
    with a_clinic(tmp_path) as clinic:
        for strict in (True, False):
            browser = Browser(clinic.pages(strict=strict, names=("page.clinic.example",)))
            for host, held in (("page.clinic.example", strict), ("127.0.0.1:8720", False), ("localhost", False)):
                headers = browser.get("/sign-in", headers={"Host": host}).headers
                assert ("strict-transport-security" in headers) is held


def test_the_page_answers_to_the_names_of_its_certificate_and_no_other(tmp_path: Path) -> None:
    names = ("page.clinic.example", "*.north.example", "192.0.2.7", "2001:db8::7")
    with a_clinic(tmp_path) as clinic:
        browser = clinic.browser(Role.OWNER, names=names)
        for host in ("page.clinic.example", "hub.north.example:8720", "192.0.2.7", "[2001:db8::7]:8720", "localhost"):
            assert browser.get("/sign-in", headers={"Host": host}).status_code in {200, 303}, host
        for host in ("clinic.example", "evil.example", "north.example", "192.0.2.8", "www.page.clinic.example"):
            assert browser.get("/sign-in", headers={"Host": host}).status_code == 400, host


def test_strangers_on_a_network_are_not_told_how_much_there_is(tmp_path: Path) -> None:
    with a_clinic(tmp_path) as clinic:
        pages, owner = clinic.pages(), clinic.browser(Role.OWNER)
        assert Browser(pages).get("/health").json()["rooms"] == 0
        stranger = Browser(pages, address="192.0.2.9")
        assert stranger.get("/health").status_code == 303
        stranger.cookies = owner.cookies
        assert stranger.get("/health").json()["rooms"] == 0


def test_both_languages_tell_of_the_same_systems() -> None:
    first, *others = (tomllib.loads((FOLDER / "trust" / f"{code}.toml").read_text()) for code in LANGUAGES)
    for other in others:
        assert other.keys() == first.keys()
        shapes = [
            [(system.get("command"), len(system["steps"]), system.keys()) for system in book["system"]]
            for book in (first, other)
        ]
        assert shapes[0] == shapes[1]


def test_a_hub_for_other_machines_shows_its_authoritys_certificate_and_a_cookie_for_tls_only(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    hub = Hub(tmp_path / "hub", host=ANYWHERE, address="127.0.0.1", door_port=0)
    hub.start()
    try:
        said = capfd.readouterr().err
        assert hub.url.startswith("https://127.0.0.1:")
        assert f"{hub.url}welcome/" in said
        context = ssl.create_default_context(cafile=tmp_path / "hub/authority/ca.pem")
        with httpx.Client(verify=context, base_url=hub.url, timeout=10) as browser:
            fingerprint = in_pairs(hashlib.sha256(browser.get("/trust/fermata-north.crt").content).hexdigest())
            assert f"SHA-256 fingerprint is {fingerprint}" in said
            assert "/trust" in browser.get("/sign-in").text
            code = re.search(r"/welcome/\S+", said)
            assert code
            fields = {"name": "ana", "password": "four unrelated words", "again": "four unrelated words"}
            answer = browser.post(code[0], data=fields, headers={"Origin": hub.url.rstrip("/")})
            assert answer.status_code == 303
            assert answer.headers["set-cookie"].startswith("__Host-fermata-")
            assert "; Secure" in answer.headers["set-cookie"]
            assert "strict-transport-security" not in answer.headers
            browser.cookies.update(answer.cookies)
            assert browser.get("/people").status_code == 200
        with pytest.raises(httpx.TransportError):
            httpx.get(hub.url.replace("https:", "http:"), timeout=10)
        with pytest.raises(httpx.ConnectError, match="certificate verify failed"):
            httpx.get(hub.url, timeout=10)
    finally:
        hub.end(signal.SIGTERM)


def test_a_hub_with_a_given_certificate_takes_its_successor_while_it_runs(tmp_path: Path) -> None:
    certificate, key = a_pair(tmp_path / "given", time.time(), ("127.0.0.1",))
    hub = Hub(tmp_path / "hub", certificate=str(certificate), key=str(key))
    hub.start()
    try:
        first = ssl.create_default_context(cafile=certificate)
        assert httpx.get(hub.url + "health", verify=first, timeout=10).status_code == 200
        a_pair(tmp_path / "given", time.time(), ("127.0.0.1",), of_rsa=True)
        second = ssl.create_default_context(cafile=certificate)
        wait_until(lambda: _answers(hub.url, second))
        assert not _answers(hub.url, first)
    finally:
        hub.end(signal.SIGTERM)


def _answers(url: str, context: ssl.SSLContext) -> bool:
    try:
        return httpx.get(url + "health", verify=context, timeout=10).status_code == 200
    except httpx.ConnectError:
        return False
