"""The clinic's own certificate authority: it says which rooms are the clinic's, and that the hub is the hub.

P-256 and SHA-256 throughout (RFC 5280, RFC 5480). Dates begin where the authority's own begin, so that a hub's clock
set back shuts nobody out, but for those that browsers look at; they end by the hub's clock.
"""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from app.hub.errors import AuthorityError, RequestError

BEGIN = datetime(2025, 1, 1, tzinfo=UTC)
"""From when certificates hold: before any hub was made."""
EARLIEST = datetime(2026, 1, 1, tzinfo=UTC)
"""A clock before this is wrong."""
AUTHORITY_DAYS = 20 * 365
ROOM_DAYS = 90
SERVER_DAYS = 397
PAGE_DAYS = 395
"""From begin to end; browsers take about a year, and Apple's no more than 825 days."""
SKEW = timedelta(days=2)
"""How far a browser's clock may be behind."""
HUB = "hub"
"""The hub's own name at its broker; no room can have it, as theirs have a dot."""
LARGEST_REQUEST = 4096
"""Bytes of a signing request; one of ours has about 400."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """A room's certificate as issued."""

    serial: str
    """Hexadecimal."""
    key: str
    """SHA-256 of its public key, hexadecimal."""
    ends: int
    """Seconds since 1970 UTC."""
    pem: str


@dataclass(frozen=True, slots=True)
class Shown:
    """A certificate of ours that a unit has shown."""

    name: str
    ends: int
    """Seconds since 1970 UTC."""


class Authority:
    """The authority whose key lies in this folder, made there if there is none. Raises AuthorityError."""

    def __init__(self, folder: Path, clinic: str, now: float) -> None:
        file = folder / "authority.pem"
        try:
            for each in (folder.parent, folder):
                each.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not file.exists():
                _found(file, clinic, now)
            pem = file.read_bytes()
            self._key = _private_key(pem)
            self._certificate = x509.load_pem_x509_certificate(pem)
            self.file = folder / "ca.pem"
            """Its certificate, for all to read."""
            self.pem = _text(self._certificate)
            write_secret(self.file, self.pem, mode=0o644)
        except OSError as error:
            raise AuthorityError(
                f"the clinic's authority in {folder} cannot be used ({error.strerror}): mend its folder"
            ) from error
        except (ValueError, UnsupportedAlgorithm) as error:
            raise AuthorityError(f"{file} is damaged: put it back from a backup") from error

    @property
    def fingerprint(self) -> str:
        """SHA-256 of its certificate, hexadecimal: what a room is given to know the hub by."""
        return self._certificate.fingerprint(hashes.SHA256()).hex()

    @property
    def name(self) -> str:
        """As systems list it among those they trust."""
        return str(self._certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)

    @property
    def der(self) -> bytes:
        """Its certificate in the form in which the file's own SHA-256 is the fingerprint."""
        return self._certificate.public_bytes(serialization.Encoding.DER)

    def admit(self, request: bytes, name: str, now: float) -> Certificate:
        """A room's certificate for the key that this signing request (PEM) proves. Raises RequestError."""
        key = requested_key(request)
        certificate = self._sign(self._begin(name, key, now, ROOM_DAYS, ExtendedKeyUsageOID.CLIENT_AUTH, [name]))
        return Certificate(
            f"{certificate.serial_number:x}",
            key_hash(key),
            int(certificate.not_valid_after_utc.timestamp()),
            _text(certificate),
        )

    def server_certificate(self, names: Sequence[str], now: float) -> str:
        """A fresh key and a certificate for these names and addresses, PEM: a broker's, the joining's."""
        return self._issue(names[0], names, now, ExtendedKeyUsageOID.SERVER_AUTH)

    def page_certificate(self, names: Sequence[str], now: float) -> str:
        """The same for browsers, who know what day it is, and want certificates that begin lately."""
        begins = _at(now) - SKEW
        return self._issue(names[0], names, now, ExtendedKeyUsageOID.SERVER_AUTH, PAGE_DAYS - SKEW.days, begins)

    def hub_certificate(self, now: float) -> str:
        """A fresh key and a certificate by which the hub is known to its broker, PEM."""
        return self._issue(HUB, [HUB], now, ExtendedKeyUsageOID.CLIENT_AUTH)

    def revocations(self, serials: Iterable[str], now: float) -> str:
        """The list of revoked certificates, PEM; good until the next one."""
        begin = _at(now)
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self._certificate.subject)
            .last_update(BEGIN)
            .next_update(self._certificate.not_valid_after_utc)
        )
        for serial in sorted(serials):
            revoked = x509.RevokedCertificateBuilder().serial_number(int(serial, 16)).revocation_date(begin).build()
            builder = builder.add_revoked_certificate(revoked)
        signed = builder.sign(self._key, hashes.SHA256())
        return signed.public_bytes(serialization.Encoding.PEM).decode()

    def _issue(
        self,
        name: str,
        names: Sequence[str],
        now: float,
        usage: x509.ObjectIdentifier,
        days: int = SERVER_DAYS,
        begins: datetime = BEGIN,
    ) -> str:
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._sign(self._begin(name, key.public_key(), now, days, usage, names, begins))
        return _key_text(key) + _text(certificate)

    def _begin(
        self,
        name: str,
        key: ec.EllipticCurvePublicKey,
        now: float,
        days: int,
        usage: x509.ObjectIdentifier,
        names: Sequence[str],
        begins: datetime = BEGIN,
    ) -> x509.CertificateBuilder:
        ends = min(_at(now) + timedelta(days=days), self._certificate.not_valid_after_utc)
        return (
            _certificate(_name(name), self._certificate.subject, key, ends, begins)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage("digital_signature"), critical=True)
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
            .add_extension(x509.SubjectAlternativeName([_alternative(each) for each in names]), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
        )

    def _sign(self, builder: x509.CertificateBuilder) -> x509.Certificate:
        return builder.sign(self._key, hashes.SHA256())


def requested_key(request: bytes) -> ec.EllipticCurvePublicKey:
    """The key of a signing request (PEM), which must be P-256 and prove itself. Raises RequestError."""
    try:
        if len(request) > LARGEST_REQUEST:
            raise RequestError("the signing request is too long")
        asked = x509.load_pem_x509_csr(request)
        key = asked.public_key()
        proven = asked.is_signature_valid
    except (ValueError, UnsupportedAlgorithm) as error:
        raise RequestError("the signing request cannot be read") from error
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1) or not proven:
        raise RequestError("the signing request does not prove a P-256 key")
    return key


def key_hash(key: ec.EllipticCurvePublicKey) -> str:
    """SHA-256 of a public key, hexadecimal."""
    digest = hashes.Hash(hashes.SHA256())
    digest.update(key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo))
    return digest.finalize().hex()


def shown_by(certificate: bytes) -> Shown:
    """What a certificate of ours (DER) says; that it is ours, TLS has seen."""
    read = x509.load_der_x509_certificate(certificate)
    names = read.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return Shown(str(names[0].value) if names else "", int(read.not_valid_after_utc.timestamp()))


def in_pairs(fingerprint: str) -> str:
    """A fingerprint as browsers show it, to be compared by eye."""
    return ":".join(fingerprint[at : at + 2] for at in range(0, len(fingerprint), 2)).upper()


def write_secret(path: Path, text: str, mode: int = 0o600) -> None:
    """Write a file as a whole, with these permission bits from its first moment."""
    fresh = path.with_name(f"{path.name}.{os.getpid()}.new")
    handle = os.open(fresh, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, mode)
    with os.fdopen(handle, "w") as file:
        os.fchmod(handle, mode)
        file.write(text)
        file.flush()
        os.fsync(handle)
    fresh.replace(path)


def _found(file: Path, clinic: str, now: float) -> None:
    """Make the authority; of two makers one wins."""
    if _at(now) < EARLIEST:
        raise AuthorityError("this machine's clock is wrong: set it before the hub makes its certificates")
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name(f"Fermata {clinic}")
    certificate = (
        _certificate(name, name, key.public_key(), _at(now) + timedelta(days=AUTHORITY_DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage("key_cert_sign", "crl_sign"), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    unborn = file.with_name(f"unborn.{os.getpid()}")
    write_secret(unborn, _key_text(key) + _text(certificate))
    try:
        os.link(unborn, file)
    except FileExistsError:
        pass  # the other maker was quicker, and its authority is as good
    finally:
        unborn.unlink()


def _certificate(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, ends: datetime, begins: datetime = BEGIN
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
    )


def _usage(*uses: str) -> x509.KeyUsage:
    every = (
        *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement"),
        *("key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
    )
    return x509.KeyUsage(**{use: use in uses for use in every})


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _private_key(pem: bytes) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key(pem, None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError("not a P-256 key")  # noqa: TRY004  damaged, whatever the type
    return key


def _text(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _key_text(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def _at(now: float) -> datetime:
    return datetime.fromtimestamp(int(now), UTC)
