"""Renders array recordings with their truth: the demo's two people, or talk of any length from a folder of voices.

    python -m app.rehearsal.record --data FOLDER --out FOLDER                 the bundled two people, as planned
    python -m app.rehearsal.record --data FOLDER --out FOLDER --minutes 60    a long talk, drawn

Beside NAME.flac lie NAME.truth.csv (one row per inter-pausal unit) and NAME.toml (how it was made).
"""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

import click
import numpy as np
import soundfile
from numpy.typing import NDArray

from app.rehearsal.render import Line, RenderError, Staging, render, say, truth
from app.rehearsal.rooms import PlacedArray, Room, Source
from app.rehearsal.scenes import HEAD
from app.rehearsal.talk import Spoken, Style, converse
from app.rehearsal.voices import RATE, VoiceError, levelled, read_clip, tapes
from firmware.geometry import load_array

RECORDING = Path(__file__).parent / "recording"
"""Where the bundled recording and its plan lie."""
SEATS = {"therapist": 30.0, "client": 150.0}
"""Azimuths in degrees."""
DISTANCES_M = {"therapist": 1.5, "client": 1.7}
BUNDLED = "two-people"
ARRAY, RT60_S, SNR_DB = "xvf3800", 0.4, 12.0
PLAN_S = 112.0
HEAD_TURNS_DEG = (0.0, -25.0, 25.0, 55.0)
"""Ways a head turns from the line to the array."""


def staging(snr_db: float) -> Staging:
    """A consulting room of 15 square metres: the array on a low table, two chairs, a computer under the desk."""
    array = PlacedArray(load_array(ARRAY), (2.1, 1.3, 0.75))
    chairs = {
        name: tuple(
            Source(array.toward(azimuth, DISTANCES_M[name], 1.15), azimuth + 180 + turn, HEAD)
            for turn in HEAD_TURNS_DEG
        )
        for name, azimuth in SEATS.items()
    }
    room = Room((4.2, 3.6, 2.6), RT60_S, softness=(1.0, 1.0, 1.0, 1.5, 2.0, 1.0))
    return Staging(room, array, chairs, fan=Source((3.9, 0.4, 0.3)), snr_db=snr_db)


def planned_lines(data: Path, plan: Path) -> tuple[Line, ...]:
    """The lines of a plan, each brought to one loudness. Raises VoiceError."""
    with plan.open(encoding="utf-8", newline="") as rows:
        return tuple(
            Line(
                row["seat"],
                float(row["at_s"]),
                levelled(read_clip(data / row["clip"], float(row["from_s"]), float(row["to_s"]))),
            )
            for row in csv.DictReader(rows)
        )


def drawn_lines(data: Path, seconds: float, rng: np.random.Generator) -> tuple[Line, ...]:
    """Lines of a drawn talk, cut from the voices of a folder: true in timing, not in words. Raises VoiceError."""
    voices = tapes(data, SEATS)
    return say(converse(Style(), tuple(SEATS), seconds, rng), voices)


def write_recording(path: Path, channels: int, pieces: Iterable[NDArray[np.int16]]) -> None:
    """Pieces (channel, sample) as a FLAC file of 16 bits at 16 kHz."""
    with soundfile.SoundFile(path, "w", RATE, channels, "PCM_16") as recording:
        for piece in pieces:
            recording.write(piece.T)


def write_truth(path: Path, units: Sequence[Spoken]) -> None:
    """Truth as `seat,start_s,end_s`, one row per inter-pausal unit."""
    rows = [f"{unit.seat},{unit.start_s:.2f},{unit.end_s:.2f}\n" for unit in units]
    path.write_text("".join(["seat,start_s,end_s\n", *rows]), encoding="utf-8")


def read_truth(path: Path) -> tuple[Spoken, ...]:
    """The units of a truth file."""
    with path.open(encoding="utf-8", newline="") as rows:
        return tuple(Spoken(row["seat"], float(row["start_s"]), float(row["end_s"])) for row in csv.DictReader(rows))


def describe(setting: Staging, seconds: float, seed: int) -> str:
    """How a recording was made, as TOML."""
    room = setting.room
    seats = "".join(
        f"\n[seats.{name}]\nazimuth = {SEATS[name]}\ndistance_m = {DISTANCES_M[name]}\n" for name in setting.seats
    )
    return f"""# How this recording was rendered; levels and SNR as app/rehearsal/render.py defines them.
array = "{setting.array.geometry.name}"
seconds = {seconds}
seed = {seed}
snr_db = {setting.snr_db}
fan_db = {setting.fan_db}
level_dbfs = {setting.level_dbfs}

[room]
size_m = {list(room.size_m)}
rt60_s = {room.rt60_s}
softness = {list(room.softness)}
array_m = {list(setting.array.centre_m)}
fan_m = {list(setting.fan.place_m)}
{seats}"""


@click.command()
@click.option("--data", type=click.Path(exists=True, file_okay=False, path_type=Path), required=True)
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True)
@click.option("--minutes", type=click.FloatRange(min=0.5), help="A drawn talk of so many minutes instead of the plan.")
@click.option("--snr", type=float, default=SNR_DB, show_default=True, help="dB, speech against noise at the array.")
@click.option("--seed", type=int, default=1, show_default=True)
def main(data: Path, out: Path, minutes: float | None, snr: float, seed: int) -> None:
    """Render two people in a room into OUT: recording, truth, and how it was made."""
    rng = np.random.default_rng(seed)
    try:
        lines = (
            drawn_lines(data, minutes * 60, rng) if minutes else planned_lines(data, RECORDING / f"{BUNDLED}.plan.csv")
        )
        seconds = minutes * 60 if minutes else PLAN_S
        name = f"talk-{minutes:g}-minutes" if minutes else BUNDLED
        setting = staging(snr)
        out.mkdir(parents=True, exist_ok=True)
        channels = len(setting.array.geometry.positions_mm)
        write_recording(out / f"{name}.flac", channels, render(setting, lines, seconds, rng))
        write_truth(out / f"{name}.truth.csv", truth(lines))
        (out / f"{name}.toml").write_text(describe(setting, seconds, seed), encoding="utf-8")
    except (VoiceError, RenderError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{out / name}.flac: {seconds:g} s")


if __name__ == "__main__":
    main()
