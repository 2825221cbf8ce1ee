"""Where the hub is and how it is trusted: in the clear on this machine only, otherwise with certificates."""

import ssl
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from app.sync.trust import trust


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
            raise AddressError(
                f"{self.host} is another machine: let this unit join it (`fermata hub add-room` there), or set "
                "send.ca, send.certificate and send.key"
            )

    def trust(self) -> ssl.SSLContext | None:
        """How to tell the hub and be known to it; None in the clear. Raises AddressError."""
        if self.ca is None or self.certificate is None:
            return None
        try:
            return trust(self.ca.read_text(), self.certificate, self.key)
        except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
            raise AddressError(
                f"the certificate files of send cannot be used ({getattr(error, 'strerror', None) or error}): check "
                "send.ca, send.certificate and send.key, or let this room join again"
            ) from error


def is_loopback(host: str) -> bool:
    """Whether this host is this machine, as written: no name but localhost is looked up."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
