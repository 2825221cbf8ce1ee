"""The model's card: what it is, on what it was trained, how; the figures come from models.evaluation."""

import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from models.training.corpus import Clip
from models.training.plan import Amounts, Course

FIGURES = "<!-- figures: written by python -m models.evaluation -->"
END = "<!-- end of figures -->"

TEMPLATE = Path(__file__).with_name("card.template.md")


def write(
    folder: Path,
    clips: Sequence[Clip],
    streams: Amounts,
    course: Course,
    *,
    seed: int,
    parameters: int,
    size: int,
    difference: float,
) -> None:
    """Writes folder/card.md; figures stay empty until the model is evaluated."""
    text = TEMPLATE.read_text().format(
        date=time.strftime("%Y-%m-%d"),
        seed=seed,
        parameters=parameters,
        size=size,
        difference=difference,
        data=sources(clips),
        streams=streams,
        course=course,
        figures=f"{FIGURES}\nNot taken yet: `python -m models.evaluation` writes them here.\n{END}",
    )
    (folder / "card.md").write_text(text)


def sources(clips: Sequence[Clip]) -> str:
    """A table of what the corpus consists of."""
    minutes: dict[tuple[str, str, str], list[float]] = defaultdict(list)
    for clip in clips:
        minutes[clip.kind, clip.source, clip.licence].append(clip.seconds / 60)
    rows = [f"| {k} | {s} | {lic} | {len(m):,} | {sum(m):.1f} |" for (k, s, lic), m in sorted(minutes.items())]
    return "\n".join(["| kind | source | licence | clips | minutes |", "|---|---|---|---|---|", *rows])
