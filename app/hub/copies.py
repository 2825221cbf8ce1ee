"""A whole copy of a database's file, made while it is in use."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path


def copy_file(database: Path, to: Path) -> None:
    """A copy in one file that only we can read, on the disk when this returns. Raises sqlite3.Error and OSError."""
    to.unlink(missing_ok=True)
    to.touch(mode=0o600)
    with (
        closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=10.0)) as old,
        closing(sqlite3.connect(to)) as new,
    ):
        old.backup(new)
        new.execute("PRAGMA journal_mode = DELETE")
    with to.open("rb") as file:
        os.fsync(file.fileno())
