"""Writes the score of the demo's second act: fifteen drawn minutes in which both cues have cause to show.

python -m app.rehearsal.act_two --out FILE

minute  0    3          6             9.5          12.7            15
        talk MONOLOGUE  talk MONOLOGUE  talk x 20 s x talk MONOLOGUE  talk
             no cue yet      floor_held_long    cannot_measure     floor_held_long
"""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import click
import numpy as np

from app.conversation.score import write
from app.conversation.vocabulary import Span, Unit, frames
from app.hearing.seats import Seat, role_of
from app.rehearsal.talk import LogNormal, Spoken, Style, converse

MINUTES = 15
MONOLOGUES_S = ((180.0, 80.0), (372.0, 82.0), (762.0, 78.0))
"""Begin and length of the therapist's long turns: the first before any cue may show."""
UNMEASURED_S = (570.0, 590.0)
ANSWER_S = 14.0
"""The client answers a long turn for so long."""
SEATS = ("THERAPIST", "CLIENT")


def units(seed: int) -> tuple[Spoken, ...]:
    """The act's units in order of start."""
    rng = np.random.default_rng(seed)
    said: list[Spoken] = []
    edges = [0.0, *(edge for begin, length in MONOLOGUES_S for edge in (begin, begin + length)), MINUTES * 60.0]
    for number, (start, end) in enumerate(pairwise(edges)):
        if number % 2:
            said += monologue(SEATS[0], start, end, rng)
        else:
            answer = monologue(SEATS[1], start + 0.3, start + ANSWER_S, rng) if number else ()
            begin = start + (ANSWER_S if number else 0.0)
            said += [*answer, *_talk(begin, end, rng)]
    return tuple(said)


def monologue(seat: str, start_s: float, end_s: float, rng: np.random.Generator) -> Iterator[Spoken]:
    """One seat's units with pauses under a second between them."""
    unit, pause = Style().unit, LogNormal(0.45, 0.4)
    at = start_s
    while at < end_s - 0.5:
        past = min(at + unit.median_s * float(rng.lognormal(0, unit.sigma)), end_s)
        yield Spoken(seat, at, past)
        at = past + min(max(pause.median_s * float(rng.lognormal(0, pause.sigma)), 0.3), 1.0)


def _talk(start_s: float, end_s: float, rng: np.random.Generator) -> list[Spoken]:
    """Talk that ends with the client, a breath before the next part begins."""
    drawn = converse(Style(), SEATS, end_s - start_s - 0.6, rng)
    said = [Spoken(unit.seat, unit.start_s + start_s, unit.end_s + start_s) for unit in drawn]
    while said and said[-1].seat != SEATS[1]:
        said.pop()
    return said


def score(seed: int) -> str:
    """The act in score notation."""
    seats = tuple(Seat(name, role_of(name), 180.0 * n) for n, name in enumerate(SEATS))
    placed = [Unit(frames(u.start_s), frames(u.end_s), SEATS.index(u.seat)) for u in units(seed)]
    unmeasured = Span(*(frames(at) for at in UNMEASURED_S))
    staves = write(seats, placed, frames(MINUTES * 60), [unmeasured])
    remark = f"-- Simulated: {MINUTES} minutes, written by python -m app.rehearsal.act_two --seed {seed}\n"
    return f"{remark}\n{staves}"


@click.command()
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True)
@click.option("--seed", type=int, default=2, show_default=True)
def main(out: Path, seed: int) -> None:
    """Write the score of act two to OUT."""
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(score(seed), encoding="utf-8")
    click.echo(f"{out}: {MINUTES} minutes")


if __name__ == "__main__":
    main()
