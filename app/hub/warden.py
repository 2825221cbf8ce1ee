"""The warden: keeps the certificates of hub and broker fresh, and tells brokers who may do what as rooms come and go.

Files in the hub's own folder: `ca.pem`; `broker.pem` and `hub.pem`, each a key and its certificate; `name`, with which
the hub's name at its broker ends, so that no room can push it out. A broker of the clinic's own finds what it needs in
another: `ca.pem`, `broker.pem`, `revoked.pem`, and last `rooms.acl`.
"""

import secrets
from collections.abc import Callable, Sequence
from pathlib import Path

from app.hub.authority import Authority, write_secret
from app.hub.broker import Shield
from app.hub.errors import AuthorityError
from app.hub.permits import Permit, mosquitto_acl, permits
from app.hub.registry import DAY_S, Registry

RENEW_S = 300 * DAY_S
"""Certificates of hub and broker are made anew at each start, and after so long."""


class Warden:
    """Certificates for these names, permits from this registry. Raises AuthorityError and StoreError."""

    def __init__(
        self,
        clinic: str,
        names: Sequence[str],
        authority: Authority,
        registry: Registry,
        folder: Path,
        shared: Path | None = None,
    ) -> None:
        self._clinic, self._names = clinic, names
        self._authority, self._registry = authority, registry
        self._shared = shared
        self._seen: int | None = None
        self._renew_at: float | None = None
        self.ca = authority.file
        self.broker = folder / "broker.pem"
        self.hub = folder / "hub.pem"
        self._name = folder / "name"

    def secret(self) -> str:
        """With what the hub's name at its broker ends; the same for as long as the folder."""
        if not self._name.exists():
            write_secret(self._name, f"-{secrets.token_hex(8)}")
        return self._name.read_text()

    def shield(self, host: str) -> Shield:
        """How a broker that listens there keeps strangers out; after the first `look`."""
        return Shield(host, self.ca, self.broker, self.hub)

    def look(self, now: float) -> list[Permit] | None:
        """Everybody's permits if they, or certificates, have changed since the last look; the files are then as new."""
        changes = self._registry.changes()
        if changes == self._seen and self._renew_at is not None and now < self._renew_at:
            return None
        try:
            if self._renew_at is None or now >= self._renew_at:
                write_secret(self.broker, self._authority.server_certificate(self._names, now))
                write_secret(self.hub, self._authority.hub_certificate(now))
                self._renew_at = now + RENEW_S
            members = self._registry.members(int(now))
            rooms = {member.identity: member.device for member in members if member.revoked is None}
            given = permits(self._clinic, rooms)
            if self._shared is not None:
                self._share(self._shared, given, now)
        except OSError as error:
            raise AuthorityError(
                f"{error.filename or 'a certificate'} cannot be written ({error.strerror}): look at its folder"
            ) from error
        self._seen = changes
        return given

    def _share(self, folder: Path, given: list[Permit], now: float) -> None:
        """Lay down what a broker of the clinic's own needs; its group may read it."""
        texts: dict[str, Callable[[], str]] = {
            "ca.pem": lambda: self._authority.pem,
            "broker.pem": self.broker.read_text,
            "revoked.pem": lambda: self._authority.revocations(self._registry.revoked_serials(), now),
            "rooms.acl": lambda: mosquitto_acl(given),
        }
        for name, text in texts.items():
            write_secret(folder / name, text(), mode=0o640)
