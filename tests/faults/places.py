"""Where faults happen: a broker of its own, a network that can be cut, a disk that can be filled."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PATIENCE_S = 30.0
CHUNK = 4096


def mosquitto_program() -> str | None:
    """The path of mosquitto; Debian keeps it where only root looks."""
    return shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


class Mosquitto:
    """mosquitto with persistence, and its own habits as to when it writes."""

    def __init__(self, folder: Path, port: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.port = port
        self._config = folder / "mosquitto.conf"
        self._config.write_text(
            f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence true\npersistence_location {folder}/\n"
            "user root\n"
        )
        self.start()

    def start(self) -> None:
        """Start it and wait until it answers."""
        program = mosquitto_program()
        assert program
        command = [program, "-c", str(self._config)]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                assert time.monotonic() < deadline, "mosquitto does not start"
                time.sleep(0.02)
            else:
                return

    def kill(self) -> None:
        """SIGKILL."""
        self._process.kill()
        self._process.wait()

    close = kill


class Wire:
    """The way to a port in a network namespace."""

    RULES = {  # noqa: RUF012 - a table
        "cut": ("tcp dport {port} drop", "tcp sport {port} drop"),
        "only to the hub": ("tcp sport {port} drop",),
        "only from the hub": ("tcp dport {port} drop",),
    }

    def __init__(self, name: str, port: int) -> None:
        self._name, self._port = name, port

    @contextmanager
    def broken(self, how: str) -> Iterator[None]:
        """Without a word to either side, packets are dropped."""
        inside(self._name, "nft", "add table inet broken")
        inside(self._name, "nft", "add chain inet broken in { type filter hook input priority 0; }")
        for rule in self.RULES[how]:
            inside(self._name, "nft", f"add rule inet broken in {rule.format(port=self._port)}")
        try:
            yield
        finally:
            inside(self._name, "nft", "delete table inet broken")


@contextmanager
def namespace() -> Iterator[str]:
    """A network of its own with nothing but loopback, which gives a dead connection up after some 3 s, not 15 min."""
    name = f"fermata-{os.getpid()}-{time.monotonic_ns() % 10**6}"
    subprocess.run(["ip", "netns", "add", name], check=True)
    try:
        inside(name, "ip", "link set lo up")
        inside(name, "sysctl", "-q net.ipv4.tcp_retries2=3")
        yield name
    finally:
        subprocess.run(["ip", "netns", "del", name], check=True)


def inside(name: str, program: str, arguments: str) -> None:
    """Run something in a namespace."""
    subprocess.run(["ip", "netns", "exec", name, program, *arguments.split()], check=True)


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[None]:
    """A disk of this size in memory."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "none", str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def filled(folder: Path) -> Iterator[None]:
    """Not a byte is free there."""
    filler = folder / "filler"
    try:
        with filler.open("wb", buffering=0) as file:
            try:
                while file.write(b"x" * 2**16):
                    pass
            except OSError:
                pass
        yield
    finally:
        filler.unlink()
