"""The plate at a running hub's folder: where it listens and which database it keeps, for commands on its machine."""

import fcntl
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from app.hub.errors import HubError

FILE = "running.json"


@dataclass(frozen=True, slots=True)
class Plate:
    """What a running hub says of itself."""

    clinic: str
    host: str
    port: int
    """Where rooms send to."""
    guarded: bool
    """Rooms need certificates there."""
    generation: str
    """Of the database that it keeps."""


def hang(folder: Path, plate: Plate) -> None:
    """Say it, in the folder that this hub holds; a plate of an earlier one goes."""
    (folder / FILE).write_text(json.dumps(asdict(plate)) + "\n", encoding="utf-8")


def look(folder: Path) -> Plate:
    """What the hub says that runs on this folder. Raises HubError if none does."""
    if is_free(folder):
        raise HubError(f"no hub runs on {folder}: start one there first, `fermata hub --state {folder} --rehearsal`")
    try:
        return Plate(**json.loads((folder / FILE).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise HubError(f"the hub on {folder} has not said yet where it listens: wait until it is ready") from error


def is_free(folder: Path) -> bool:
    """Whether no hub holds this folder."""
    try:
        with (folder / "lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return True
    except BlockingIOError:
        return False
    return True
