"""Which room units are the clinic's: added with a code that works once, admitted, renewed, revoked."""

import hmac
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Row, delete, func, or_, select, update
from sqlalchemy.exc import DBAPIError

from app.hub import roster
from app.hub.authority import Authority, Certificate, Shown, key_hash, requested_key
from app.hub.database import cause, name, open_database
from app.hub.entries import insert
from app.hub.errors import RefusedError, RegistryError, RequestError, StoreError
from app.hub.members import Invitation, Member, as_id, code_hash, identity, new_code
from app.hub.roster import WRONG
from app.hub.tables import CERTIFICATES, CODES, META, ROOMS

DAY_S = 86_400
MOST_DAYS = 7
"""A code is good for so many days at most."""
RENEWABLE_S = 365 * DAY_S
"""How long after its end a certificate that nobody revoked may renew."""
FRESH_S = 30 * DAY_S
"""With so much left a certificate is not renewed: 60 of its 90 days."""
MOST_A_DAY = 10
"""Certificates that one room gets within a day."""
LONGEST_NAME = 80
CHANGES = "rooms"


class Registry:
    """The rooms in the hub's database. Everything here raises StoreError."""

    def __init__(self, where: Path | str) -> None:
        self._engine = open_database(where)

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    def add(self, room: str, now: int, days: int = MOST_DAYS) -> Invitation:
        """Invite a unit into a room: a new one, one that has not joined, or one that was revoked.

        Raises RegistryError for a room that is in use.
        """
        wanted = " ".join(room.split())[:LONGEST_NAME]
        if not wanted.isprintable() or not wanted or not 1 <= days <= MOST_DAYS:
            raise RegistryError(
                f"give the room a name that can be printed, and its code 1 to {MOST_DAYS} days", "room_name_wrong"
            )
        device = as_id(wanted)
        code = new_code()
        ends = now + days * DAY_S
        with self._writing() as connection:
            known = connection.execute(select(ROOMS).where(ROOMS.c.device == device)).one_or_none()
            if known is None:
                row = {"device": device, **_named(wanted), "joining": 1, "added": now}
                connection.execute(insert(connection, ROOMS, row))
            elif known.revoked is not None:
                again = {**_named(wanted), "joining": known.joining + 1, "revoked": None, "certificate_ends": None}
                connection.execute(update(ROOMS).where(ROOMS.c.device == device).values(again))
            elif _joined(connection, known):
                raise RegistryError(
                    f"'{known.name}' ({device}) is in use: choose another name, or revoke it first for a new unit",
                    "room_in_use",
                    known.name,
                )
            connection.execute(delete(CODES).where(CODES.c.device == device))
            row = {"device": device, "sha256": code_hash(code), "ends": ends, "wrong": 0}
            connection.execute(insert(connection, CODES, row))
            _note_change(connection)
        return Invitation(device, wanted, code, ends)

    def admit(self, authority: Authority, device: str, code: str, request: bytes, now: int) -> Certificate:
        """A first certificate for a unit that has the room's code. Raises RefusedError.

        The unit that has used a code may ask again with the same key: a power cut may have eaten the answer.
        """
        key = _key_of(request)
        with self._writing() as connection:
            room = connection.execute(select(ROOMS).where(ROOMS.c.device == device)).one_or_none()
            held = connection.execute(select(CODES).where(CODES.c.device == device)).one_or_none()
            right = hmac.compare_digest(code_hash(code), held.sha256 if held else "")
            refusal = _refusal(room, held, key, now, right=right)
            if held is not None and not right:
                connection.execute(update(CODES).where(CODES.c.device == device).values(wrong=CODES.c.wrong + 1))
            if refusal is None and room is not None:
                connection.execute(update(CODES).where(CODES.c.device == device).values(key=key))
                return _issue(connection, authority, room, request, now)
        raise RefusedError(refusal or "there is no such room")

    def renew(self, authority: Authority, shown: Shown, request: bytes, now: int, *, fresh: bool) -> Certificate | None:
        """The next certificate for a unit that has shown this one; None while it has no need. Raises RefusedError.

        `fresh`: it wants one at once, to change its key. It goes by the certificate's name, not by the list of those
        issued: a hub that was restored from a backup knows the room, and not the last certificate.
        """
        _key_of(request)
        with self._writing() as connection:
            device = shown.name.rpartition(".")[0]
            room = connection.execute(select(ROOMS).where(ROOMS.c.device == device)).one_or_none()
            if room is None:
                raise RefusedError(
                    "its certificate names no room of ours: if this hub was restored, add the room again"
                )
            if room.revoked is not None or identity(room.device, room.joining) != shown.name:
                raise RefusedError(f"{room.device} was revoked")
            if now > shown.ends + RENEWABLE_S:
                raise RefusedError(f"the certificate of {room.device} ended more than a year ago: add the room again")
            if not fresh and shown.ends - now > FRESH_S:
                return None
            lately = select(func.count()).where(
                CERTIFICATES.c.device == room.device, CERTIFICATES.c.issued > now - DAY_S
            )
            if connection.execute(lately).scalar_one() >= MOST_A_DAY:
                raise RefusedError(f"{room.device} has had {MOST_A_DAY} certificates within a day")
            return _issue(connection, authority, room, request, now)

    def revoke(self, room: str, now: int) -> Member:
        """Shut a room's unit out, by the room's id or name. Raises RegistryError."""
        with self._writing() as connection:
            where = or_(ROOMS.c.device == room, ROOMS.c.name == " ".join(room.split()))
            found = connection.execute(select(ROOMS.c.device).where(where)).scalars().all()
            if len(found) != 1:
                raise RegistryError(f"there is no room '{room}': `fermata hub rooms` shows them", "room_unknown")
            connection.execute(
                update(ROOMS).where(ROOMS.c.device == found[0], ROOMS.c.revoked.is_(None)).values(revoked=now)
            )
            connection.execute(delete(CODES).where(CODES.c.device == found[0]))
            _note_change(connection)
            return roster.every(connection, now, ROOMS.c.device == found[0])[0]

    def rename(self, device: str, name: str) -> None:
        """Give a room another name; its id stays. Raises RegistryError for one that another room has."""
        wanted = " ".join(name.split())[:LONGEST_NAME]
        if not wanted.isprintable() or not wanted:
            raise RegistryError("give the room a name that can be printed", "room_name_wrong")
        with self._writing() as connection:
            taken = select(ROOMS.c.device).where(ROOMS.c.name == wanted, ROOMS.c.device != device)
            if connection.execute(taken).first() is not None:
                raise RegistryError(
                    f"another room is called '{wanted}': choose another name", "room_name_taken", wanted
                )
            if not connection.execute(update(ROOMS).where(ROOMS.c.device == device).values(_named(wanted))).rowcount:
                raise RegistryError(f"there is no room '{device}': `fermata hub rooms` shows them", "room_unknown")

    def members(self, now: int) -> list[Member]:
        """Every room unit, by id."""
        with self._transaction() as connection:
            return roster.every(connection, now)

    def member(self, device: str, now: int) -> Member | None:
        """One room unit; None if there is none of that id."""
        with self._transaction() as connection:
            return next(iter(roster.every(connection, now, ROOMS.c.device == device)), None)

    def page(self, now: int, start: int, length: int) -> list[Member]:
        """Some room units of all by name, those that were shut out last."""
        with self._transaction() as connection:
            return roster.part(connection, now, start, length)

    def count(self) -> int:
        """How many room units there are."""
        with self._transaction() as connection:
            return roster.count(connection)

    def revoked_serials(self) -> list[str]:
        """The certificates that no broker may take, ended ones included."""
        query = select(CERTIFICATES.c.serial).join(ROOMS, ROOMS.c.device == CERTIFICATES.c.device)
        bad = or_(ROOMS.c.revoked.is_not(None), ROOMS.c.joining != CERTIFICATES.c.joining)
        with self._transaction() as connection:
            return sorted(connection.execute(query.where(bad)).scalars())

    def changes(self) -> int:
        """How often what brokers must know has changed."""
        with self._transaction() as connection:
            found = connection.execute(select(META.c.value).where(META.c.key == CHANGES)).scalar_one_or_none()
        return int(found or 0)

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        """A transaction that begins by writing: of two at once the second waits, and sees what the first has done."""
        with self._transaction() as connection:
            connection.execute(update(META).where(META.c.key == "generation").values(value=META.c.value))
            yield connection

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        try:
            with self._engine.begin() as connection:
                yield connection
        except DBAPIError as error:
            raise StoreError(
                f"the database {name(self._engine)} cannot be used ({cause(error)}): make room or mend it"
            ) from error


def _named(name: str) -> dict[str, str]:
    """A name, and by what rooms are put in order and found."""
    return {"name": name, "folded": name.casefold()}


def _key_of(request: bytes) -> str:
    try:
        return key_hash(requested_key(request))
    except RequestError as error:
        raise RefusedError(str(error)) from error


def _joined(connection: Connection, room: Row[tuple[object, ...]]) -> bool:
    where = (CERTIFICATES.c.device == room.device, CERTIFICATES.c.joining == room.joining)
    return bool(connection.execute(select(func.count()).select_from(CERTIFICATES).where(*where)).scalar_one())


def _refusal(
    room: Row[tuple[object, ...]] | None, held: Row[tuple[object, ...]] | None, key: str, now: int, *, right: bool
) -> str | None:
    """Why a code does not admit, in a sentence for the hub's log; None if it does."""
    if room is None or held is None:
        return "there is no such room, or no code for it"
    if held.wrong >= WRONG or (not right and held.wrong == WRONG - 1):
        return f"the code of {room.device} was tried too often and is locked: add the room again"
    if not right:
        return f"a wrong code for {room.device}"
    if now > held.ends:
        return f"the code of {room.device} has ended: add the room again"
    if held.key not in {None, key}:
        return f"the code of {room.device} has been used already: if not by its unit, revoke the room"
    return None


def _issue(
    connection: Connection, authority: Authority, room: Row[tuple[object, ...]], request: bytes, now: int
) -> Certificate:
    certificate = authority.admit(request, identity(room.device, room.joining), now)
    row = {
        "serial": certificate.serial,
        "device": room.device,
        "joining": room.joining,
        "issued": now,
        "ends": certificate.ends,
    }
    connection.execute(insert(connection, CERTIFICATES, row))
    last = max(certificate.ends, room.certificate_ends or 0)
    connection.execute(update(ROOMS).where(ROOMS.c.device == room.device).values(certificate_ends=last))
    return certificate


def _note_change(connection: Connection) -> None:
    counted = connection.execute(select(META.c.value).where(META.c.key == CHANGES)).scalar_one_or_none()
    row = {"key": CHANGES, "value": str(int(counted or 0) + 1)}
    connection.execute(insert(connection, META, row).on_conflict_do_update(index_elements=["key"], set_=row))
