"""A door of a clinic's own, as a server in a thread, at a time of the test's choosing."""

import asyncio
import socket
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from app.hub.authority import Authority, write_secret
from app.hub.door import Door, door_context
from app.hub.listening import door_server
from app.hub.registry import Registry
from app.hub.throttle import Throttle
from tests.hub.hubs import wait_until


class OpenDoor:
    """Authority, registry and door; `now` is the hub's clock, `said` its log."""

    def __init__(self, folder: Path, names: tuple[str, ...] = ("127.0.0.1", "localhost"), each: int = 1000) -> None:
        folder.mkdir()
        self.now = time.time()
        self.said: list[str] = []
        self.authority = Authority(folder / "authority", "north", time.time())
        self.registry = Registry(folder / "hub.sqlite")
        self.certificate = folder / "door.pem"
        write_secret(self.certificate, self.authority.server_certificate(names, self.now))
        throttle = Throttle(each, 1000)
        app = Door(self.registry, self.authority, self.said.append, lambda: self.now, throttle).app()
        self.context = door_context(self.authority.file, self.certificate)
        self._server = door_server(app, self.context)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._socket.getsockname()[1])
        self._thread = Thread(target=lambda: asyncio.run(self._server.serve(sockets=[self._socket])))
        self._thread.start()
        wait_until(lambda: self._server.started)

    def show(self, certificate: str) -> None:
        """Show this certificate (with its key, PEM) from now on."""
        write_secret(self.certificate, certificate)
        self.context.load_cert_chain(self.certificate)

    def close(self) -> None:
        self._server.should_exit = True
        self._thread.join()
        self._socket.close()
        self.registry.close()


def dated(authority: Authority, like: Path, begins: float, ends: float) -> str:
    """A key, and a certificate like this one but for its dates, PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    good = x509.load_pem_x509_certificate(like.read_bytes())
    builder = (
        x509.CertificateBuilder()
        .subject_name(good.subject)
        .issuer_name(good.issuer)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(datetime.fromtimestamp(begins, UTC))
        .not_valid_after(datetime.fromtimestamp(ends, UTC))
    )
    for extension in good.extensions:
        builder = builder.add_extension(extension.value, extension.critical)
    return (
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + builder.sign(authority._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    ).decode()


def self_signed(folder: Path, name: str) -> Path:
    """A key and a certificate that nobody vouches for, in one file."""
    key, certificate, both = (folder / part for part in ("key", "certificate", "both"))
    made = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "9"]
    whose = ["-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}"]
    subprocess.run([*made, *whose, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    both.write_text(key.read_text() + certificate.read_text())
    return both
