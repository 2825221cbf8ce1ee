from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from app.demo.season import Season, live
from app.listen import Files
from app.rehearsal.weeks import sessions_in
from app.release.release import Rules
from app.settings import Settings
from app.sources import load
from app.sync.wire import Release, unseal

SEASON = Season(room=1, weeks=2, until=date(2026, 3, 8), seed=4)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load(None, {"paths": {"state": tmp_path, "outbox": tmp_path}})


def releases(files: Files) -> list[Release]:
    bodies = [unseal(message.payload).body for message in files.outbox.messages()]
    return [body for body in bodies if isinstance(body, Release)]


def test_a_season_seals_one_release_a_week_with_all_its_sessions(settings: Settings) -> None:
    files = Files(settings, simulated=True)
    live(SEASON, files, Rules(), 0.0, lambda: False)
    found = releases(files)
    files.shut()
    assert [release.week for release in found] == ["2026-W09", "2026-W10"]
    assert [release.sessions for release in found] == [sessions_in(4, 1, week) for week in range(2)]
    assert {unseal(message.payload).simulated for message in files_again(settings)} == {True}


def files_again(settings: Settings) -> list:  # type: ignore[type-arg]
    files = Files(settings, simulated=True)
    messages = files.outbox.messages()
    files.shut()
    return messages


class CutError(Exception):
    """The power went."""


@pytest.mark.parametrize("write", [1, 8, 51, 54, 101])
def test_a_season_cut_anywhere_goes_on_where_it_was(settings: Settings, write: int) -> None:
    files = Files(settings, simulated=True)
    cut_at(files, write)
    with pytest.raises(CutError):
        live(SEASON, files, Rules(), 0.0, lambda: False)
    files.shut()
    again = Files(settings, simulated=True)
    live(SEASON, again, Rules(), 0.0, lambda: False)
    found = releases(again)
    again.shut()
    assert [release.sessions for release in found] == [sessions_in(4, 1, week) for week in range(2)]


def cut_at(files: Files, write: int) -> None:
    """Refuse the n-th write and all after it."""
    count = 0
    for name in ("open_session", "close", "seal", "drop"):
        verb: Callable[..., object] = getattr(files.ledger, name)

        def cut(*arguments: object, verb: Callable[..., object] = verb, **named: object) -> object:
            nonlocal count
            count += 1
            if count >= write:
                raise CutError
            return verb(*arguments, **named)

        object.__setattr__(files.ledger, name, cut)
