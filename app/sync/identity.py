"""What this unit is known by: its own key, which never leaves it, and the certificate that the clinic gave it.

Files of one folder that only `send` can read: `unit.pem` is key and certificate, changed as one; `ca.pem` the clinic's
authority; `joining.key` a key whose certificate is still on its way; `code` a hash of the code last used.
"""

import hashlib
import os
import re
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from app.durable import DurableError, as_durable


class Identity:
    """The files in this folder. Raises DurableError."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.ca = folder / "ca.pem"
        self.unit = folder / "unit.pem"
        self._joining = folder / "joining.key"
        self._code = folder / "code"

    @property
    def there(self) -> bool:
        """Whether this unit has joined."""
        with as_durable(self._folder):
            return self.unit.exists() and self.ca.exists()

    def ends(self) -> int:
        """When its certificate ends, seconds since 1970 UTC."""
        with as_durable(self.unit):
            pem = self.unit.read_bytes()
        try:
            return int(x509.load_pem_x509_certificate(pem).not_valid_after_utc.timestamp())
        except ValueError:
            raise DurableError(f"{self.unit} is damaged: remove it and add this room again at the hub") from None

    def has_used(self, code: str) -> bool:
        """Whether this is the code that it joined by."""
        with as_durable(self._code):
            return self._code.exists() and self._code.read_text() == _hash(code)

    def request(self) -> bytes:
        """A signing request for the key that it joins with, PEM; the same key until it has joined."""
        with as_durable(self._folder):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not self._joining.exists():
                _write(self._joining, new_key())
            return signing_request(self._joining.read_text())

    def keep(self, ca: str, certificate: str, code: str) -> None:
        """Take what the hub gave for the key of the last request, as a whole: cut off before its end, it asks again."""
        with as_durable(self._folder):
            unit = matching(self._joining.read_text(), certificate, ca)
            _write(self.ca, ca)
            _write(self.unit, unit)
            _write(self._code, _hash(code))
            self._joining.unlink()

    def renew(self, key: str, certificate: str) -> None:
        """Change to this key and its certificate, both at once."""
        with as_durable(self._folder):
            _write(self.unit, matching(key, certificate, self.ca.read_text()))


def new_key() -> str:
    """A P-256 key, PEM."""
    return (
        ec.generate_private_key(ec.SECP256R1())
        .private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        .decode()
    )


def signing_request(key: str) -> bytes:
    """A signing request (PEM, RFC 2986) that proves a key and says nothing else: the hub knows who we are."""
    signer = _load(key)
    request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(signer, hashes.SHA256())
    return request.public_bytes(serialization.Encoding.PEM)


def matching(key: str, certificate: str, ca: str) -> str:
    """Key and certificate in one. Raises DurableError if they are not for each other, or not from this authority."""
    try:
        given = x509.load_pem_x509_certificate(certificate.encode())
        given.verify_directly_issued_by(x509.load_pem_x509_certificate(ca.encode()))
        ours = given.public_key() == _load(key).public_key()
    except (ValueError, TypeError, InvalidSignature):
        ours = False
    if not ours:
        raise DurableError("the hub gave a certificate that is not for this unit's key: look at the hub")
    return key + certificate


def fingerprint(ca: str) -> str:
    """SHA-256 of a certificate (PEM), hexadecimal. Raises ValueError if it is none."""
    return x509.load_pem_x509_certificate(ca.encode()).fingerprint(hashes.SHA256()).hex()


def _load(key: str) -> ec.EllipticCurvePrivateKey:
    try:
        loaded = serialization.load_pem_private_key(key.encode(), None)
    except ValueError:
        loaded = None
    if not isinstance(loaded, ec.EllipticCurvePrivateKey):
        raise DurableError("this unit's key is damaged: remove it and add this room again at the hub")
    return loaded


def _hash(code: str) -> str:
    return hashlib.sha256(re.sub(r"[^A-Z0-9]", "", code.upper()).encode()).hexdigest()


def _write(path: Path, text: str) -> None:
    """Write a file as a whole and to the disk, for nobody else to read."""
    fresh = path.with_name(f"{path.name}.new")
    handle = os.open(fresh, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as file:
        os.fchmod(handle, 0o600)
        file.write(text)
        file.flush()
        os.fsync(handle)
    fresh.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
