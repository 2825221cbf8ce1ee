"""`fermata hub command`, `backup` and `restore`, as people type them."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from app.__main__ import main
from app.hub.arrivals import Arrival, sort
from app.hub.orders import Orders, Signer
from app.hub.store import Store
from app.sync import wire
from app.sync.command import Set, verify
from tests.hub.hubs import EPOCH

Fermata = Callable[..., tuple[int, str]]


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A hub's folder that has seen a room."""
    birth = wire.State(state="birth", epoch=EPOCH, boot=1, next_seq=0).model_dump_json().encode()
    item = sort(Arrival("room-1", "state", birth))
    assert item
    (tmp_path / "hub").mkdir()
    with closing(Store(tmp_path / "hub/hub.sqlite")) as store:
        store.commit([item], 1)
    return tmp_path / "hub"


@pytest.fixture
def fermata(state: Path, capsys: pytest.CaptureFixture[str]) -> Fermata:
    """Type words after `fermata hub`; its exit code and what it says."""

    def typed(*words: str) -> tuple[int, str]:
        code: str | int | None = 0
        try:
            main(["hub", "--state", str(state), *words])
        except SystemExit as end:
            code = end.code
        said = capsys.readouterr()
        assert isinstance(code, int)
        return code, said.out + said.err

    return typed


def test_what_is_asked_is_signed_laid_ready_and_listed(state: Path, fermata: Fermata) -> None:
    assert "Nothing was asked" in fermata("command")[1]
    code, said = fermata("command", "set", "room-1", "cues.dimmer", "0.3")
    assert (code, "is laid ready" in said) == (0, True), said
    fermata("command", "reboot", "room-1")
    with closing(Orders(state / "hub.sqlite")) as orders:
        first, second = orders.open(0)
        key = fermata("command", "key")[1]
        assert key == f'[hub]\ncommand_key = "{Signer(state).public}"\n'
        assert verify(first.payload, Signer(state).public).deed == Set(name="cues.dimmer", value=0.3)
    listed = fermata("command")[1].splitlines()
    assert listed[0].startswith(f"{first.number}  room-1  set cues.dimmer 0.3: no answer yet")
    assert listed[1].startswith(f"{second.number}  room-1  reboot: no answer yet")


def test_what_cannot_be_asked_is_one_sentence(fermata: Fermata) -> None:
    code, said = fermata("command", "reboot", "room-9")
    assert (code, said.count("\n")) == (1, 1)
    assert "no unit room-9 has ever been connected" in said
    code, said = fermata("command", "update", "room-1", "0.2.0", "no-hash")
    assert code == 2
    assert "sha256 = 'no-hash' cannot be sent" in said
    assert fermata("command", "record", "room-1")[0] == 2


def test_a_copy_is_made_and_put_back(state: Path, fermata: Fermata, tmp_path: Path) -> None:
    copy = tmp_path / "copy.sqlite"
    assert fermata("backup", str(copy))[0] == 0
    assert fermata("backup", str(copy)) == (1, f"fermata: {copy} is there already: name a new file\n")
    code, said = fermata("restore", str(copy))
    assert code == 0
    assert "send again" in said
    assert (state / "hub.sqlite.before").exists()
