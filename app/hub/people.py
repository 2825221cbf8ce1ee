"""The people who may sign in, who of them is signed in, and their one-time links, in the hub's database."""

import re
import secrets
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from sqlalchemy import ColumnElement, Connection, delete, func, or_, select, update

from app.hub.accounts import Role
from app.hub.database import open_database, transaction, writing
from app.hub.errors import AccountError
from app.hub.journal import By, Deed, enter
from app.hub.tables import ACCOUNTS, LINKS, VISITS

IDLE_S = 30 * 60
"""A visit in which nothing is asked for so long is over."""
LONGEST_S = 12 * 3600
"""No visit is longer."""
SEEN_S = 60
"""How exactly it is known when a visit was last used."""
LINK_S = 3 * 86_400
"""How long a one-time link is good."""
NAME = re.compile(r"[\w.@+-]{1,80}")
ROLES = (Role.OWNER, Role.MANAGER, Role.AUDITOR, Role.TECH)
"""What somebody with an account can be."""


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who may sign in."""

    name: str
    role: Role
    added: int
    disabled: bool
    waiting: bool
    """A one-time link waits to be used; there is no password."""


def as_name(text: str) -> str:
    """A name to sign in by, as it is kept. Raises AccountError."""
    wanted = text.strip().casefold()
    if not NAME.fullmatch(wanted):
        raise AccountError(
            "a name to sign in by may have letters, digits and . @ + - _, at most 80: choose another", "name_wrong"
        )
    return wanted


class People:
    """The people in the hub's database. Everything here raises StoreError, every change AccountError."""

    def __init__(self, where: Path | str) -> None:
        self._engine = open_database(where)

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    def accounts(self) -> list[Account]:
        """Everybody, by name."""
        with transaction(self._engine) as connection:
            rows = connection.execute(select(ACCOUNTS).order_by(ACCOUNTS.c.name)).all()
        return [
            Account(row.name, Role(row.role), row.added, row.disabled is not None, row.password is None) for row in rows
        ]

    def first_link(self, now: int) -> str | None:
        """A fresh one-time code for the first owner, the only one that is good; None if there is an owner."""
        with writing(self._engine) as connection:
            if _owners(connection):
                return None
            connection.execute(delete(LINKS).where(LINKS.c.name.is_(None)))
            return _link(connection, None, now)

    def add(self, name: str, role: Role, now: int, by: By) -> str:
        """Let somebody in; the one-time code by which they choose their password."""
        name = as_name(name)
        with writing(self._engine) as connection:
            if role not in ROLES:
                raise AccountError(f"nobody can be a {role}: choose {', '.join(ROLES)}")
            if connection.execute(select(ACCOUNTS.c.name).where(ACCOUNTS.c.name == name)).first():
                raise AccountError(f"there is a '{name}' already: choose another name", "name_taken")
            connection.execute(ACCOUNTS.insert().values(name=name, role=role, added=now))
            enter(connection, now, by, Deed.PERSON_ADDED, f"{name}: {role}")
            return _link(connection, name, now)

    def reset(self, name: str, now: int, by: By) -> str:
        """Take somebody's password and visits away; the one-time code by which they choose another."""
        with writing(self._engine) as connection:
            found = _found(connection, name)
            connection.execute(update(ACCOUNTS).where(_named(found.name)).values(password=None, disabled=None))
            _shut_out(connection, found.name)
            enter(connection, now, by, Deed.PERSON_RESET, found.name)
            return _link(connection, found.name, now)

    def disable(self, name: str, now: int, by: By) -> None:
        """Let somebody in no more, at once; the last owner stays."""
        with writing(self._engine) as connection:
            found = _found(connection, name)
            connection.execute(update(ACCOUNTS).where(_named(found.name)).values(password=None, disabled=now))
            _keep_an_owner(connection)
            _shut_out(connection, found.name)
            enter(connection, now, by, Deed.PERSON_DISABLED, found.name)

    def change_role(self, name: str, role: Role, now: int, by: By) -> None:
        """Give somebody another role, and have them sign in again; the last owner stays one."""
        with writing(self._engine) as connection:
            found = _found(connection, name)
            if role not in ROLES:
                raise AccountError(f"nobody can be a {role}: choose {', '.join(ROLES)}")
            connection.execute(update(ACCOUNTS).where(_named(found.name)).values(role=role))
            _keep_an_owner(connection)
            connection.execute(delete(VISITS).where(VISITS.c.name == found.name))
            enter(connection, now, by, Deed.ROLE_CHANGED, f"{found.name}: {found.role} → {role}")

    def invited(self, code: str, now: int) -> tuple[bool, str | None]:
        """Whether a one-time code is good, and for whom; nobody yet where it is for the first owner."""
        with transaction(self._engine) as connection:
            found = connection.execute(select(LINKS).where(LINKS.c.sha256 == hashed(code), LINKS.c.ends > now)).first()
        return found is not None, found.name if found else None

    def use(self, code: str, name: str, password: str, now: int, by: By) -> str:
        """Use up a one-time code: keep a password's hash, of the first owner by this name; whose it is now."""
        with writing(self._engine) as connection:
            link = connection.execute(select(LINKS).where(LINKS.c.sha256 == hashed(code), LINKS.c.ends > now)).first()
            if link is None or (link.name is None and _owners(connection)):
                raise AccountError("this link was used or has ended: ask for another", "link_ended")
            first = link.name is None
            whose = as_name(name) if first else str(link.name)
            if first:
                connection.execute(delete(ACCOUNTS).where(_named(whose)))
                connection.execute(ACCOUNTS.insert().values(name=whose, role=Role.OWNER, password=password, added=now))
            else:
                connection.execute(
                    update(ACCOUNTS).where(_named(whose), ACCOUNTS.c.disabled.is_(None)).values(password=password)
                )
            _shut_out(connection, whose)
            connection.execute(delete(LINKS).where(LINKS.c.sha256 == link.sha256))
            deed = Deed.FIRST_OWNER if first else Deed.PASSWORD_SET
            enter(connection, now, By(whose, by.address), deed)
        return whose

    def password_of(self, name: str) -> str | None:
        """The hash of somebody's password; None where nobody of that name may sign in."""
        query = select(ACCOUNTS.c.password).where(_named(name), ACCOUNTS.c.disabled.is_(None))
        with transaction(self._engine) as connection:
            return connection.execute(query).scalar_one_or_none()

    def begin(self, name: str, password: str, before: str | None, now: int, by: By) -> str:
        """A new visit under a new id, in the place of the one that the browser had `before`; the id.

        `password` is the hash that was compared: whoever was reset in the meantime does not get in.
        """
        fresh = secrets.token_urlsafe(32)
        with writing(self._engine) as connection:
            same = select(ACCOUNTS.c.name).where(
                _named(name), ACCOUNTS.c.password == password, ACCOUNTS.c.disabled.is_(None)
            )
            if connection.execute(same).first() is None:
                raise AccountError("the name or the password is not right", "sign_in_wrong")
            if before:
                connection.execute(delete(VISITS).where(VISITS.c.sha256 == hashed(before)))
            connection.execute(VISITS.insert().values(sha256=hashed(fresh), name=name, begun=now, seen=now))
            enter(connection, now, By(name, by.address), Deed.SIGNED_IN)
        return fresh

    def visitor(self, visit: str, now: int, *, counts: bool) -> tuple[str, Role] | None:
        """Whose visit this is, name and role; None if it is over. `counts`: the person asks, not the page by itself."""
        query = (
            select(ACCOUNTS.c.name, ACCOUNTS.c.role, VISITS.c.seen)
            .join(VISITS, VISITS.c.name == ACCOUNTS.c.name)
            .where(VISITS.c.sha256 == hashed(visit), ACCOUNTS.c.disabled.is_(None), ~_over(now))
        )
        with transaction(self._engine) as connection:
            found = connection.execute(query).first()
            if found and counts and now - found.seen >= SEEN_S:
                connection.execute(update(VISITS).where(VISITS.c.sha256 == hashed(visit)).values(seen=now))
        return (found.name, Role(found.role)) if found else None

    def end(self, visit: str, now: int, by: By) -> None:
        """End a visit."""
        with writing(self._engine) as connection:
            connection.execute(delete(VISITS).where(VISITS.c.sha256 == hashed(visit)))
            enter(connection, now, by, Deed.SIGNED_OUT)

    def forget(self, now: int) -> None:
        """Let go of visits and links that are over."""
        with writing(self._engine) as connection:
            connection.execute(delete(VISITS).where(_over(now)))
            connection.execute(delete(LINKS).where(LINKS.c.ends <= now))


def hashed(secret: str) -> str:
    """A code or a visit's id as it is kept: it is random enough for a plain hash."""
    return sha256(secret.encode()).hexdigest()


def _named(name: str) -> ColumnElement[bool]:
    return ACCOUNTS.c.name == name


def _over(now: int) -> ColumnElement[bool]:
    return or_(VISITS.c.seen <= now - IDLE_S, VISITS.c.begun <= now - LONGEST_S)


def _owners(connection: Connection) -> int:
    own = (ACCOUNTS.c.role == Role.OWNER, ACCOUNTS.c.disabled.is_(None))
    return int(connection.execute(select(func.count()).select_from(ACCOUNTS).where(*own)).scalar_one())


def _keep_an_owner(connection: Connection) -> None:
    if not _owners(connection):
        raise AccountError("this is the last owner: make somebody else an owner first", "last_owner")


def _found(connection: Connection, name: str) -> Account:
    row = connection.execute(select(ACCOUNTS).where(_named(name.strip().casefold()))).first()
    if row is None:
        raise AccountError(f"there is nobody called '{name}': `fermata hub user list` shows everybody", "nobody")
    return Account(row.name, Role(row.role), row.added, row.disabled is not None, row.password is None)


def _shut_out(connection: Connection, name: str) -> None:
    connection.execute(delete(VISITS).where(VISITS.c.name == name))
    connection.execute(delete(LINKS).where(LINKS.c.name == name))


def _link(connection: Connection, name: str | None, now: int) -> str:
    code = secrets.token_urlsafe(24)
    connection.execute(LINKS.insert().values(sha256=hashed(code), name=name, ends=now + LINK_S))
    return code
