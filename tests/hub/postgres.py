"""A PostgreSQL of a test's own in a folder of its own, stopped at once as a power cut stops it."""

import os
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

import psycopg

from tests.sync.brokers import free_port

USER = "postgres"
PATIENCE_S = 60


def programs() -> Path | None:
    """The folder of PostgreSQL's own programs; Debian keeps them off the path."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[4]))
    on_path = shutil.which("initdb")
    return found[-1].parent if found else Path(on_path).parent if on_path else None


class Postgres:
    """A cluster with one database and one user who needs no password, on loopback."""

    def __init__(self) -> None:
        self._programs = programs()
        assert self._programs, "PostgreSQL is not installed: apt-get install postgresql"
        self._folder = Path(tempfile.mkdtemp(prefix="fermata-postgres-"))
        if os.getuid() == 0:
            shutil.chown(self._folder, USER, USER)
        self._port = free_port()
        self.url = f"postgresql://{USER}@127.0.0.1:{self._port}/postgres"
        self._run("initdb", "--username", USER, "--auth", "trust", "--encoding", "UTF8", "--no-sync")
        self._databases = 0
        self.start()

    def another(self) -> str:
        """The URL of a database more, with nothing in it."""
        self._databases += 1
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE another{self._databases}")
        return self.url.removesuffix("postgres") + f"another{self._databases}"

    def start(self) -> None:
        """Start, recovering what a cut has left, and wait until it answers."""
        options = f"-c listen_addresses=127.0.0.1 -c port={self._port} -c unix_socket_directories={self._folder}"
        log = str(self._folder / "log")
        self._run("pg_ctl", "-w", "-t", str(PATIENCE_S), "-l", log, "-o", options, "start")

    def cut(self) -> None:
        """Stop at once, without a word to clients and without a checkpoint."""
        self._run("pg_ctl", "-w", "-m", "immediate", "stop")

    def close(self) -> None:
        """Stop and remove all of it."""
        self.cut()
        shutil.rmtree(self._folder)

    def answers(self) -> bool:
        """Whether it takes connections."""
        try:
            socket.create_connection(("127.0.0.1", self._port), 1).close()
        except OSError:
            return False
        return True

    def _run(self, program: str, *arguments: str) -> None:
        assert self._programs
        become = ["runuser", "-u", USER, "--"] if os.getuid() == 0 else []
        command = [*become, str(self._programs / program), "-D", str(self._folder / "data"), *arguments]
        done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=self._folder)
        assert done.returncode == 0, done.stderr or done.stdout
