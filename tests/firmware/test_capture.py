"""Real capture: PyAudio records from a sound daemon of our own, which plays what we know sample by sample."""

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

CHANNELS = 6
RATE = 16_000
SETTLE = RATE // 2
CHILD = Path(__file__).parent / "capturing.py"
CHANNEL_MAP = "front-left,front-right,rear-left,rear-right,front-center,lfe"  # auxiliary maps give silence
ALSA = """
pcm.array6 { type pulse device "array6.monitor" }
pcm.default { type pulse device "array6.monitor" }
"""
SINK = "sink_name=array6"
SINK_MODULE = f"module-null-sink {SINK} format=s16le rate={RATE} channels={CHANNELS} channel_map={CHANNEL_MAP}"
PULSE = f"""
load-module module-native-protocol-unix
load-module module-null-sink sink_name=other format=s16le rate={RATE} channels=2
load-module {SINK_MODULE}
"""

pytestmark = pytest.mark.skipif(
    shutil.which("pulseaudio") is None or shutil.which("pacat") is None,
    reason="needs pulseaudio, pulseaudio-utils and libasound2-plugins",
)


@dataclass
class Daemon:
    environment: dict[str, str]
    folder: Path
    process: subprocess.Popen[str] = field(init=False)

    def start(self) -> None:
        """Start it, also again after its death; it serves when this returns."""
        command = ["pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "-v", "--log-target=stderr"]
        command += ["--disable-shm=yes", "-F", str(self.folder / "default.pa")]
        self.process = subprocess.Popen(command, env=self.environment, stderr=subprocess.PIPE, text=True)
        assert self.process.stderr is not None
        log = self.process.stderr
        said = []
        for line in log:
            said.append(line)
            if "startup complete" in line:
                break
        else:
            pytest.fail("the sound daemon did not start:\n" + "".join(said))
        threading.Thread(target=self._drain, daemon=True).start()  # a full pipe would stop the daemon

    def _drain(self) -> None:
        with self.process as process:
            assert process.stderr is not None
            process.stderr.read()

    def kill(self) -> None:
        """End it at once."""
        self.process.kill()
        self.process.wait()

    def control(self, *words: str) -> str:
        """What `pactl` says to that."""
        done = subprocess.run(
            ["pactl", *words], check=True, capture_output=True, text=True, env=self.environment, timeout=20
        )
        return done.stdout

    def unplug(self) -> None:
        """Remove the array."""
        (module,) = (line.split()[0] for line in self.control("list", "short", "modules").splitlines() if SINK in line)
        self.control("unload-module", module)

    def replug(self) -> None:
        """Put it back."""
        self.control("load-module", *SINK_MODULE.split())

    def play(self, sound: Path) -> subprocess.Popen[bytes]:
        form = ["--format=s16le", f"--rate={RATE}", f"--channels={CHANNELS}", f"--channel-map={CHANNEL_MAP}"]
        command = ["pacat", "--raw", "--device=array6", "--latency-msec=2000", *form, str(sound)]
        return subprocess.Popen(command, env=self.environment)

    def capture(self, device: str = "array6", seconds: float = 1.0, patience: float = 1.0) -> subprocess.Popen[str]:
        blocks = round(seconds * RATE / 320)
        return subprocess.Popen(
            [sys.executable, str(CHILD), device, str(blocks), str(patience), str(self.folder / "captured.npz")],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


def environment_of(folder: Path) -> dict[str, str]:
    """What a sound daemon of its own in a folder needs; its one 6-channel sink's monitor is our array."""
    (folder / "asound.conf").write_text(ALSA)
    (folder / "default.pa").write_text(PULSE)
    for name in ("run", "home"):
        (folder / name).mkdir(mode=0o700)
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder / "home"),
        "XDG_RUNTIME_DIR": str(folder / "run"),
        "PULSE_RUNTIME_PATH": str(folder / "run" / "pulse"),
        "ALSA_CONFIG_PATH": str(folder / "asound.conf"),
        "JACK_NO_START_SERVER": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    """A sound daemon with one 6-channel sink whose monitor is our array; nobody else's sound is touched."""
    daemon = Daemon(environment_of(tmp_path), tmp_path)
    daemon.start()
    try:
        yield daemon
    finally:
        daemon.kill()


def numbered_sound(seconds: float) -> NDArray[np.int16]:
    """(sample, channel): the sample's number in channels 0 and 1, counted from 1, noise in the others."""
    numbers = np.arange(1, round(seconds * RATE) + 1)
    sound = np.random.default_rng(7).integers(-32768, 32768, (len(numbers), CHANNELS)).astype(np.int16)
    sound[:, 0], sound[:, 1] = numbers & 0x7FFF, numbers >> 15
    return sound


def wait_for(process: subprocess.Popen[str], word: str) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if line.strip() == word:
            return
    pytest.fail(f"capture ended before it said '{word}': {process.communicate()[1]}")


def test_captured_samples_are_those_that_were_played(daemon: Daemon) -> None:
    sound = numbered_sound(8.0)
    (daemon.folder / "sound.raw").write_bytes(sound.tobytes())
    capture = daemon.capture(seconds=2.5, patience=5.0)
    wait_for(capture, "open")
    with daemon.play(daemon.folder / "sound.raw") as player:
        output, errors = capture.communicate(timeout=30)
        player.kill()
    assert (capture.returncode, errors) == (0, "")
    assert output.split()[-1] == "closed"

    captured = np.load(daemon.folder / "captured.npz")
    lengths = np.full(len(captured["starts"]), 320)
    assert np.array_equal(captured["starts"], np.cumsum(lengths) - 320 + np.cumsum(captured["lost"]))

    place = (captured["starts"][:, None] + np.arange(320)).ravel()
    heard = captured["samples"].transpose(0, 2, 1).reshape(-1, CHANNELS)
    numbers = heard[:, 0].astype(int) | heard[:, 1].astype(int) << 15
    settled = np.flatnonzero(numbers)[0] + SETTLE
    numbers, heard, place = numbers[settled:], heard[settled:], place[settled:]
    assert len(numbers) > RATE
    assert np.array_equal(heard, sound[numbers - 1])
    assert np.unique(numbers - place).size == 1, "a sample is lost or doubled and nobody counted it"


def test_a_missing_device_is_named_with_those_there_are(daemon: Daemon) -> None:
    _, errors = daemon.capture(device="xvf3800").communicate(timeout=20)
    assert errors == (
        "there is no microphone array 'xvf3800': this machine has 0 'array6', 1 'default'; "
        "plug it in, end what uses it, or name another\n"
    )
