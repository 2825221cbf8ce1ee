"""Chairs: the seats in force and the array they were calibrated with, kept in a file once they are."""

import json
import os
from collections.abc import Callable
from pathlib import Path

from app.hearing.seats import Role, Seat, SeatError, check_seats

HOW = "hold the button for 3 s, or run `fermata seats`"


class Chairs:
    """The seats: as calibrated on this unit where they are, else as given. Without a file nothing is kept.

    A file that cannot be read counts as none, and `notify` gets a sentence.
    """

    def __init__(
        self, path: Path | None, given: tuple[Seat, ...] = (), notify: Callable[[str], None] = lambda _: None
    ) -> None:
        self._path, self._notify, self._seen = path, notify, 0
        self.seats = self._given = given
        self.array: str | None = None
        """The identity of the array that they were calibrated with; None if nobody knows."""
        self.refresh()

    def refresh(self) -> None:
        """Take what has been kept since it was last looked, by this process or another."""
        changed = self._changed()
        if self._path is None or changed == self._seen:
            return
        self._seen = changed
        if not changed:
            self.seats, self.array = self._given, None
            return
        try:
            self.seats, self.array = read(self._path)
        except SeatError as error:
            self._notify(str(error))

    def insist(self, seats: tuple[Seat, ...]) -> None:
        """These seats whatever was kept, until others are."""
        self.seats, self.array = seats, None

    def _changed(self) -> int:
        """When the file was last written; 0 where there is none."""
        return self._path.stat().st_mtime_ns if self._path is not None and self._path.exists() else 0

    def keep(self, seats: tuple[Seat, ...], array: str | None) -> None:
        """These seats from now on."""
        if self._path is not None:
            write(self._path, seats, array)
            self._seen = self._changed()
        self.seats, self.array = seats, array

    def doubt(self, array: str | None) -> str | None:
        """Why these seats cannot be those of this array, in a sentence; None where nothing speaks against it."""
        if self.array is None or array is None or array == self.array:
            return None
        return f"the seats were calibrated with another array ({self.array}, this is {array}): {HOW}"


def read(path: Path) -> tuple[tuple[Seat, ...], str | None]:
    """Seats and array from a file. Raises SeatError."""
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        seats = check_seats(
            Seat(str(name), Role(each["role"]) if each["role"] else None, float(each["azimuth"]) % 360.0)
            for name, each in kept["seats"].items()
        )
        array = kept["array"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise SeatError(f"the calibrated seats in {path} cannot be read: {HOW}") from error
    return seats, None if array is None else str(array)


def write(path: Path, seats: tuple[Seat, ...], array: str | None) -> None:
    """Keep seats and array in a file that is whole at any moment, readable by whoever owns its folder."""
    kept = {
        "array": array,
        "seats": {seat.name: {"role": seat.role and seat.role.value, "azimuth": seat.azimuth} for seat in seats},
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    unborn = path.with_name(f"{path.name}.{os.getpid()}.new")
    with unborn.open("w", encoding="utf-8") as file:
        json.dump(kept, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    unborn.chmod(0o600)
    owner = path.parent.stat()
    if os.geteuid() == 0:
        os.chown(unborn, owner.st_uid, owner.st_gid)
    unborn.replace(path)
