"""From real microphones to a session: PyAudio hears the bundled recording from a sound daemon, as a room unit would."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from app.rehearsal.record import RECORDING
from tests.firmware.test_capture import CHANNELS, Daemon, daemon, pytestmark, wait_for

__all__ = ["daemon", "pytestmark"]  # a fixture and a mark that pytest finds by name

SECONDS = 18.0
LISTENS = """
import json, sys
from pathlib import Path
from app.hearing.seats import parse_seats
from app.listen import Files, listen_to_sound
from app.room.chairs import Chairs
from app.sources import load
from firmware.board import open_room_board
from firmware.geometry import load_array

folder, seconds = Path(sys.argv[1]), float(sys.argv[2])
settings = load(None, {"paths": {"state": folder, "outbox": folder}})
files = Files(settings, simulated=False)
board = open_room_board(load_array("xvf3800"), "array6", None, None)
board.microphones.check()
listen = listen_to_sound(settings, files, board, Chairs(None, parse_seats("therapist=30,client=150")))
board.button.press()
heard, session = [], None

def look(moment):
    global session
    session = listen.room.session or session
    if moment:
        heard.append(moment.now.frame)
        if len(heard) == 1:
            print("listening", flush=True)

listen.run(lambda: bool(heard) and heard[-1] >= seconds * 100, look)
tally = session.tally()
found = {"speech": tally.speech, "open": tally.open, "measured": tally.measured, "turns": tally.changes}
print(json.dumps({**found, "left": len(files.ledger.waiting())}))
files.shut()
"""


def test_a_room_with_real_microphones_hears_who_speaks_from_where(daemon: Daemon) -> None:
    sound, _ = soundfile.read(RECORDING / "two-people.flac", frames=round((SECONDS + 6) * 16_000), dtype="int16")
    stream = np.zeros((len(sound), CHANNELS), np.int16)
    stream[:, 2:] = sound  # as the reference array delivers them
    (daemon.folder / "sound.raw").write_bytes(stream.tobytes())
    (daemon.folder / "state").mkdir()
    command = [sys.executable, "-c", LISTENS, str(daemon.folder / "state"), str(SECONDS)]
    root = str(Path(__file__).parent.parent.parent)
    listening = subprocess.Popen(
        command, cwd=root, env=daemon.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    wait_for(listening, "listening")
    with daemon.play(daemon.folder / "sound.raw") as player:
        output, errors = listening.communicate(timeout=90)
        player.kill()
    assert listening.returncode == 0, errors
    found = json.loads(output.splitlines()[-1])
    therapist, client = (frames / 100 for frames in found["speech"])
    # As in a replay of the same stretch.
    assert therapist == pytest.approx(4.4, abs=0.7)
    assert client > 4.0
    assert found["turns"] >= 1
    assert found["measured"] / found["open"] > 0.5
    assert found["left"] == 0, "a session this short leaves nothing"
