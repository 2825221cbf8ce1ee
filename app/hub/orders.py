"""What the hub asks of units: signed with the clinic's key, kept until a unit has said what became of it."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, and_, exists, func, select
from sqlalchemy.exc import DBAPIError

from app.hub.database import cause, name, open_database
from app.hub.entries import insert
from app.hub.errors import OrderError, StoreError
from app.hub.tables import COMMANDS, HEALTH, RESULTS
from app.sync import command

FILE = "command.key"
DAY_S = 86_400


class Signer:
    """The clinic's key for commands, in a file that only the hub can read; made when it is first used."""

    def __init__(self, folder: Path) -> None:
        path = folder / FILE
        try:
            if not path.exists():
                _write(path, Ed25519PrivateKey.generate())
            key = serialization.load_pem_private_key(path.read_bytes(), None)
        except OSError as error:
            raise OrderError(
                f"{path} cannot be used ({error.strerror}): be the hub's user", "signing_key_wrong"
            ) from error
        except (ValueError, UnsupportedAlgorithm):
            key = None
        if not isinstance(key, Ed25519PrivateKey):
            raise OrderError(f"{path} holds no key: put back the copy that the rooms know", "signing_key_wrong")
        self._key = key

    @property
    def public(self) -> str:
        """What a unit's own settings file says as hub.command_key: 64 hexadecimal digits."""
        return self._key.public_key().public_bytes_raw().hex()

    def sign(self, order: command.Order) -> bytes:
        """The command to send."""
        return command.sign(order, self._key)


@dataclass(frozen=True, slots=True)
class Asked:
    """A command, and how it stands."""

    device: str
    epoch: str
    number: int
    payload: bytes
    expires: int
    outcome: str | None
    """done, taken or refused; None while the unit has said nothing."""
    reason: str | None


class Orders:
    """The commands in the hub's database. Everything here raises StoreError."""

    def __init__(self, where: Path | str) -> None:
        self._engine = open_database(where)

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    def ask(self, signer: Signer, device: str, deed: command.Deed, now: int, days: int = 7) -> int:
        """Sign a command and keep it for the unit; its number. Raises OrderError for a unit that was never there.

        Numbers are seconds where they can be: a hub that is restored from a backup does not give one twice.
        """
        with self._changing() as connection:
            epoch = connection.execute(select(HEALTH.c.epoch).where(HEALTH.c.device == device)).scalar_one_or_none()
            if epoch is None:
                raise OrderError(
                    f"no unit {device} has ever been connected: see `fermata hub rooms` for its id", "unit_never_there"
                )
            last = connection.execute(
                select(func.max(COMMANDS.c.number)).where(COMMANDS.c.device == device, COMMANDS.c.epoch == epoch)
            ).scalar_one()
            number, expires = max(now, (last or 0) + 1), now + days * DAY_S
            order = command.Order(device=device, epoch=epoch, number=number, expires=expires, deed=deed)
            row = {"device": device, "epoch": epoch, "number": number, "payload": signer.sign(order)}
            connection.execute(insert(connection, COMMANDS, {**row, "made": now, "expires": expires}))
        return number

    def open(self, now: int, devices: Iterable[str] | None = None) -> list[Asked]:
        """The commands that a unit, or one of these, shall have and has not answered, in their order."""
        answered = exists().where(
            RESULTS.c.device == COMMANDS.c.device,
            RESULTS.c.epoch == COMMANDS.c.epoch,
            RESULTS.c.number == COMMANDS.c.number,
        )
        query = (
            select(COMMANDS)
            .join(HEALTH, and_(HEALTH.c.device == COMMANDS.c.device, HEALTH.c.epoch == COMMANDS.c.epoch))
            .where(~answered, COMMANDS.c.expires > now)
            .order_by(COMMANDS.c.device, COMMANDS.c.number)
        )
        if devices is not None:
            query = query.where(COMMANDS.c.device.in_(list(devices)))
        with self._changing() as connection:
            rows = connection.execute(query).all()
        return [Asked(row.device, row.epoch, row.number, bytes(row.payload), row.expires, None, None) for row in rows]

    def all(self) -> list[Asked]:
        """Every command and what came of it first, in the order of their making."""
        query = select(COMMANDS).order_by(COMMANDS.c.made, COMMANDS.c.device, COMMANDS.c.number)
        told = select(RESULTS).where(RESULTS.c.number.is_not(None)).order_by(RESULTS.c.seq.desc())
        with self._changing() as connection:
            rows = connection.execute(query).all()
            first = {(row.device, row.epoch, row.number): row for row in connection.execute(told)}
        found = []
        for row in rows:
            result = first.get((row.device, row.epoch, row.number))
            outcome, reason = (result.outcome, result.reason) if result else (None, None)
            found.append(Asked(row.device, row.epoch, row.number, bytes(row.payload), row.expires, outcome, reason))
        return found

    def refusals(self) -> dict[str, list[str]]:
        """Per unit, why it has refused what the hub had not asked, or not so."""
        query = select(RESULTS.c.device, RESULTS.c.reason).where(RESULTS.c.outcome == "refused").distinct()
        with self._changing() as connection:
            rows = connection.execute(query.order_by(RESULTS.c.device, RESULTS.c.reason)).all()
        found: dict[str, list[str]] = {}
        for row in rows:
            found.setdefault(row.device, []).append(row.reason)
        return found

    @contextmanager
    def _changing(self) -> Iterator[Connection]:
        try:
            with self._engine.begin() as connection:
                yield connection
        except DBAPIError as error:
            raise StoreError(f"the database {name(self._engine)} cannot be used ({cause(error)}): mend it") from error


def _write(path: Path, key: Ed25519PrivateKey) -> None:
    """Under another name first: a power cut leaves no half of a key, and of two makers one wins."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    unborn = path.with_name(f"{path.name}.{os.getpid()}.new")
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    unborn.unlink(missing_ok=True)
    handle = os.open(unborn, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(pem)
        file.flush()
        os.fsync(handle)
    try:
        os.link(unborn, path)
    except FileExistsError:
        pass
    finally:
        unborn.unlink()
