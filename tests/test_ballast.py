import errno
import os
from pathlib import Path

import pytest

from app.ballast import SIZE, Ballast


def test_two_that_lay_it_at_once_share_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second user comes while the first lays: it may not touch a file of another's that is only half there."""
    path, take, seen = tmp_path / "box.ballast", os.posix_fallocate, []

    def interrupted(handle: int, start: int, size: int) -> None:
        seen.append(path.exists())
        monkeypatch.setattr(os, "posix_fallocate", take)
        monkeypatch.setattr(os, "getpid", lambda: 0)
        assert Ballast(path, 0o660).lay()
        take(handle, start, size)

    monkeypatch.setattr(os, "posix_fallocate", interrupted)
    assert Ballast(path, 0o660).lay()
    assert seen == [False]
    assert [(file.name, file.stat().st_size) for file in tmp_path.iterdir()] == [("box.ballast", SIZE)]
    assert path.stat().st_mode & 0o777 == 0o660


@pytest.mark.parametrize("reason", [errno.ENOSPC, errno.EDQUOT, errno.EIO])
def test_a_disk_that_gives_no_room_leaves_nothing_half_laid(
    reason: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: int) -> None:
        raise OSError(reason, os.strerror(reason))

    monkeypatch.setattr(os, "posix_fallocate", refuse)
    if reason == errno.EIO:
        with pytest.raises(OSError, match="Input/output"):
            Ballast(tmp_path / "box.ballast", 0o660).lay()
    else:
        assert not Ballast(tmp_path / "box.ballast", 0o660).lay()
    assert list(tmp_path.iterdir()) == []
