"""The units: systemd reads them without a word, and each can do little."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from app.listen import ask_to_reboot

UNITS = Path(__file__).parents[2] / "systemd"
MOST_EXPOSED = {"fermata-listen": 1.5, "fermata-send": 1.5, "fermata-hub": 2.0}
SYSTEM_UNITS = Path("/usr/lib/systemd/system")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A machine's files with Fermata installed on it, as far as systemd looks."""
    top = tmp_path_factory.mktemp("root")
    source = SYSTEM_UNITS if SYSTEM_UNITS.is_dir() else Path("/lib/systemd/system")
    shutil.copytree(source, top / "usr/lib/systemd/system", symlinks=True)
    (top / "lib").symlink_to("usr/lib")
    for folder in ("etc/systemd/system", "opt/fermata/bin"):
        (top / folder).mkdir(parents=True)
    for unit in UNITS.glob("*.service"):
        shutil.copy(unit, top / "etc/systemd/system")
    (top / "opt/fermata/bin/fermata").write_text("#!/bin/sh\n")
    (top / "opt/fermata/bin/fermata").chmod(0o755)
    return top


def verify(root: Path, unit: str) -> tuple[int, list[str]]:
    """What systemd thinks of a unit, and what it says about ours."""
    command = ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", f"--root={root}", f"{unit}.service"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    return done.returncode, [line for line in (done.stdout + done.stderr).splitlines() if "fermata" in line]


def settings_of(unit: str) -> list[str]:
    """The lines of a unit that say something to systemd."""
    lines = (UNITS / f"{unit}.service").read_text().splitlines()
    return [line for line in lines if "=" in line and not line.startswith("#")]


def test_every_unit_is_held_here() -> None:
    assert {unit.stem for unit in UNITS.glob("*.service")} == set(MOST_EXPOSED)


@pytest.mark.parametrize("unit", MOST_EXPOSED)
def test_systemd_reads_a_unit_without_a_word(unit: str, root: Path) -> None:
    assert verify(root, unit) == (0, [])


def test_the_file_that_listen_lays_restarts_the_machine_and_nothing_else_does(root: Path, tmp_path: Path) -> None:
    shutil.copy(UNITS / "fermata-reboot.path", root / "etc/systemd/system")
    command = ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", f"--root={root}"]
    done = subprocess.run([*command, "fermata-reboot.path"], check=False, capture_output=True, text=True)
    assert [line for line in (done.stdout + done.stderr).splitlines() if "fermata" in line] == []
    lines = (UNITS / "fermata-reboot.path").read_text().splitlines()
    assert {"PathExists=/run/fermata-listen/reboot", "Unit=reboot.target"} <= set(lines)
    assert "RuntimeDirectory=fermata-listen" in settings_of("fermata-listen")
    assert "restart it by hand" in ask_to_reboot(None)
    ask_to_reboot(str(tmp_path))
    assert [file.name for file in tmp_path.iterdir()] == ["reboot"]


def test_a_planted_fault_is_found(root: Path, tmp_path: Path) -> None:
    shutil.copytree(root, tmp_path / "root", symlinks=True)
    unit = tmp_path / "root/etc/systemd/system/fermata-send.service"
    unit.write_text(unit.read_text().replace("PrivateDevices=yes", "PrivateDevice=yes"))
    code, said = verify(tmp_path / "root", "fermata-send")
    assert code != 0
    assert "PrivateDevice" in said[0]


@pytest.mark.parametrize(("unit", "most"), MOST_EXPOSED.items())
def test_a_unit_is_little_exposed(unit: str, most: float) -> None:
    command = ["systemd-analyze", "security", "--offline=true", "--no-pager", str(UNITS / f"{unit}.service")]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found = re.search(r"Overall exposure level for .*: (\d+\.\d)", said)
    assert found
    assert float(found[1]) <= most


@pytest.mark.parametrize("unit", MOST_EXPOSED)
def test_a_unit_opens_with_what_it_cannot_do(unit: str) -> None:
    assert (UNITS / f"{unit}.service").read_text().startswith("# Cannot: ")


def test_listen_has_no_network() -> None:
    listen = settings_of("fermata-listen")
    assert {"PrivateNetwork=yes", "RestrictAddressFamilies=AF_UNIX", "IPAddressDeny=any"} <= set(listen)
    (refused,) = (line for line in listen if line.startswith("SystemCallFilter=~"))
    assert {"connect", "bind", "listen", "accept", "accept4"} <= set(refused.split())


def test_send_has_no_devices_and_no_ledger() -> None:
    send = settings_of("fermata-send")
    assert {"PrivateDevices=yes", "DevicePolicy=closed", "InaccessiblePaths=-/var/lib/fermata"} <= set(send)
    assert not [line for line in send if line.startswith(("DeviceAllow", "SupplementaryGroups"))]
    assert "User=fermata-send" in send
    assert {"User=fermata-listen", "StateDirectoryMode=0700"} <= set(settings_of("fermata-listen"))


def test_only_send_has_this_units_key() -> None:
    assert {"StateDirectory=fermata-send", "StateDirectoryMode=0700"} <= set(settings_of("fermata-send"))
    for unit in ("fermata-listen", "fermata-hub"):
        assert "InaccessiblePaths=-/var/lib/fermata-send" in settings_of(unit)


def test_the_hub_reaches_no_network_until_it_is_told_which() -> None:
    assert {"IPAddressDeny=any", "IPAddressAllow=localhost"} <= set(settings_of("fermata-hub"))


@pytest.mark.parametrize("unit", MOST_EXPOSED)
def test_no_unit_leaves_its_memory_behind(unit: str) -> None:
    assert {"LimitCORE=0", "UMask=0077"} <= set(settings_of(unit))
    assert "MemorySwapMax=0" in settings_of(unit) or unit == "fermata-hub"


def test_only_the_unit_that_feeds_a_watchdog_has_one() -> None:
    assert {"Type=notify", "WatchdogSec=30", "WatchdogSignal=SIGKILL"} <= set(settings_of("fermata-listen"))
    for unit in set(MOST_EXPOSED) - {"fermata-listen"}:
        assert not [line for line in settings_of(unit) if line.startswith("WatchdogSec")]
