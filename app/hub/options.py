"""What the hub is told at its start, checked once."""

import ipaddress
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from app.hub.database import check_url
from app.hub.errors import HubError
from app.hub.mail import MailOptions

CLINIC = re.compile(r"[a-z0-9-]{1,48}")
HOST = re.compile(r"[A-Za-z0-9.-]{1,253}|[0-9a-fA-F:]{2,45}")


@dataclass(frozen=True, slots=True)
class HubOptions:
    """How one hub runs. Raises HubError when an option cannot be served."""

    clinic: str
    """The clinic's id in topics: a-z, 0-9 and hyphen."""
    state: Path
    """The folder that holds everything the hub keeps: database, broker's store, lock."""
    host: str = "127.0.0.1"
    """Where the page listens; beyond this machine only over TLS, its passwords would cross a network in the clear."""
    port: int = 8720
    """The page's port; 0 takes any free one."""
    mqtt_port: int = 1883
    """The embedded broker's port; 0 takes any free one."""
    address: str | None = None
    """Name or address by which rooms reach this hub, by certificates; None: they are on this machine, in the clear."""
    certificate: Path | None = None
    """A certificate for the page with its chain, PEM; None: the clinic's authority makes one where it is needed."""
    key: Path | None = None
    """Its private key, PEM; None: it is in the certificate's file."""
    door_port: int = 8721
    """The port where rooms join; 0 takes any free one."""
    broker_files: Path | None = None
    """Folder for what a broker of the clinic's own must know: certificates, and who may do what."""
    therapists: int = 0
    """How many therapists there are, until an owner declares it on a page; below five, conversation metrics are off."""
    owner_agreed: bool = False
    """That the therapists of a small clinic agree to its metrics, until an owner says otherwise on a page."""
    database: str | None = None
    """A PostgreSQL of the clinic's own, postgresql://user@host/name; None keeps a file in the state folder."""
    broker_url: str | None = None
    """A broker of the clinic's own, mqtt://host:port; None starts the embedded one."""

    mail: MailOptions | None = None
    """How alerts are mailed; None: they are on the page only."""

    rehearsal: bool = False
    """Let anybody on this machine look, as long as the hub holds nothing but rehearsals and knows nobody by name."""

    def __post_init__(self) -> None:
        if not CLINIC.fullmatch(self.clinic):
            raise HubError(
                f"the clinic's id {self.clinic!r} may only have a-z, 0-9 and hyphens, at most 48: choose another"
            )
        self._check_page()
        if self.address is not None and not HOST.fullmatch(self.address):
            raise HubError(
                f"{self.address!r} is no name or address by which rooms could reach this hub: set hub.address"
            )
        if self.broker_files is not None and self.address is None:
            raise HubError("a broker of the clinic's own needs certificates for a name: set hub.address")
        for name, port in (("page", self.port), ("broker", self.mqtt_port), ("door", self.door_port)):
            if not 0 <= port <= 65535:
                raise HubError(f"the {name}'s port {port} does not exist: use 1 to 65535, or 0 for any free one")
        if self.therapists < 0:
            raise HubError(f"{self.therapists} therapists cannot be: declare 0 or more")
        if self.database is not None:
            check_url(self.database)
        if self.broker_url is not None:
            self.broker_address()

    def _check_page(self) -> None:
        if not HOST.fullmatch(self.host):
            raise HubError(f"{self.host!r} is no name or address where the page could listen: set hub.host")
        if self.rehearsal and not is_loopback(self.host):
            raise HubError(f"at a rehearsal anybody may look, so the page may not listen on {self.host}: use 127.0.0.1")
        if self.key is not None and self.certificate is None:
            raise HubError("hub.key is a key without its certificate: set hub.certificate beside it")
        if not is_loopback(self.host) and self.certificate is None and self.address is None:
            raise HubError(
                f"the page is not encrypted, so it may not listen on {self.host}: "
                "set hub.address or hub.certificate beside it, or use 127.0.0.1"
            )

    @property
    def encrypted(self) -> bool:
        """Whether the page speaks TLS: wherever it leaves this machine, and with a given certificate."""
        return self.certificate is not None or not is_loopback(self.host)

    @property
    def where(self) -> Path | str:
        """The database: a file, or the URL of a PostgreSQL."""
        return self.database or self.state / "hub.sqlite"

    @property
    def authority(self) -> Path:
        """Folder of the clinic's certificate authority."""
        return self.state / "authority"

    @property
    def outward(self) -> str:
        """Where broker and door listen for rooms."""
        if self.address is None or is_loopback(self.address):
            return "127.0.0.1"
        return "::" if ":" in self.address else "0.0.0.0"  # noqa: S104  certificates guard it

    @property
    def guarded(self) -> bool:
        """Whether the hub itself shows a certificate to its broker."""
        return self.address is not None and (self.broker_url is None or self.broker_url.startswith("mqtts:"))

    @property
    def names(self) -> list[str]:
        """The names and addresses of the hub that its certificates are for, the outward one first."""
        own = [self.address or "localhost", "localhost", "127.0.0.1", "::1"]
        return list(dict.fromkeys([*own, self.broker_address()[0]]))

    def broker_address(self) -> tuple[str, int]:
        """Host and port of the broker to use."""
        if self.broker_url is None:
            return "127.0.0.1", self.mqtt_port
        url = urlsplit(self.broker_url)
        if url.scheme == "mqtts" and url.hostname and self.address is not None:
            return url.hostname, url.port or 8883
        if url.scheme != "mqtt" or not url.hostname:
            raise HubError(
                f"{self.broker_url} is no broker we can use: it must be mqtt://127.0.0.1:PORT, or mqtts://HOST:PORT "
                "with hub.address set"
            )
        if not is_loopback(url.hostname):
            raise HubError(
                f"plain MQTT to {url.hostname} would cross the network unprotected: use mqtts, or a broker on 127.0.0.1"
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
