"""The padlock: the certificate that the page shows to browsers, the clinic's authority's or a given one, kept fresh."""

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from app.hub.authority import Authority, in_pairs, write_secret
from app.hub.errors import CertificateError
from app.hub.options import HubOptions, is_loopback
from app.hub.warden import RENEW_S

DAY_S = 86_400
SOON_S = 14 * DAY_S
"""A given certificate with so little left is told in the hub's log."""
Stamp = tuple[tuple[int, int, int] | None, ...]
"""By which a change of files is noticed: when written, how long, which; None where one is not there."""


@dataclass(frozen=True, slots=True)
class Badge:
    """What a certificate tells browsers; times in seconds since 1970 UTC."""

    names: tuple[str, ...]
    """Names, also such as *.clinic.example, and addresses."""
    begins: int
    ends: int
    issuer: str


class Padlock:
    """TLS of a page that is encrypted. Raises CertificateError; later on it says so to `notify` and keeps what it has.

    `now` is the hub's clock, seconds since 1970 UTC.
    """

    def __init__(self, options: HubOptions, authority: Authority, now: float, notify: Callable[[str], None]) -> None:
        self._options, self._authority, self._notify = options, authority, notify
        self.own = options.certificate is None
        """Whether the clinic's authority vouches for the page, which no browser knows by itself."""
        self._certificate = options.certificate or options.authority / "page.pem"
        self._key = options.key or self._certificate
        self._renew_at = now  # at once
        self._said: str | None = None
        self._renew(now)
        self._shown = self._seen = self._stamp()
        self.badge = read_badge(self._certificate, self._key, now)
        self._line = self._opened()
        self.context = _bare()
        self.context.sni_callback = self._show  # called at every handshake, named host or not

    @property
    def names(self) -> tuple[str, ...]:
        """By which the page may be asked."""
        return (*self.badge.names, *([self._options.address] if self._options.address else []))

    def follow(self, now: float) -> None:
        """Renew what is due, and take over files that were changed: those that stood still between two calls."""
        try:
            self._renew(now)
            stamp = self._stamp()
            if stamp != self._shown and stamp == self._seen:
                self.badge = read_badge(self._certificate, self._key, now)
                self._line = self._opened()
                self._shown = stamp
            self._seen = stamp
        except CertificateError as error:
            self._say(f"{error}; the page goes on with the one before")
            return
        soon = not self.own and self.badge.ends - now < SOON_S
        self._say(f"the page's certificate ends on {_day(self.badge.ends)}: renew it" if soon else None)

    def _renew(self, now: float) -> None:
        """Make a certificate anew: at each start, when it is due, and when the hub's clock was set back before it."""
        if not self.own or self._renew_at - RENEW_S - DAY_S <= now < self._renew_at:
            return
        try:
            write_secret(self._certificate, self._authority.page_certificate(self._options.names, now))
        except OSError as error:
            raise CertificateError(
                f"the page's certificate {self._certificate} cannot be written ({error.strerror}): look at its folder"
            ) from error
        self._renew_at = now + RENEW_S

    def _stamp(self) -> Stamp:
        return tuple(_stat(path) for path in (self._certificate, self._key))

    def _opened(self) -> ssl.SSLContext:
        context = _bare()
        try:
            context.load_cert_chain(self._certificate, self._key)
        except (ssl.SSLError, OSError) as error:
            raise CertificateError(
                f"the page's certificate {self._certificate} cannot be shown ({error.strerror}): give another"
            ) from error
        return context

    def _show(self, line: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
        line.context = self._line

    def _say(self, sentence: str | None) -> None:
        if sentence and sentence != self._said:
            self._notify(sentence)
        self._said = sentence


def fasten(options: HubOptions, authority: Authority, now: float, notify: Callable[[str], None]) -> Padlock | None:
    """The padlock of a page that needs one; whoever has to trust it is told by what to know it."""
    if not options.encrypted:
        return None
    padlock = Padlock(options, authority, now, notify)
    if padlock.own:
        known_by = in_pairs(authority.fingerprint)
        notify(f"browsers know the page by the clinic's authority, whose SHA-256 fingerprint is {known_by}")
    return padlock


def read_badge(certificate: Path, key: Path, now: float) -> Badge:
    """What a certificate says that fits its key and can be shown now. Raises CertificateError if it cannot."""
    try:
        first = x509.load_pem_x509_certificates(_bytes(certificate))[0]
    except ValueError as error:
        raise CertificateError(f"{certificate} holds no certificate in PEM: set hub.certificate to one") from error
    _check_key(certificate, first, key)
    badge = Badge(
        names=_names(first),
        begins=int(first.not_valid_before_utc.timestamp()),
        ends=int(first.not_valid_after_utc.timestamp()),
        issuer=_issuer(first),
    )
    if badge.ends <= now:
        raise CertificateError(f"the page's certificate {certificate} ended on {_day(badge.ends)}: renew it")
    if badge.begins > now:
        raise CertificateError(
            f"the page's certificate {certificate} begins on {_day(badge.begins)}: look at this machine's clock"
        )
    if not badge.names or not _for_servers(first):
        raise CertificateError(
            f"the certificate {certificate} names no host that a browser could ask (subjectAltName, serverAuth): "
            "have one made for a web server"
        )
    return badge


def page_url(options: HubOptions, port: int, names: tuple[str, ...] = ()) -> str:
    """Where browsers find the page; `names`: those of its certificate, where they are known."""
    host = options.host
    if not is_loopback(host):
        given = [name for name in names if options.certificate and not name.startswith("*")]
        host = next(iter(given), None) or options.address or host
    return f"{'https' if options.encrypted else 'http'}://{f'[{host}]' if ':' in host else host}:{port}/"


def _check_key(certificate: Path, first: x509.Certificate, key: Path) -> None:
    try:
        held = serialization.load_pem_private_key(_bytes(key), None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise CertificateError(
            f"{key} holds no private key in PEM that opens without a password: set hub.key to one"
        ) from error
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if held.public_key().public_bytes(*form) != first.public_key().public_bytes(*form):
        raise CertificateError(f"the key in {key} does not fit the certificate {certificate}: give the two of one pair")


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CertificateError(
            f"{path} for the page cannot be read ({error.strerror}): name a file that the hub's user may read"
        ) from error


def _names(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        told = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    addresses = [str(address) for address in told.get_values_for_type(x509.IPAddress)]
    return (*told.get_values_for_type(x509.DNSName), *addresses)


def _for_servers(certificate: x509.Certificate) -> bool:
    try:
        uses = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return True
    return ExtendedKeyUsageOID.SERVER_AUTH in uses


def _issuer(certificate: x509.Certificate) -> str:
    for part in (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME):
        if found := certificate.issuer.get_attributes_for_oid(part):
            return str(found[0].value)
    return certificate.issuer.rfc4514_string()


def _stat(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None  # it is being replaced, or the next reading says what is wrong
    return found.st_mtime_ns, found.st_size, found.st_ino


def _bare() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _day(moment: int) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%d}"
