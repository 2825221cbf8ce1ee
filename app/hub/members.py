"""A room unit as the clinic knows it: its id, its name, its code."""

import hashlib
import re
import secrets
import unicodedata
from dataclasses import dataclass

from app.hub.errors import RegistryError

LETTERS = "ABCDEFGHJKMNPQRSTVWXYZ23456789"
"""None that is easily taken for another; 16 of them are 78 bits."""
LONGEST_ID = 40


@dataclass(frozen=True, slots=True)
class Invitation:
    """What a room needs to join, once."""

    device: str
    name: str
    code: str
    ends: int
    """Seconds since 1970 UTC."""


@dataclass(frozen=True, slots=True)
class Member:
    """A room unit as the registry knows it; times in seconds since 1970 UTC."""

    device: str
    name: str
    joining: int
    revoked: int | None
    certificate_ends: int | None
    """None: it has not joined."""
    code_ends: int | None
    """None: there is no code that could be used."""
    locked: bool
    """Its code was tried too often."""

    @property
    def identity(self) -> str:
        """The name in its certificate, which brokers know it by."""
        return identity(self.device, self.joining)


def identity(device: str, joining: int) -> str:
    """The name in a room's certificate; the number tells the units apart that have had the room in turn."""
    return f"{device}.{joining}"


def as_id(room: str) -> str:
    """A room's name as an id of small letters, digits and hyphens. Raises RegistryError if nothing is left of it."""
    plain = unicodedata.normalize("NFKD", room).encode("ascii", "ignore").decode().lower()
    device = re.sub(r"[^a-z0-9]+", "-", plain)[:LONGEST_ID].strip("-")
    if not device:
        raise RegistryError(
            f"'{room}' has no letter from a to z and no digit, of which ids are made: add one", "room_name_wrong"
        )
    return device


def new_code() -> str:
    """A code that nobody has had, in groups of four."""
    return "-".join("".join(secrets.choice(LETTERS) for _ in range(4)) for _ in range(4))


def code_hash(code: str) -> str:
    """SHA-256 of a code, however it was typed; it is random enough to need no salt."""
    return hashlib.sha256(re.sub(r"[^A-Z0-9]", "", code.upper()).encode()).hexdigest()
