"""The tokens by which programs read the hub: made for a purpose, shown once, kept as hashes, ended by themselves."""

import secrets
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, or_, select, update

from app.hub.accounts import Role
from app.hub.database import open_database, transaction, writing
from app.hub.errors import TokenError
from app.hub.journal import By, Deed, enter
from app.hub.people import hashed
from app.hub.tables import TOKENS

DAY_S, HOUR_S = 86_400, 3600
MOST_DAYS = 366
LONGEST_NAME = 60
PREFIX = "fermata_"
"""By it those who search for lost secrets know one."""
LONGEST = 100
"""Letters; a text with more is no token."""


class Scope(StrEnum):
    """What a token may read."""

    HEALTH = "health"
    """Devices and alerts."""
    NUMBERS = "numbers"
    """What the clinic's page shows of conversations, and how rooms are."""


ROLES = {Scope.HEALTH: Role.TECH, Scope.NUMBERS: Role.VIEWER}
"""As whom a program with such a token comes."""


@dataclass(frozen=True, slots=True)
class Token:
    """A token as the hub knows it; times in seconds since 1970 UTC."""

    id: int
    name: str
    scope: Scope
    made: int
    made_by: str
    """Empty: at the hub's terminal."""
    ends: int
    revoked: int | None
    used: int | None
    """When last, to the hour."""

    def good(self, now: int) -> bool:
        """Whether it still opens."""
        return self.revoked is None and now < self.ends


class Tokens:
    """The tokens in the hub's database. Everything here raises StoreError, every change TokenError."""

    def __init__(self, where: Path | str) -> None:
        self._engine = open_database(where)

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    def all(self) -> list[Token]:
        """Every token that was made, the newest first."""
        with transaction(self._engine) as connection:
            return [_token(row) for row in connection.execute(select(TOKENS).order_by(TOKENS.c.id.desc()))]

    def add(self, name: str, scope: Scope, days: int, now: int, by: By) -> str:
        """Make a token; what its program must show, told only here."""
        wanted = " ".join(name.split())
        if not wanted or len(wanted) > LONGEST_NAME or not wanted.isprintable():
            raise TokenError(f"a token's name has 1 to {LONGEST_NAME} letters that can be printed", "token_name_wrong")
        if not 1 <= days <= MOST_DAYS:
            raise TokenError(f"a token is good for 1 to {MOST_DAYS} days", "token_days_wrong")
        secret = PREFIX + secrets.token_urlsafe(32)
        with writing(self._engine) as connection:
            if _live(connection, TOKENS.c.name == wanted, now):
                raise TokenError(f"there is a token '{wanted}' already: choose another name", "token_name_taken")
            row = {"name": wanted, "role": scope, "sha256": hashed(secret), "made": now, "made_by": by.who}
            connection.execute(TOKENS.insert().values(**row, ends=now + days * DAY_S))
            enter(connection, now, by, Deed.TOKEN_ADDED, f"{wanted}: {scope}, {days} d")
        return secret

    def revoke(self, token: str | int, now: int, by: By) -> None:
        """End a token that still opens, by its name or number, at once."""
        which = TOKENS.c.id == token if isinstance(token, int) else TOKENS.c.name == " ".join(token.split())
        with writing(self._engine) as connection:
            found = _live(connection, which, now)
            if found is None:
                raise TokenError(
                    f"there is no token '{token}' that still opens: `fermata hub token list` shows all", "token_unknown"
                )
            connection.execute(update(TOKENS).where(TOKENS.c.id == found.id).values(revoked=now))
            enter(connection, now, by, Deed.TOKEN_REVOKED, found.name)

    def shown(self, secret: str, now: int) -> Token | None:
        """The token that somebody shows, good or ended; None for what never was one."""
        if not secret.startswith(PREFIX) or len(secret) > LONGEST:
            return None
        with transaction(self._engine) as connection:
            row = connection.execute(select(TOKENS).where(TOKENS.c.sha256 == hashed(secret))).one_or_none()
            if row is None or row.role not in set(Scope):
                return None
            token = _token(row)
            if token.good(now) and not 0 <= now - (token.used or 0) < HOUR_S:
                connection.execute(update(TOKENS).where(TOKENS.c.id == token.id).values(used=now - now % HOUR_S))
        return token

    def note_read(self, token: int, day: str, now: int, by: By) -> None:
        """Write in the journal that numbers were read by a token, once a day."""
        unread = or_(TOKENS.c.read_on.is_(None), TOKENS.c.read_on != day)
        with writing(self._engine) as connection:
            if connection.execute(update(TOKENS).where(TOKENS.c.id == token, unread).values(read_on=day)).rowcount:
                enter(connection, now, by, Deed.EXPORTED, "api/v1/clinic")


def _live(connection: Connection, which: ColumnElement[bool], now: int) -> Row[Any] | None:
    """The token of this name or number, if it still opens."""
    good = (TOKENS.c.revoked.is_(None), TOKENS.c.ends > now)
    return connection.execute(select(TOKENS).where(which, *good)).first()


def _token(row: Row[Any]) -> Token:
    told = {name: row._mapping[name] for name in Token.__dataclass_fields__ if name != "scope"}  # noqa: SLF001  SQLAlchemy's public name
    return Token(**told, scope=Scope(row.role))
