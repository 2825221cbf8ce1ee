"""`fermata hub simulate-rooms`: what a hub does with so many rooms."""

import resource
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import click

from app.verbs.common import needing

if TYPE_CHECKING:
    from app.hub.options import HubOptions
    from app.hub.plate import Plate
    from app.hub.store import Store
    from app.simulation.outcome import Outcome
    from app.simulation.simulation import Plan

SPARE = 100
"""Files that a process has open beside its connections."""


@click.command("simulate-rooms")
@click.option("--rooms", type=click.IntRange(1, 99_999), default=20, show_default=True, help="How many.")
@click.option(
    "--minutes", type=click.FloatRange(0.1, 10_080), default=60, show_default=True, help="Of the rooms' life."
)
@click.option("--speed", type=click.FloatRange(0.1, 1000), default=1, show_default=True, help="Times faster than life.")
@click.option("--together", is_flag=True, help="All at the same moment, as clocks that agree do.")
@click.option("--seed", type=int, default=1, show_default=True, help="Of the moments and of the releases' numbers.")
@click.pass_obj
def simulate_rooms(options: "HubOptions", rooms: int, minutes: float, speed: float, together: bool, seed: int) -> None:
    """Let simulated rooms send to a running hub, and tell what was ingested, lost, and how late.

    Each has its own connection, sends a heartbeat every five minutes and a release every hour, and again what is not
    acknowledged. All is marked as simulated. A hub that holds real rooms is refused: give these a folder of their
    own. Exit 1 if anything was lost.

    \b
    fermata hub --state ./load --rehearsal &
    fermata hub --state ./load simulate-rooms
    fermata hub --state ./load simulate-rooms --rooms 10000 --minutes 10
    fermata hub --state ./load simulate-rooms --rooms 1000 --minutes 60 --speed 60
    """
    with needing("hub"):
        from app.hub.plate import look
        from app.hub.store import Store
        from app.simulation.simulation import Plan

    plate = look(options.state)
    let_open(rooms + SPARE)
    with closing(Store(options.where)) as store:
        refuse_real(options, plate, store)
        outcome = send(Plan(rooms, minutes * 60, speed, together, seed), plate, store)
    click.echo(str(outcome))
    if not outcome.complete:
        raise click.ClickException("not every message is in the hub's database once")


def refuse_real(options: "HubOptions", plate: "Plate", store: "Store") -> None:
    """Raises HubError unless nothing but simulation is there, and the hub keeps the database that was looked at."""
    from app.hub.errors import HubError
    from app.hub.registry import Registry

    if plate.generation != store.generation():
        raise HubError(f"the hub on {options.state} keeps another database: name it with --database")
    with closing(Registry(options.where)) as registry:
        invited = registry.count()
    if store.holds_real() or invited or plate.guarded:
        raise HubError(
            "this hub is for real rooms: start another one for these, with a folder of its own and without hub.address"
        )


def send(plan: "Plan", plate: "Plate", store: "Store") -> "Outcome":
    """Let the rooms live; what became of it."""
    from app.simulation.outcome import Outcome
    from app.simulation.simulation import Simulation

    before = store.counts().messages
    simulation = Simulation(plan, plate.clinic, (plate.host, plate.port), plate.generation)
    try:
        with click.progressbar(range(plan.rooms), label="Connecting", file=sys.stderr) as bar:
            simulation.connect(bar.update)
        with click.progressbar(range(simulation.expected()), label="Sending   ", file=sys.stderr) as bar:
            took = simulation.live(bar.update)
    finally:
        simulation.leave()
    counts, stored = simulation.counts, store.counts().messages - before
    sent = (counts.heartbeats, counts.releases, counts.acknowledged, counts.again)
    return Outcome(plan.rooms, plan.lived_s, took, plan.seed, *sent, stored, tuple(sorted(counts.lags)))


def let_open(files: int) -> None:
    """Have the system let this process open so many files. Raises ClickException if it will not."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < files:
        raise click.ClickException(
            f"a process may open {hard} files here, and so many rooms need {files}: raise it (ulimit -n), or take fewer"
        )
    if soft < files:
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))
