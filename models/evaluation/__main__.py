"""Takes the figures of a model on held-out sound: `python -m models.evaluation --data FOLDER [--model FILE]`.

Prints them, writes them into the card beside the model, and the metrics' errors to errors.json beside it.
"""

import argparse
import json
import sys
import time
from pathlib import Path

from click import progressbar

from app.hearing.features import RATE
from app.hearing.model import Model, ModelError
from app.rehearsal.voices import VoiceError
from models.evaluation import channel, rooms
from models.evaluation.errors import fit
from models.evaluation.sessions import EASY, HARD, rehearse
from models.training.card import END, FIGURES
from models.training.corpus import Clip, CorpusError, read_manifest


def main() -> int:
    """Reads the arguments, evaluates, writes; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m models.evaluation", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="a folder of held-out sound with manifest.csv")
    parser.add_argument("--model", type=Path, default=Path("models/hearing.tflite"))
    parser.add_argument(
        "--sessions", type=int, default=10, help="rehearsed sessions of each kind (default: %(default)s)"
    )
    parser.add_argument("--minutes", type=float, default=6.0, help="length of each (default: %(default)s)")
    parser.add_argument("--dry", action="store_true", help="print only")
    arguments = parser.parse_args()
    try:
        clips = read_labelled(arguments.data)
        figures, errors = evaluate(clips, Model(arguments.model), arguments.sessions, arguments.minutes)
    except (CorpusError, ModelError, VoiceError) as error:
        print(error, file=sys.stderr)
        return 1
    print(figures)
    print(json.dumps(errors, indent=2))
    if not arguments.dry:
        write_figures(arguments.model.with_name("card.md"), figures)
        arguments.model.with_name("errors.json").write_text(json.dumps(errors, indent=2) + "\n")
    return 0


def read_labelled(folder: Path) -> tuple[Clip, ...]:
    """The manifest's clips, and those of manifest_labelled.csv where there is one. Raises CorpusError."""
    clips = read_manifest(folder)
    if (folder / "manifest_labelled.csv").exists():
        clips += tuple(c for c in read_manifest(folder, "manifest_labelled.csv") if c.kind == "conversation")
    return clips


def evaluate(
    clips: tuple[Clip, ...], model: Model, sessions: int, minutes: float
) -> tuple[str, dict[str, dict[str, float]]]:
    """The figures as Markdown, and the errors of the metrics."""
    judged, lines, heard_s, cost_s = [], [rooms.HEADER], 0.0, 0.0
    for conditions in (EASY, HARD):
        some = []
        drawn = rehearse(clips, conditions, minutes * 60, range(sessions))
        with progressbar(drawn, length=sessions, label=f"{conditions.name} rooms", file=sys.stderr) as bar:
            for session in bar:
                begun = time.process_time()
                some.append(rooms.judge(session, model))
                cost_s += time.process_time() - begun
                heard_s += session.samples.shape[1] / RATE
        lines.append(rooms.table(some, conditions.name))
        judged += some
    cost = (
        f"Hearing and conversation, 4 microphones, 2 seats: {3600 * cost_s / heard_s:.0f} s of one core per hour here."
    )
    sets = {
        "meetings (AMI excerpts)": channel.meetings(clips),
        "clips, 30 dB": channel.clean(clips, 30.0),
        "clips, 10 dB": channel.clean(clips, 10.0),
    }
    one = channel.table({name: pieces for name, pieces in sets.items() if pieces}, model)
    return f"{chr(10).join(lines)}\n\n{cost}\n\n{one}", fit(one.metrics for one in judged)


def write_figures(card: Path, figures: str) -> None:
    """Puts the figures between the card's marks."""
    text = card.read_text() if card.exists() else f"# The hearing model\n\n{FIGURES}\n{END}\n"
    before, _, rest = text.partition(FIGURES)
    card.write_text(f"{before}{FIGURES}\n{figures}\n{END}{rest.partition(END)[2]}")


if __name__ == "__main__":
    sys.exit(main())
