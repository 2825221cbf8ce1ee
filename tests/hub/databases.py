"""Empty databases for tests, each once a file and once in a PostgreSQL of the tests' own."""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.hub.postgres import Postgres, programs

Anew = Callable[[], Path | str]
"""Gives another empty database, a file or a URL."""
KINDS = ("SQLite", "PostgreSQL")


def databases(kind: str, factory: pytest.TempPathFactory) -> Iterator[Anew]:
    """Databases of a kind, gone when this is over."""
    if kind == "SQLite":
        yield lambda: factory.mktemp("hub") / "hub.sqlite"
        return
    if programs() is None:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    with closing(Postgres()) as postgres:
        yield postgres.another


def in_memory(where: Path | str) -> Path | str:
    """The same, a file's in memory: for one user, and quicker."""
    return Path(":memory:") if isinstance(where, Path) else where
