"""The API keeps to its own schema, a short form of `make api`."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from schemathesis.core.failures import FailureGroup

from app.hub.tokens import Scope
from tests.hub import schema

EXAMPLES = 15


def test_every_call_answers_as_its_schema_says_whatever_is_asked(tmp_path: Path) -> None:
    with schema.served(tmp_path) as (url, tokens):
        seen = schema.ask_all(url, tokens, EXAMPLES, 1)
    for path in ("clinic", "catalogue", "rooms", "alerts"):
        assert any(f"GET /api/v1/{path} 200" in key for key in seen), path
    assert any(key.startswith(f"{Scope.HEALTH} GET /api/v1/clinic 403") for key in seen)
    assert any("/api/v1/rooms/{device} 404" in key for key in seen)
    assert not [key for key in seen if key.split()[-1] in {"429", "500", "503"}]


def test_a_fault_is_found(tmp_path: Path) -> None:
    with schema.served(tmp_path) as (url, tokens):
        with closing(sqlite3.connect(tmp_path / "hub.sqlite")) as database:
            database.execute("ALTER TABLE health RENAME TO gone")
        with pytest.raises(FailureGroup, match="Server error"):
            schema.ask_all(url, tokens, 2, 1)
