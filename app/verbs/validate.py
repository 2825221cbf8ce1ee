"""`fermata validate`."""

import json
import sys
from pathlib import Path
from typing import Any

import click

from app.hearing.seats import SeatError
from app.settings import Settings
from app.sources import load
from app.verbs.common import needing, notice
from firmware.errors import ArrayError

PAIR = (float, float)
CLIENTS = 20
"""Simulated clients for each session of a release, with --privacy."""
ATTACKS = 14
"""How many are tried, noise on and off counted apart."""


@click.command()
@click.option("--quick", is_flag=True, help="Six sessions of 4 minutes instead of twelve of 10 to 50.")
@click.option(
    "--array", metavar="NAME", default="xvf3800", show_default=True, help="A shipped array, or an array file."
)
@click.option(
    "--voices", type=click.Path(path_type=Path), help="Dry speech at 16 kHz: a clip or a sub-folder a person."
)
@click.option("--rooms", type=click.Choice(["easy", "hard", "both"]), default="both", show_default=True)
@click.option("--rt60", type=PAIR, metavar="LOW HIGH", help="Seconds of reverberation, instead of the rooms' own.")
@click.option("--snr", type=PAIR, metavar="LOW HIGH", help="Speech against noise, dB, instead of the rooms' own.")
@click.option("--apart", type=PAIR, metavar="LOW HIGH", help="Degrees between neighbours, instead of the rooms' own.")
@click.option("--calibration", type=click.FloatRange(min=0), help="How far calibrated seats are off, degrees rms.")
@click.option("--seats", metavar="SEATS", help="NAME[:ROLE]=DEGREES,… instead of drawn places.")
@click.option("--turns", type=click.Path(path_type=Path), help="A CSV seat,start_s,end_s to say instead of drawn talk.")
@click.option("--sessions", type=click.IntRange(1, 1000), help="In each kind of rooms.")
@click.option("--minutes", type=PAIR, metavar="LOW HIGH", help="Shortest and longest session.")
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Other rooms, people and talk.")
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), help="Write report and pictures into a folder."
)
@click.option("--json", "as_json", is_flag=True, help="Exactly one JSON object on stdout.")
@click.option("--cost", is_flag=True, help="Print what each stage costs on this machine instead.")
@click.option("--privacy", is_flag=True, help="Attack the unit's releases instead, with their noise and without.")
@click.option("--trials", type=click.IntRange(100), default=2000, show_default=True, help="With --privacy: of each.")
@click.pass_obj
def validate(
    file: Path | None,
    /,
    out: Path | None,
    as_json: bool,
    cost: bool,
    privacy: bool,
    trials: int,
    **asked: Any,  # noqa: ANN401 - click hands over what it has checked
) -> None:
    """Rehearse sessions with known truth in simulated rooms, and print how far the numbers are off.

    \b
    fermata validate --quick
    fermata validate --rooms hard --snr 0 6 --sessions 10 --out ./report
    fermata validate --turns transcript.csv --seats therapist=30,client=150
    fermata validate --cost --array linear4 --seats therapist=30,client=90,client-2=150
    fermata validate --privacy --trials 20000
    """
    if privacy:
        attack(load(file), trials, asked["seed"])
        return
    if cost:
        tell_cost(asked, out, as_json)
        return
    with needing("rehearsal"):
        from app.validation.asked import plan_of
        from app.validation.plan import PlanError
        from app.validation.report import markdown
        from app.validation.validate import validate as rehearse_all
    from app.hearing.model import Model
    from app.room.session import errors_of_hearing

    try:
        plan = plan_of(asked)
    except (ArrayError, PlanError, SeatError) as error:
        raise click.UsageError(str(error)) from error
    with click.progressbar(length=1000, label="Rehearsing", file=sys.stderr) as bar:
        found = rehearse_all(
            plan, Model(), errors_of_hearing(), lambda done: bar.update(int(1000 * done) - bar.pos), out
        )
    click.echo(json.dumps(found) if as_json else markdown(found), nl=as_json)
    if out:
        notice(f"the report is {out / 'report.md'}")


def tell_cost(asked: dict[str, Any], out: Path | None, as_json: bool) -> None:
    """What each stage of the analysis costs, with the array and the seats that were asked for."""
    with needing("rehearsal"):
        from app.validation.asked import plan_of
        from app.validation.cost import MINUTES, markdown
        from app.validation.cost import cost as measure
        from app.validation.plan import PlanError
    from app.hearing.model import Model

    try:
        plan = plan_of(asked | {"minutes": asked["minutes"] or MINUTES})
    except (ArrayError, PlanError, SeatError) as error:
        raise click.UsageError(str(error)) from error
    found = measure(plan, Model(), out)
    click.echo(json.dumps(found) if as_json else markdown(found), nl=as_json)


def attack(settings: Settings, trials: int, seed: int) -> None:
    """Attack releases made by this unit's rules; an error if one of them shows more than it may."""
    with needing("rehearsal"):
        from app.validation.attempts import attempt_all, table
    from app.release.release import Rules

    rules = Rules(settings.release.rho, settings.release.min_sessions)
    clients = CLIENTS * rules.min_sessions
    click.echo(f"rho {rules.rho:g}, {rules.min_sessions} sessions a release, {clients} simulated clients, seed {seed}")
    with click.progressbar(attempt_all(rules, trials, clients, seed), ATTACKS, "Attacking", file=sys.stderr) as bar:
        outcomes = list(bar)
    for line in table(outcomes):
        click.echo(line)
    if not all(outcome.holds for outcome in outcomes):
        raise click.ClickException("an attack has found more, or less, than it may: see the table")
