"""Keeps what an owner declares in the hub's database: every time, with who and when; each change is in the journal."""

from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, select

from app.hub.database import open_database, transaction, writing
from app.hub.declared import Declared, Said, Spell
from app.hub.errors import DeclarationError
from app.hub.journal import By, Deed, enter
from app.hub.tables import DECLARATIONS
from app.hub.trends import MIN_THERAPISTS

MOST_THERAPISTS = 10_000


class Matter(StrEnum):
    """What can be declared."""

    THERAPISTS = "therapists"
    AGREEMENT = "agreement"
    ROOM = "room"


class Declarations:
    """The declarations in the hub's database. Everything here raises StoreError, every change DeclarationError.

    `first` is what the settings file says: it holds until somebody has said something here.
    """

    def __init__(self, where: Path | str, first: Declared | None = None) -> None:
        self._engine = open_database(where)
        self._first = first or Declared()

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    def read(self) -> Declared:
        """What holds now."""
        with transaction(self._engine) as connection:
            return self._read(connection)

    def count(self, therapists: int, now: int, by: By) -> None:
        """Declare how many therapists there are. With more than before, those who agreed are not all any more."""
        if not 0 <= therapists <= MOST_THERAPISTS:
            raise DeclarationError(f"{therapists} therapists cannot be: declare 0 to {MOST_THERAPISTS}", "count_wrong")
        with writing(self._engine) as connection:
            before = self._read(connection)
            if therapists == before.therapists and before.therapists_said:
                return
            _add(connection, now, by, Matter.THERAPISTS, therapists)
            enter(connection, now, by, Deed.CHANGED, f"therapists: {before.therapists} → {therapists}")
            if therapists > before.therapists and before.agreed:
                _add(connection, now, by, Matter.AGREEMENT, 0)
                enter(connection, now, by, Deed.CHANGED, "agreement of the therapists: ended, there are more of them")

    def agree(self, agreed: bool, now: int, by: By) -> None:
        """Record that the therapists of a small clinic agree, or no longer do."""
        with writing(self._engine) as connection:
            before = self._read(connection)
            if agreed == before.agreed and (before.agreed_said or not agreed):
                return
            if agreed and not 1 <= before.therapists < MIN_THERAPISTS:
                raise DeclarationError(
                    "an agreement is for a clinic of one to four therapists: declare first how many there are",
                    "agreement_unneeded",
                )
            _add(connection, now, by, Matter.AGREEMENT, int(agreed))
            about = "recorded" if agreed else "withdrawn"
            enter(connection, now, by, Deed.CHANGED, f"agreement of the therapists: {about}")

    def declare_room(self, device: str, many: bool, now: int, by: By) -> None:
        """Declare that five or more therapists use a room, or withdraw it."""
        with writing(self._engine) as connection:
            before = self._read(connection)
            spell = before.spell(device)
            if many == (spell is not None and spell.ends is None):
                return
            if many and before.therapists < MIN_THERAPISTS:
                raise DeclarationError(
                    "fewer than five therapists cannot be five in one room: declare first how many there are",
                    "room_too_few",
                )
            _add(connection, now, by, Matter.ROOM, int(many), device)
            about = "five or more therapists, declared" if many else "five or more therapists, withdrawn"
            enter(connection, now, by, Deed.CHANGED, f"room {device}: {about}")

    def _read(self, connection: Connection) -> Declared:
        rows = connection.execute(select(DECLARATIONS).order_by(DECLARATIONS.c.id)).all()
        last = {row.matter: row for row in rows}
        count, agreement = last.get(Matter.THERAPISTS), last.get(Matter.AGREEMENT)
        return Declared(
            therapists=int(count.value) if count else self._first.therapists,
            agreed=bool(agreement.value) if agreement else self._first.agreed,
            therapists_said=Said(count.who, count.at) if count else None,
            agreed_said=Said(agreement.who, agreement.at) if agreement else None,
            rooms=_spells(row for row in rows if row.matter == Matter.ROOM),
        )


def _spells(rows: Iterable[Row[Any]]) -> dict[str, tuple[Spell, ...]]:
    """Each room's spells, from what was said of it in turn."""
    found: dict[str, tuple[Spell, ...]] = {}
    for row in rows:
        spells = found.get(row.about, ())
        if row.value:
            found[row.about] = (*spells, Spell(row.at, row.who))
        elif spells:
            last = spells[-1]
            found[row.about] = (*spells[:-1], Spell(last.begins, last.who, row.at, row.who))
    return found


def _add(connection: Connection, now: int, by: By, matter: Matter, value: int, about: str = "") -> None:
    row = {"at": now, "who": by.who[:80], "matter": matter, "about": about, "value": value}
    connection.execute(DECLARATIONS.insert().values(row))
