"""The journal: who did what on the pages and when; entries are added, read and, after two years, let go."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from sqlalchemy import Connection, delete, select

from app.hub.database import open_database, transaction
from app.hub.tables import JOURNAL

KEPT_S = 2 * 365 * 86_400
PAGE = 100
"""Entries that one page shows."""


class Deed(StrEnum):
    """What somebody did."""

    SIGNED_IN = "signed-in"
    REFUSED = "refused"
    SIGNED_OUT = "signed-out"
    FIRST_OWNER = "first-owner"
    PASSWORD_SET = "password-set"  # noqa: S105  a deed's name
    PERSON_ADDED = "person-added"
    PERSON_RESET = "person-reset"
    PERSON_DISABLED = "person-disabled"
    ROLE_CHANGED = "role-changed"
    ROOM_READ = "room-read"
    EXPORTED = "exported"
    CHANGED = "changed"
    ALERT_SEEN = "alert-seen"
    MAIL_TRIED = "mail-tried"
    TOKEN_ADDED = "token-added"  # noqa: S105  as above
    TOKEN_REVOKED = "token-revoked"  # noqa: S105


@dataclass(frozen=True, slots=True)
class By:
    """Who does something, and from which address."""

    who: str
    address: str


TERMINAL = By("", "terminal")
"""Whoever has the hub's own terminal."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the journal."""

    number: int
    at: int
    by: By
    what: str
    about: str


def enter(connection: Connection, at: int, by: By, what: Deed, about: str = "") -> None:
    """Add an entry in the transaction of what it tells of."""
    row = {"at": at, "who": by.who[:80], "address": by.address[:64], "what": what, "about": about[:500]}
    connection.execute(JOURNAL.insert().values(row))


class Journal:
    """The journal in the hub's database. Everything here raises StoreError."""

    def __init__(self, where: Path | str) -> None:
        self._engine = open_database(where)

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    def note(self, at: int, by: By, what: Deed, about: str = "") -> None:
        """Add an entry of its own."""
        with transaction(self._engine) as connection:
            enter(connection, at, by, what, about)

    def read(self, before: int | None = None) -> list[Entry]:
        """A page of entries, the newest first, or those older than an entry's number."""
        query = select(JOURNAL).order_by(JOURNAL.c.id.desc()).limit(PAGE)
        if before is not None:
            query = query.where(JOURNAL.c.id < before)
        with transaction(self._engine) as connection:
            rows = connection.execute(query).all()
        return [Entry(row.id, row.at, By(row.who, row.address), row.what, row.about) for row in rows]

    def forget(self, now: int) -> None:
        """Let go of what is older than two years."""
        with transaction(self._engine) as connection:
            connection.execute(delete(JOURNAL).where(JOURNAL.c.at < now - KEPT_S))
