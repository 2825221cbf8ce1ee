"""Where the hub is and how it is trusted: in the clear on this machine only, otherwise with certificates."""

import ssl
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path


class AddressError(ValueError):
    """Settings with which the hub cannot be reached safely; says what to set."""


@dataclass(frozen=True, slots=True)
class Address:
    """The hub's broker. Raises AddressError unless it is on this machine or all three files are given."""

    host: str
    port: int
    ca: Path | None = None
    """Certificate of the clinic's authority."""
    certificate: Path | None = None
    """This unit's certificate."""
    key: Path | None = None
    """This unit's private key."""

    def __post_init__(self) -> None:
        if not self.host or not 1 <= self.port <= 65535:
            raise AddressError(f"'{self.host}:{self.port}' is no address: set send.host and send.port")
        files = (self.ca, self.certificate, self.key)
        if any(files) and not all(files):
            raise AddressError("send.ca, send.certificate and send.key belong together: set all three or none")
        if not any(files) and not is_loopback(self.host):
            raise AddressError(f"{self.host} is another machine: set send.ca, send.certificate and send.key")

    def trust(self) -> ssl.SSLContext | None:
        """TLS 1.2 or later with both sides' certificates; None in the clear. Raises AddressError."""
        if self.ca is None or self.certificate is None:
            return None
        try:
            context = ssl.create_default_context(cafile=str(self.ca))
            context.minimum_version = ssl.TLSVersion.TLSv1_2
            context.load_cert_chain(self.certificate, self.key)
        except OSError as error:  # ssl.SSLError is one
            raise AddressError(
                f"the certificate files of send cannot be used ({error.strerror or error}): check send.ca, "
                "send.certificate and send.key"
            ) from error
        return context


def is_loopback(host: str) -> bool:
    """Whether this host is this machine, as written: no name but localhost is looked up."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
