"""`fermata send`, the process with the network and without devices: what lies in the outbox goes to the hub."""

import fcntl
import random
import time
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

from app.durable import InUseError, as_durable
from app.settings import Settings
from app.sync.address import Address
from app.sync.courier import Courier, Pace
from app.sync.identity import Identity
from app.sync.joining import Door
from app.sync.keeper import Keeper
from app.sync.outbox import Outbox

LOOK_S = 0.2
"""Seconds between two looks for the outbox, which `listen` makes."""


def send(
    settings: Settings, stop: Callable[[], bool], notify: Callable[[str], None], code_from: str | None = None
) -> None:
    """Join if there is a code for it, then carry until told to stop. Raises AddressError and DurableError.

    `code_from` is the settings file that the code stands in, where it is erased once it was used.
    """
    to, join = settings.send, settings.join
    identity = Identity(settings.paths.keys)
    keeper = None
    if join.fingerprint and not to.ca:
        keeper = Keeper(identity, Door(join.host or to.host, join.port), notify, random.random)
        if join.code and not identity.has_used(join.code):
            _join(keeper, settings, stop, notify, code_from)
        if not identity.there:
            if not join.code:
                notify("this unit has not joined its hub and has no code for it: add its room at the hub again")
            while not stop():  # started anew it would try again, and wear the code out
                time.sleep(LOOK_S)
            return
        address = Address(to.host, to.port, identity.ca, identity.unit, identity.unit)
    else:
        address = Address(to.host, to.port, to.ca, to.certificate, to.key)
    file = settings.paths.outbox_file
    if not file.exists():
        notify(f"there is no outbox at {file} yet: it comes with the first start of `fermata listen`")
    while not file.exists():
        if stop():
            return
        time.sleep(LOOK_S)
    pace = Pace(heartbeat_s=to.heartbeat_s, resend_s=to.resend_s, in_step=True)
    with alone(file.with_name("send.lock")):
        outbox = Outbox(file, settings.room.device)
        try:
            courier = Courier(outbox, address, settings.room.clinic, version("fermata"), notify, pace=pace)
            _carry(courier, keeper, outbox, stop)
        finally:
            outbox.shut()


def _carry(courier: Courier, keeper: Keeper | None, outbox: Outbox, stop: Callable[[], bool]) -> None:
    try:
        while not stop():
            courier.step()
            if keeper:
                keeper.step(outbox.hub_time())
                if outbox.shall_rotate() and keeper.rotate():
                    outbox.rotated()
    finally:
        courier.end()


def _join(
    keeper: Keeper, settings: Settings, stop: Callable[[], bool], notify: Callable[[str], None], code_from: str | None
) -> None:
    """Try until it has joined, is refused, or told to stop."""
    join = settings.join
    if join.code is None or join.fingerprint is None:
        return
    joined: bool | None = False
    while joined is False and not stop():
        joined = keeper.join(settings.room.device, join.code, join.fingerprint)
        if joined is False:
            time.sleep(LOOK_S)
    if joined and not erase(Path(code_from or "nowhere"), join.code):
        notify(
            f"the joining code in {code_from or 'the settings'} could not be erased: it is used up and opens nothing, "
            "take the line out when you can"
        )


def erase(file: Path, code: str) -> bool:
    """Take the lines with this code out of a settings file; whether it is out of it."""
    fresh = file.with_name(f"{file.name}.new")
    try:
        lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
        kept = "".join(line for line in lines if code not in line)
        if "code" in tomllib.loads(kept).get("join", {}):
            return False
        fresh.write_text(kept, encoding="utf-8")
        fresh.chmod(file.stat().st_mode & 0o777)
        fresh.replace(file)
    except (OSError, ValueError):
        return False
    return True


@contextmanager
def alone(lock: Path) -> Iterator[None]:
    """Be the only `send` of this outbox: two would speak for one room in turns. Raises InUseError."""
    with as_durable(lock):
        held = lock.open("w")
    with held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InUseError(f"another `fermata send` carries {lock.parent}: stop that one first") from None
        yield
