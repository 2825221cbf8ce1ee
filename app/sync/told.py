"""What the hub has told `listen`, kept where `send` cannot reach: which commands were obeyed, and what they set."""

import json
from pathlib import Path

from app.durable import DamagedError, Durable
from app.sync import wire

VERSION = 1
SCHEMA = """
    CREATE TABLE obeyed (epoch TEXT PRIMARY KEY, number INTEGER NOT NULL, sha256 TEXT NOT NULL, result TEXT NOT NULL,
                         answered INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
    CREATE TABLE told (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID
"""
SETTING = "set "
"""Before the names of settings."""


class Told:
    """The file, which only `listen` opens. Raises DurableError.

    A damaged one is put aside as `….damaged`: what was set falls back to the unit's own file, and a command that was
    obeyed could be obeyed again until it expires.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._db = _open(path)
        except DamagedError:
            for ending in ("-wal", ""):
                if Path(f"{path}{ending}").exists():
                    Path(f"{path}{ending}").replace(f"{path}.damaged{ending}")
            self._db = _open(path)

    def shut(self) -> None:
        """Close the file."""
        self._db.close()

    def last(self, epoch: str) -> int | None:
        """The number of the command that was obeyed last under this epoch."""
        found = self._db.all("SELECT number FROM obeyed WHERE epoch = ?", epoch)
        return int(found[0][0]) if found else None

    def unanswered(self, epoch: str, sha256: str) -> wire.Result | None:
        """What became of these very bytes, if they were obeyed and the power failed before that was told."""
        query = "SELECT result FROM obeyed WHERE epoch = ? AND sha256 = ? AND NOT answered"
        found = self._db.all(query, epoch, sha256)
        return wire.Result.model_validate_json(found[0][0]) if found else None

    def answered(self, epoch: str) -> None:
        """The result of the last command lies ready for the hub."""
        self._db.do("UPDATE obeyed SET answered = 1 WHERE epoch = ? AND NOT answered", epoch)

    def obey(self, epoch: str, sha256: str, result: wire.Result, changes: dict[str, object]) -> None:
        """Note that a command was obeyed, and all that it set: both or neither."""
        with self._db.transaction():
            row = (epoch, result.number, sha256, result.model_dump_json())
            self._db.do("INSERT OR REPLACE INTO obeyed VALUES (?, ?, ?, ?, 0)", *row)
            for name, value in changes.items():
                self._db.do("INSERT OR REPLACE INTO told VALUES (?, ?)", name, json.dumps(value))

    def get(self, name: str) -> object:
        """What was set under this name; None if nothing was."""
        found = self._db.all("SELECT value FROM told WHERE name = ?", name)
        return json.loads(found[0][0]) if found else None

    def drop(self, name: str) -> None:
        """Forget it: it is done."""
        self._db.do("DELETE FROM told WHERE name = ?", name)

    def settings(self) -> dict[str, object]:
        """The settings that the hub has set, by name."""
        rows = self._db.all("SELECT name, value FROM told WHERE name LIKE ? ORDER BY name", f"{SETTING}%")
        return {name.removeprefix(SETTING): json.loads(value) for name, value in rows}


def _open(path: Path) -> Durable:
    nothing = ("DELETE FROM told", ())
    return Durable(path, SCHEMA, VERSION, nothing, mode=0o600, exclusive=True)
