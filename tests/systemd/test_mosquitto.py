"""What is shipped for a mosquitto of the clinic's own: systemd and mosquitto read it without a word."""

import shutil
import subprocess
from pathlib import Path

from tests.systemd.test_units import SYSTEM_UNITS

SHIPPED = Path(__file__).parents[2] / "systemd/mosquitto"


def test_systemd_reads_path_and_service_without_a_word(tmp_path: Path) -> None:
    source = SYSTEM_UNITS if SYSTEM_UNITS.is_dir() else Path("/lib/systemd/system")
    shutil.copytree(source, tmp_path / "usr/lib/systemd/system", symlinks=True)
    (tmp_path / "lib").symlink_to("usr/lib")
    (tmp_path / "bin").mkdir()
    for name in ("sleep", "systemctl"):
        (tmp_path / "bin" / name).write_text("#!/bin/sh\n")
        (tmp_path / "bin" / name).chmod(0o755)
    units = tmp_path / "etc/systemd/system"
    units.mkdir(parents=True)
    for name in ("fermata-mosquitto.path", "fermata-mosquitto.service"):
        shutil.copy(SHIPPED / name, units)
        command = ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", f"--root={tmp_path}", name]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        assert (done.returncode, [line for line in done.stderr.splitlines() if "fermata" in line]) == (0, [])


def test_its_folder_is_the_hubs_to_write_and_mosquittos_to_read() -> None:
    lines = (SHIPPED / "fermata-broker.conf").read_text().splitlines()
    assert [line.split() for line in lines if not line.startswith("#")] == [
        ["d", "/var/lib/fermata-broker", "2750", "fermata-hub", "mosquitto", "-"]
    ]


def test_every_file_that_mosquitto_is_told_of_is_one_that_the_hub_writes() -> None:
    words = (SHIPPED / "fermata.conf").read_text().split()
    named = {Path(word) for word in words if word.startswith("/var/lib/fermata-broker/")}
    assert {file.name for file in named} == {"ca.pem", "broker.pem", "revoked.pem", "rooms.acl"}
    assert "PathChanged=/var/lib/fermata-broker/rooms.acl" in (SHIPPED / "fermata-mosquitto.path").read_text().split()
