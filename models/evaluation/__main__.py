"""Takes the figures of a model on held-out sound: `python -m models.evaluation --data FOLDER [--model FILE]`.

Prints them, and writes them into the card beside the model with pictures. How far the metrics are off is fitted by
`python -m models.evaluation.intervals`, over more and longer sessions.
The anchors it compares with come with the extra `anchors`; those that are not installed are left out, and named.
"""

import argparse
import sys
import time
from importlib.metadata import packages_distributions, version
from pathlib import Path

import numpy as np
from click import progressbar
from numpy.typing import NDArray

from app.hearing.features import RATE
from app.hearing.model import Model, ModelError
from app.rehearsal.voices import VoiceError
from models.evaluation import bars, channel, costs, rooms, seats, tables
from models.evaluation.channel import AS_RECORDED
from models.evaluation.contest import Fixeds, Results, compete
from models.evaluation.detectors import ANCHORS, Detector, Ours, Silero, absent, installed, missing
from models.evaluation.seats import SeatContest
from models.evaluation.sessions import EASY, HARD, rehearse
from models.training.card import END, FIGURES
from models.training.corpus import Clip, CorpusError, read_manifest

Talk = NDArray[np.int16]


def main() -> int:
    """Reads the arguments, evaluates, writes; the exit code."""
    arguments = parsed()
    out = arguments.out or arguments.model.parent
    if absent():
        print(f"left out: {', '.join(absent())}; the extra anchors brings them", file=sys.stderr)
    try:
        figures = evaluate(arguments, installed(), out)
    except (CorpusError, ModelError, VoiceError) as error:
        print(error, file=sys.stderr)
        return 1
    print(figures)
    write_figures(out / "card.md", figures)
    return 0


def parsed() -> argparse.Namespace:
    """The command line's arguments."""
    parser = argparse.ArgumentParser(prog="python -m models.evaluation", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="a folder of held-out sound with manifest.csv")
    parser.add_argument("--model", type=Path, default=Path("models/hearing.tflite"))
    parser.add_argument(
        "--sessions", type=int, default=10, help="rehearsed sessions of each kind (default: %(default)s)"
    )
    parser.add_argument("--minutes", type=float, default=6.0, help="length of each (default: %(default)s)")
    parser.add_argument(
        "--channel-minutes", type=float, default=10.0, help="clean clips in one channel (default: %(default)s)"
    )
    parser.add_argument("--out", type=Path, help="where card and pictures go (default: beside the model)")
    return parser.parse_args()


def evaluate(arguments: argparse.Namespace, anchors: list[Detector], out: Path) -> str:
    """All figures as Markdown, and the pictures in `out`. Raises CorpusError and its kin."""
    clips, model = read_labelled(arguments.data), Model(arguments.model)
    runners: list[Detector] = [Ours(arguments.model), *anchors]
    results, fixed, talk = evaluate_channel(clips, runners, arguments.channel_minutes)
    paid = costs.costs(runners, arguments.model, talk)
    gate = next((anchor for anchor in anchors if anchor.name == Silero.name), None)
    several, rivals = evaluate_rooms(clips, model, gate, arguments.sessions, arguments.minutes)
    chapters = {
        "Asked and reached": f"{bars.channel_table(results, fixed)}\n\n{bars.rooms_table(rivals, paid)}",
        "Rooms": several,
        "One channel": f"{tables.tables(results, fixed)}\n\n{pictures(results, fixed, out)}",
        "Costs": costs.table(paid),
    }
    opening = f"{versions(anchors)} {amounts(arguments)}\n\n{tables.NOTES}"
    return "\n\n".join([opening, *(f"### {title}\n{text}" for title, text in chapters.items())])


def amounts(arguments: argparse.Namespace) -> str:
    """How much was heard."""
    return (
        f"Clean clips: {arguments.channel_minutes:g} min; rooms: {arguments.sessions} sessions of "
        f"{arguments.minutes:g} min of each kind."
    )


def versions(anchors: list[Detector]) -> str:
    """Which anchors took part, in which versions, and which did not."""
    brought = packages_distributions()
    names = [name for _, packages in ANCHORS for package in packages for name in brought.get(package, [])]
    there = {name: version(name) for name in names}
    text = ", ".join(f"{name} {number}" for name, number in there.items()) or "none"
    without = f"; left out: {', '.join(absent())}" if absent() else ""
    return f"{len(anchors)} anchors in the same run ({text}{without}). Voices and rooms: held out from training."


def read_labelled(folder: Path) -> tuple[Clip, ...]:
    """The manifest's clips, and those of manifest_labelled.csv where there is one. Raises CorpusError."""
    clips = read_manifest(folder)
    if (folder / "manifest_labelled.csv").exists():
        clips += tuple(c for c in read_manifest(folder, "manifest_labelled.csv") if c.kind == "conversation")
    return clips


def evaluate_channel(clips: tuple[Clip, ...], runners: list[Detector], minutes: float) -> tuple[Results, Fixeds, Talk]:
    """The contest on one channel, and some of its sound to take costs on."""
    results, fixed = compete(clips, runners, minutes)
    pieces = channel.record(channel.dry(clips, minutes), AS_RECORDED)
    return results, fixed, np.concatenate([piece.samples for piece in pieces])


def evaluate_rooms(
    clips: tuple[Clip, ...], model: Model, gate: Detector | None, sessions: int, minutes: float
) -> tuple[str, SeatContest]:
    """Seats and silences of rehearsed sessions as Markdown, and the rivals' scores."""
    lines, heard_s, cost_s = [rooms.HEADER], 0.0, 0.0
    rivals = SeatContest(model, gate)
    for conditions in (EASY, HARD):
        some = []
        drawn = rehearse(clips, conditions, minutes * 60, range(sessions))
        with progressbar(drawn, length=sessions, label=f"{conditions.name} rooms", file=sys.stderr) as bar:
            for session in bar:
                begun = time.process_time()
                some.append(rooms.judge(session, model))
                cost_s += time.process_time() - begun
                heard_s += session.samples.shape[1] / RATE
                rivals.hold(session)
        lines.append(rooms.table(some, conditions.name))
    cost = (
        f"Hearing and conversation, 4 microphones, 2 seats: {3600 * cost_s / heard_s:.0f} s of one core per hour here."
    )
    figures = f"{chr(10).join(lines)}\n\n{cost}\n\n{seats.table(rivals)}"
    return figures, rivals


def pictures(results: Results, fixed: Fixeds, folder: Path) -> str:
    """Draws the pictures; what shows them in the card, or nothing where matplotlib is not installed."""
    if missing(["matplotlib"]):
        print("no pictures: matplotlib is missing, the extra anchors brings it", file=sys.stderr)
        return ""
    from models.evaluation.pictures import draw_pictures

    return "\n\n".join(f"![{p.stem}](pictures/{p.name})" for p in draw_pictures(results, fixed, folder / "pictures"))


def write_figures(card: Path, figures: str) -> None:
    """Puts the figures between the card's marks."""
    text = card.read_text() if card.exists() else f"# The hearing model\n\n{FIGURES}\n{END}\n"
    before, _, rest = text.partition(FIGURES)
    card.write_text(f"{before}{FIGURES}\n{figures}\n{END}{rest.partition(END)[2]}")


if __name__ == "__main__":
    sys.exit(main())
