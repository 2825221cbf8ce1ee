"""Fits how wide intervals must be over many long rehearsed sessions, and proves it on others.

    python -m models.evaluation.intervals fit --keep FOLDER
    python -m models.evaluation.intervals prove --seed 3000 --keep FOLDER
    python -m models.evaluation.intervals rules --seed 1000 --keep FOLDER

fit writes errors.json beside the model; prove prints the table of `fermata validate` for sessions that were not fitted;
rules prints what other thresholds of `HEARD` would make of the sessions. With --keep the rehearsed sound stays in a
folder (about 280 MB an hour), so that the next model needs to be heard only.
"""

import argparse
import hashlib
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from click import progressbar

from app.conversation.errors import Errors, read_errors, written
from app.hearing.model import Model, ModelError
from app.rehearsal.voices import VoiceError
from app.validation.people import BUNDLED, people
from app.validation.plan import Plan, PlanError
from app.validation.report import markdown
from app.validation.validate import each, validate
from firmware.geometry import load_array
from models.evaluation import candidates, errors
from models.evaluation.kept import Keeping
from models.evaluation.plans import plans

UNKNOWN = Errors({})


def main() -> int:
    """Reads the arguments and does one of the three; the exit code."""
    arguments = parsed()
    try:
        every = plans(
            load_array(arguments.array),
            people(arguments.voices),
            arguments.seed,
            arguments.sessions,
            (arguments.shortest, arguments.longest),
        )
        {"fit": fit, "prove": prove, "rules": rules}[arguments.do](every, arguments)
    except (ModelError, PlanError, VoiceError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def parsed() -> argparse.Namespace:
    """The command line's arguments."""
    parser = argparse.ArgumentParser(
        prog="python -m models.evaluation.intervals",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("do", choices=["fit", "prove", "rules"])
    parser.add_argument("--model", type=Path, default=Path("models/hearing.tflite"))
    parser.add_argument("--array", default="xvf3800", help="default: %(default)s")
    parser.add_argument("--voices", type=Path, default=BUNDLED, help="as in fermata validate (default: the bundled)")
    parser.add_argument("--seed", type=int, default=1000, help="prove with another one than fit (default: %(default)s)")
    parser.add_argument(
        "--sessions", type=int, default=20, help="of usual length in each kind of rooms (default: %(default)s)"
    )
    parser.add_argument(
        "--shortest", type=float, default=10.0, help="minutes, of the usual ones (default: %(default)s)"
    )
    parser.add_argument("--longest", type=float, default=50.0, help="minutes (default: %(default)s)")
    parser.add_argument("--keep", type=Path, help="keep the rehearsed sound here, and take from here what was kept")
    parser.add_argument("--out", type=Path, help="a file for the errors (default: errors.json beside the model)")
    return parser.parse_args()


def fit(every: Sequence[Plan], arguments: argparse.Namespace) -> None:
    """Writes errors.json, with where it comes from."""
    rehearse, model = Keeping(arguments.keep), Model(arguments.model)
    sessions: list[errors.Session] = []
    hours = 0.0
    for number, plan in enumerate(every, 1):
        with progressbar(length=1000, label=f"Fitting {number}/{len(every)}", file=sys.stderr) as bar:
            for rehearsal, stages, _ in each(plan, model, UNKNOWN, telling(bar), rehearse):
                sessions.append(errors.session(stages.heard.tally, stages.heard.others, stages.true.tally))
                hours += rehearsal.seconds / 3600
    made = {
        "model": hashlib.sha256(arguments.model.read_bytes()).hexdigest()[:16],
        "seed": arguments.seed,
        "sessions": len(sessions),
        "hours": round(hours, 1),
        "seats": Counter(each.seats for each in sessions),
        "minutes": [min(plan.minutes[0] for plan in every), max(plan.minutes[1] for plan in every)],
        "voices": len(every[0].people),
        "array": every[0].array.name,
    }
    found = written(errors.fit(sessions, made))
    (arguments.out or arguments.model.parent / "errors.json").write_text(found, encoding="utf-8")
    print(found)


def telling(bar: Any) -> Callable[[float], None]:  # noqa: ANN401 - click keeps the bar's type to itself
    """What a bar of a thousand steps is told a share by."""
    return lambda done: bar.update(int(1000 * done) - bar.pos)


def prove(every: Sequence[Plan], arguments: argparse.Namespace) -> None:
    """Prints the table of errors of the usual sessions."""
    shipped = read_errors((arguments.out or arguments.model.parent / "errors.json").read_text(encoding="utf-8"))
    with progressbar(length=1000, label="Proving", file=sys.stderr) as bar:
        found = validate(
            every[0],
            Model(arguments.model),
            shipped,
            telling(bar),
            rehearsing=Keeping(arguments.keep),
        )
    print(markdown(found))


def rules(every: Sequence[Plan], arguments: argparse.Namespace) -> None:
    """Prints what candidates for HEARD make of the usual sessions."""
    with progressbar(length=1000, label="Hearing", file=sys.stderr) as bar:
        found = candidates.tried(
            every[0],
            Model(arguments.model),
            telling(bar),
            Keeping(arguments.keep),
        )
    print(candidates.table(found))


if __name__ == "__main__":
    sys.exit(main())
