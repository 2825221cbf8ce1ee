"""`fermata hub user`, as people type it when somebody is locked out."""

import re
import time
from contextlib import closing
from pathlib import Path

import pytest

from app.hub.errors import AccountError
from app.hub.journal import By, Journal
from app.hub.people import People
from tests.hub.test_verbs import Fermata, fermata, state

__all__ = ["fermata", "state"]  # fixtures

HERE = By("", "127.0.0.1")
LINK = re.compile(r"http://127\.0\.0\.1:8720/welcome/([\w-]{32})\n")


def test_a_locked_out_owner_gets_back_in_by_the_terminal(state: Path, fermata: Fermata) -> None:
    assert "Nobody was added yet" in fermata("user", "list")[1]
    code, said = fermata("user", "add", "Ana", "--role", "owner")
    link = LINK.search(said)
    assert code == 0
    assert link
    with closing(People(state / "hub.sqlite")) as people:
        now = int(time.time())
        people.use(link[1], "", "hash", now, HERE)
        visit = people.begin("ana", "hash", None, now, HERE)
        assert re.search(r"ana +owner +can sign in", fermata("user", "list")[1])
        again = LINK.search(fermata("user", "reset", "ANA")[1])
        assert again
        assert people.visitor(visit, now, counts=True) is None
        with pytest.raises(AccountError):
            people.begin("ana", "hash", None, now, HERE)
        people.use(again[1], "", "another", now, HERE)
        assert people.begin("ana", "another", None, now, HERE)


def test_what_cannot_be_is_said_in_a_sentence(state: Path, fermata: Fermata) -> None:
    fermata("user", "add", "ana", "--role", "owner")
    for words, sentence in (
        (("add", "ana", "--role", "tech"), "there is a 'ana' already"),
        (("add", "a b", "--role", "tech"), "may have letters, digits"),
        (("add", "tom", "--role", "viewer"), "is not one of"),
        (("reset", "tom"), "there is nobody called 'tom'"),
        (("disable", "ana"), "this is the last owner"),
    ):
        code, said = fermata("user", *words)
        assert code != 0
        assert sentence in said
    fermata("user", "add", "tom", "--role", "tech")
    assert fermata("user", "disable", "tom")[0] == 0
    assert re.search(r"tom +tech +disabled", fermata("user", "list")[1])
    with closing(Journal(state / "hub.sqlite")) as journal:
        assert {entry.by.address for entry in journal.read()} == {"terminal"}
