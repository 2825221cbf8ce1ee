"""`fermata send`, the process with the network and without devices: what lies in the outbox goes to the hub."""

import fcntl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

from app.durable import InUseError, as_durable
from app.settings import Settings
from app.sync.address import Address
from app.sync.courier import Courier, Pace
from app.sync.outbox import Outbox

LOOK_S = 0.2
"""Seconds between two looks for the outbox, which `listen` makes."""


def send(settings: Settings, stop: Callable[[], bool], notify: Callable[[str], None]) -> None:
    """Carry until told to stop. Raises AddressError and DurableError."""
    to = settings.send
    address = Address(to.host, to.port, to.ca, to.certificate, to.key)
    file = settings.paths.outbox_file
    if not file.exists():
        notify(f"there is no outbox at {file} yet: it comes with the first start of `fermata listen`")
    while not file.exists():
        if stop():
            return
        time.sleep(LOOK_S)
    pace = Pace(heartbeat_s=to.heartbeat_s, resend_s=to.resend_s)
    with alone(file.with_name("send.lock")):
        outbox = Outbox(file, settings.room.device)
        try:
            Courier(outbox, address, settings.room.clinic, version("fermata"), notify, pace=pace).run(stop)
        finally:
            outbox.shut()


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
