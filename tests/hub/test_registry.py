"""Who may join and for how long, before any network."""

import re
import shutil
import stat
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given
from hypothesis import strategies as st

from app.hub.authority import Authority, Shown, shown_by
from app.hub.errors import AuthorityError, RefusedError, RegistryError
from app.hub.members import as_id, code_hash
from app.hub.registry import DAY_S, MOST_A_DAY, Registry
from app.hub.roster import WRONG
from app.sync.identity import new_key, signing_request

NOW = 1_790_000_000


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"), "north", NOW)


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    with closing(Registry(tmp_path / "hub.sqlite")) as opened:
        yield opened


def a_request() -> bytes:
    return signing_request(new_key())


def test_an_invited_unit_gets_ninety_days(registry: Registry, authority: Authority) -> None:
    invited = registry.add("Blue  room", NOW)
    assert (invited.device, invited.name, invited.ends) == ("blue-room", "Blue room", NOW + 7 * DAY_S)
    issued = registry.admit(authority, "blue-room", invited.code.lower().replace("-", " "), a_request(), NOW)
    certificate = x509.load_pem_x509_certificate(issued.pem.encode())
    assert certificate.not_valid_after_utc == datetime.fromtimestamp(NOW + 90 * DAY_S, UTC)
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["blue-room.1"]
    (member,) = registry.members(NOW)
    assert (member.identity, member.certificate_ends, member.code_ends) == ("blue-room.1", NOW + 90 * DAY_S, None)


def test_only_hashes_of_codes_are_stored(registry: Registry, tmp_path: Path) -> None:
    code = registry.add("Blue room", NOW).code
    registry.close()
    stored = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert code_hash(code).encode() in stored
    assert code.encode() not in stored
    assert code.replace("-", "").encode() not in stored


def test_a_code_works_once(registry: Registry, authority: Authority) -> None:
    code = registry.add("Blue room", NOW).code
    registry.admit(authority, "blue-room", code, a_request(), NOW)
    with pytest.raises(RefusedError, match="used already"):
        registry.admit(authority, "blue-room", code, a_request(), NOW)


def test_a_unit_whose_answer_was_lost_may_ask_again_with_its_key(registry: Registry, authority: Authority) -> None:
    code, request = registry.add("Blue room", NOW).code, a_request()
    registry.admit(authority, "blue-room", code, request, NOW)
    assert registry.admit(authority, "blue-room", code, request, NOW + 60).ends == NOW + 60 + 90 * DAY_S


def test_of_many_units_with_one_code_at_once_one_joins(registry: Registry, authority: Authority) -> None:
    code = registry.add("Blue room", NOW).code
    admitted, refused = list[str](), list[str]()

    def join() -> None:
        try:
            admitted.append(registry.admit(authority, "blue-room", code, a_request(), NOW).serial)
        except RefusedError as error:
            refused.append(str(error))

    threads = [Thread(target=join) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(admitted), len(refused)) == (1, 7)


def test_six_wrong_tries_lock_a_code(registry: Registry, authority: Authority) -> None:
    code = registry.add("Blue room", NOW).code
    reasons = []
    for _ in range(WRONG):
        with pytest.raises(RefusedError) as refused:
            registry.admit(authority, "blue-room", "AAAA-AAAA-AAAA-AAAA", a_request(), NOW)
        reasons.append(str(refused.value))
    assert [reason.startswith("a wrong code") for reason in reasons] == [True] * (WRONG - 1) + [False]
    with pytest.raises(RefusedError, match="locked"):
        registry.admit(authority, "blue-room", code, a_request(), NOW)
    assert registry.members(NOW)[0].locked
    again = registry.add("Blue room", NOW).code
    registry.admit(authority, "blue-room", again, a_request(), NOW)


def test_five_wrong_tries_do_not(registry: Registry, authority: Authority) -> None:
    code = registry.add("Blue room", NOW).code
    for _ in range(WRONG - 1):
        with pytest.raises(RefusedError):
            registry.admit(authority, "blue-room", "", a_request(), NOW)
    registry.admit(authority, "blue-room", code, a_request(), NOW)


def test_a_code_ends(registry: Registry, authority: Authority) -> None:
    code = registry.add("Blue room", NOW, days=2).code
    with pytest.raises(RefusedError, match="has ended"):
        registry.admit(authority, "blue-room", code, a_request(), NOW + 2 * DAY_S + 1)
    with pytest.raises(RegistryError, match="1 to 7 days"):
        registry.add("Green room", NOW, days=8)


def test_a_code_is_good_for_its_own_room_only(registry: Registry, authority: Authority) -> None:
    code = registry.add("Blue room", NOW).code
    registry.add("Green room", NOW)
    for device in ("green-room", "red-room", "blue-room.1", "", "+", "#"):
        with pytest.raises(RefusedError):
            registry.admit(authority, device, code, a_request(), NOW)


def rsa_request() -> bytes:
    key = rsa.generate_private_key(65537, 2048)
    return (
        x509.CertificateSigningRequestBuilder()
        .subject_name(x509.Name([]))
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
    )


def unproven_request() -> bytes:
    """A request whose signature was made over another."""
    asked = x509.load_pem_x509_csr(a_request()).public_bytes(serialization.Encoding.DER)
    return x509.load_der_x509_csr(asked[:-6] + bytes(6)).public_bytes(serialization.Encoding.PEM)


@pytest.mark.parametrize(
    "request_of", [rsa_request, unproven_request, lambda: b"", lambda: b"\xff\x00", lambda: a_request() * 20]
)
def test_a_request_that_proves_no_p256_key_uses_no_code_up(
    request_of: object, registry: Registry, authority: Authority
) -> None:
    assert callable(request_of)
    code = registry.add("Blue room", NOW).code
    with pytest.raises(RefusedError, match="signing request"):
        registry.admit(authority, "blue-room", code, request_of(), NOW)
    registry.admit(authority, "blue-room", code, a_request(), NOW)


def joined(registry: Registry, authority: Authority, room: str = "Blue room") -> Shown:
    """A room's certificate, as its unit shows it."""
    invited = registry.add(room, NOW)
    given = registry.admit(authority, invited.device, invited.code, a_request(), NOW)
    return shown_by(x509.load_pem_x509_certificate(given.pem.encode()).public_bytes(serialization.Encoding.DER))


def test_a_certificate_renews_from_its_sixtieth_day(registry: Registry, authority: Authority) -> None:
    shown = joined(registry, authority)
    assert registry.renew(authority, shown, a_request(), NOW + 59 * DAY_S, fresh=False) is None
    assert registry.renew(authority, shown, a_request(), NOW + 59 * DAY_S, fresh=True)
    later = registry.renew(authority, shown, a_request(), NOW + 60 * DAY_S, fresh=False)
    assert later
    assert later.ends == NOW + 150 * DAY_S


def test_an_ended_certificate_renews_for_a_year(registry: Registry, authority: Authority) -> None:
    shown = joined(registry, authority)
    assert registry.renew(authority, shown, a_request(), NOW + (90 + 365) * DAY_S, fresh=False)
    with pytest.raises(RefusedError, match="more than a year ago"):
        registry.renew(authority, shown, a_request(), NOW + (90 + 365) * DAY_S + 1, fresh=False)


def test_a_revoked_unit_cannot_renew(registry: Registry, authority: Authority) -> None:
    shown = joined(registry, authority)
    before = registry.changes()
    assert registry.revoke("Blue room", NOW).revoked == NOW
    assert registry.changes() > before
    assert len(registry.revoked_serials()) == 1
    with pytest.raises(RefusedError, match="was revoked"):
        registry.renew(authority, shown, a_request(), NOW, fresh=True)


def test_a_revoked_room_takes_a_new_unit_and_the_old_one_stays_out(registry: Registry, authority: Authority) -> None:
    old = joined(registry, authority)
    registry.revoke("blue-room", NOW)
    new = joined(registry, authority)
    assert [member.identity for member in registry.members(NOW)] == ["blue-room.2"]
    assert len(registry.revoked_serials()) == 1
    assert (old.name, new.name) == ("blue-room.1", "blue-room.2")
    assert registry.renew(authority, new, a_request(), NOW, fresh=True)
    with pytest.raises(RefusedError, match="was revoked"):
        registry.renew(authority, old, a_request(), NOW, fresh=True)


def test_a_room_in_use_takes_no_second_unit(registry: Registry, authority: Authority) -> None:
    joined(registry, authority)
    with pytest.raises(RegistryError, match="is in use"):
        registry.add("blue ROOM", NOW)


def test_a_code_that_was_lost_is_replaced(registry: Registry, authority: Authority) -> None:
    lost, code = registry.add("Blue room", NOW).code, registry.add("Blue room", NOW).code
    with pytest.raises(RefusedError, match="wrong code"):
        registry.admit(authority, "blue-room", lost, a_request(), NOW)
    registry.admit(authority, "blue-room", code, a_request(), NOW)


def test_a_revoked_rooms_code_is_dead(registry: Registry, authority: Authority) -> None:
    code = registry.add("Blue room", NOW).code
    registry.revoke("blue-room", NOW)
    with pytest.raises(RefusedError):
        registry.admit(authority, "blue-room", code, a_request(), NOW)


def test_a_room_gets_few_certificates_a_day(registry: Registry, authority: Authority) -> None:
    shown = joined(registry, authority)
    for _ in range(MOST_A_DAY - 1):
        assert registry.renew(authority, shown, a_request(), NOW, fresh=True)
    with pytest.raises(RefusedError, match="within a day"):
        registry.renew(authority, shown, a_request(), NOW, fresh=True)
    assert registry.renew(authority, shown, a_request(), NOW + DAY_S, fresh=True)


@pytest.mark.parametrize("name", ["hub", "", "red-room.1", "blue-room.2", "blue-room", ".1", "blue-room.01"])
def test_a_certificate_that_names_no_unit_of_ours_is_refused(
    name: str, registry: Registry, authority: Authority
) -> None:
    joined(registry, authority)
    with pytest.raises(RefusedError):
        registry.renew(authority, Shown(name, NOW + DAY_S), a_request(), NOW, fresh=True)


def test_a_hub_restored_from_a_backup_renews_certificates_that_it_has_forgotten(
    registry: Registry, authority: Authority, tmp_path: Path
) -> None:
    shown = joined(registry, authority)
    registry.close()
    shutil.copy(tmp_path / "hub.sqlite", tmp_path / "backup.sqlite")
    with closing(Registry(tmp_path / "hub.sqlite")) as before:
        later = before.renew(authority, shown, a_request(), NOW + 60 * DAY_S, fresh=False)
    assert later
    with closing(Registry(tmp_path / "backup.sqlite")) as restored:
        again = restored.renew(authority, Shown(shown.name, later.ends), a_request(), NOW + 120 * DAY_S, fresh=False)
    assert again
    assert again.ends == NOW + 210 * DAY_S


def test_what_is_not_a_room_cannot_be_revoked(registry: Registry) -> None:
    with pytest.raises(RegistryError, match="there is no room"):
        registry.revoke("nowhere", NOW)


@given(st.text(max_size=120))
def test_every_id_is_one_on_the_wire(room: str) -> None:
    try:
        assert re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?", as_id(room))
    except RegistryError as error:
        assert "no letter" in str(error)  # noqa: PT017  either is right


def test_ids_are_plain_letters() -> None:
    assert as_id("  Sala Azul Nº 2 (piso 1º) ") == "sala-azul-no-2-piso-1o"
    assert as_id("Übungsraum") == "ubungsraum"


def test_the_authority_is_made_once_and_its_key_is_for_nobody_else(tmp_path: Path) -> None:
    first = Authority(tmp_path / "a", "north", NOW)
    assert Authority(tmp_path / "a", "north", NOW + 1).fingerprint == first.fingerprint
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in (tmp_path / "a").iterdir()}
    assert modes == {"authority.pem": 0o600, "ca.pem": 0o644}
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o700
    key = serialization.load_pem_private_key((tmp_path / "a/authority.pem").read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    assert isinstance(key.curve, ec.SECP256R1)


def test_a_hub_in_1970_makes_no_authority(tmp_path: Path) -> None:
    with pytest.raises(AuthorityError, match="clock is wrong"):
        Authority(tmp_path, "north", 1000.0)


def test_a_damaged_authority_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "authority.pem").write_text("spoilt")
    with pytest.raises(AuthorityError, match="backup"):
        Authority(tmp_path, "north", NOW)
