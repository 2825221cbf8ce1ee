"""The roster: every room unit that was added and how it stands, all, one, or a page of them."""

from collections.abc import Iterable

from sqlalchemy import ColumnElement, Connection, Row, Select, func, select

from app.hub.database import by_letter
from app.hub.members import Member
from app.hub.tables import CODES, ROOMS

WRONG = 6
"""So many wrong tries lock a code."""


def every(connection: Connection, now: int, *where: ColumnElement[bool]) -> list[Member]:
    """Those of whom something is true, all without it, by id."""
    return _members(connection.execute(_query().where(*where).order_by(ROOMS.c.device)), now)


def part(connection: Connection, now: int, start: int, length: int) -> list[Member]:
    """Some of all by name, those that were shut out last."""
    order = (ROOMS.c.revoked.is_not(None), by_letter(connection, ROOMS.c.folded), ROOMS.c.device)
    return _members(connection.execute(_query().order_by(*order).offset(start).limit(length)), now)


def count(connection: Connection) -> int:
    """How many there are, those shut out included."""
    return int(connection.execute(select(func.count()).select_from(ROOMS)).scalar_one())


def _query() -> Select[tuple[object, ...]]:
    return select(ROOMS, CODES).outerjoin(CODES, CODES.c.device == ROOMS.c.device)


def _members(rows: Iterable[Row[tuple[object, ...]]], now: int) -> list[Member]:
    return [
        Member(
            device=row.device,
            name=row.name,
            joining=row.joining,
            revoked=row.revoked,
            certificate_ends=row.certificate_ends,
            code_ends=row.ends if row.ends and row.key is None and row.ends > now else None,
            locked=bool(row.wrong and row.wrong >= WRONG),
        )
        for row in rows
    ]
