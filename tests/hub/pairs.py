"""Certificates with their keys, of any kind that a clinic might give its hub, and what a page shows at a handshake."""

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


def a_pair(
    folder: Path,
    now: float,
    names: tuple[str, ...] = ("page.clinic.example",),
    days: tuple[int, int] = (-1, 90),
    *,
    of_rsa: bool = False,
    server: bool = True,
    password: bytes | None = None,
) -> tuple[Path, Path]:
    """The files of a certificate that holds from so many days before or after `now` on, and of its key."""
    folder.mkdir(exist_ok=True)
    key: Key = rsa.generate_private_key(65537, 2048) if of_rsa else ec.generate_private_key(ec.SECP256R1())
    begins, ends = (datetime.fromtimestamp(now, UTC) + timedelta(days=day) for day in days)
    whose = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "A known authority")])
    builder = (
        x509.CertificateBuilder()
        .subject_name(whose)
        .issuer_name(whose)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName([_named(name) for name in names]), critical=False)
    usage = ExtendedKeyUsageOID.SERVER_AUTH if server else ExtendedKeyUsageOID.CLIENT_AUTH
    builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
    closed = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    certificate, secret = folder / "page.crt", folder / "page.key"
    secret.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, closed))
    certificate.write_bytes(builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    return certificate, secret


def shown(context: ssl.SSLContext, most: ssl.TLSVersion = ssl.TLSVersion.MAXIMUM_SUPPORTED) -> x509.Certificate:
    """The certificate that a server of this context shows, by a handshake in memory. Raises ssl.SSLError."""
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    if most is not ssl.TLSVersion.MAXIMUM_SUPPORTED:
        client.set_ciphers("ALL:@SECLEVEL=0")  # this browser would take anything
        client.minimum_version = client.maximum_version = most
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    browser, page = client.wrap_bio(down, up), context.wrap_bio(up, down, server_side=True)
    for _ in range(4):
        for side in (browser, page):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    found = browser.getpeercert(binary_form=True)
    assert found
    return x509.load_der_x509_certificate(found)


def _named(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)
