"""A file of nothing beside a database: given up on a full disk, so that there is still room to write and to erase."""

import errno
import os
from pathlib import Path

SIZE = 2**20
"""Bytes held in reserve."""


class Ballast:
    """The reserve at this path."""

    def __init__(self, path: Path, mode: int) -> None:
        self._path = path
        self._mode = mode

    def lay(self) -> bool:
        """Take the room, if it is not taken; False if the disk has none to give."""
        if self._path.exists():
            return True
        unlaid = self._path.with_name(f"{self._path.name}.{os.getpid()}.new")  # two users may lay it at once
        handle = os.open(unlaid, os.O_CREAT | os.O_WRONLY, self._mode)
        try:
            os.fchmod(handle, self._mode)
            os.posix_fallocate(handle, 0, SIZE)
            unlaid.replace(self._path)
        except OSError as error:
            unlaid.unlink(missing_ok=True)
            if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
                raise
            return False
        finally:
            os.close(handle)
        return True

    def give_up(self) -> None:
        """Give the room back."""
        self._path.unlink(missing_ok=True)
