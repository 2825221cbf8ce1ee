"""What the hub is told at its start, checked once."""

import ipaddress
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from app.hub.database import check_url
from app.hub.errors import HubError

CLINIC = re.compile(r"[a-z0-9-]{1,48}")


@dataclass(frozen=True, slots=True)
class HubOptions:
    """How one hub runs. Raises HubError when an option cannot be served."""

    clinic: str
    """The clinic's id in topics: a-z, 0-9 and hyphen."""
    state: Path
    """The folder that holds everything the hub keeps: database, broker's store, lock."""
    host: str = "127.0.0.1"
    """Where the page listens; loopback only until there are accounts."""
    port: int = 8720
    """The page's port; 0 takes any free one."""
    mqtt_port: int = 1883
    """The embedded broker's port on loopback; 0 takes any free one."""
    therapists: int = 0
    """How many therapists the clinic has declared; below five, conversation metrics are off."""
    owner_agreed: bool = False
    """The owner has recorded that the therapists of a small clinic agree to see its metrics."""
    database: str | None = None
    """A PostgreSQL of the clinic's own, postgresql://user@host/name; None keeps a file in the state folder."""
    broker_url: str | None = None
    """A broker of the clinic's own, mqtt://host:port; None starts the embedded one."""

    def __post_init__(self) -> None:
        if not CLINIC.fullmatch(self.clinic):
            raise HubError(
                f"the clinic's id {self.clinic!r} may only have a-z, 0-9 and hyphens, at most 48: choose another"
            )
        if not is_loopback(self.host):
            raise HubError(f"the page has no accounts yet, so it may not listen on {self.host}: use 127.0.0.1")
        for name, port in (("page", self.port), ("broker", self.mqtt_port)):
            if not 0 <= port <= 65535:
                raise HubError(f"the {name}'s port {port} does not exist: use 1 to 65535, or 0 for any free one")
        if self.therapists < 0:
            raise HubError(f"{self.therapists} therapists cannot be: declare 0 or more")
        if self.database is not None:
            check_url(self.database)
        if self.broker_url is not None:
            self.broker_address()

    def broker_address(self) -> tuple[str, int]:
        """Host and port of the broker to use."""
        if self.broker_url is None:
            return "127.0.0.1", self.mqtt_port
        url = urlsplit(self.broker_url)
        if url.scheme != "mqtt" or not url.hostname:
            raise HubError(f"{self.broker_url} is no broker we can use yet: it must be mqtt://127.0.0.1:PORT")
        if not is_loopback(url.hostname):
            raise HubError(
                f"plain MQTT to {url.hostname} would cross the network unprotected: use a broker on 127.0.0.1"
            )
        return url.hostname, url.port or 1883


def is_loopback(host: str) -> bool:
    """Whether a host is this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
