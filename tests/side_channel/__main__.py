"""A unit's weeks with and without sessions, compared: `python -m tests.side_channel`, or `make side-channel`.

What is exact must be equal: packets, sizes, topics, contents, journal, slot by slot. When in its slot a message goes
jitters; whether that tells of sessions is asked by permutation: in which share of the ways to deal the delays out to
the two kinds their means differ by at least as much. Exit 1 at a difference, or at a share below 1 in 1,000.
"""

import argparse
import random
import sys
import tempfile
from pathlib import Path
from statistics import fmean

from tests.side_channel.weeks import SLOTS, live

WAYS = 20_000
LEAST = 0.001
APART_S = 4.0
"""Eight rounds of `send`."""


def share(one: list[float], other: list[float], dice: random.Random) -> float:
    """In which share of the ways to deal these out their means differ by as much, this way counted."""
    both, found = [*one, *other], abs(fmean(one) - fmean(other))
    at_least = 0
    for _ in range(WAYS):
        dice.shuffle(both)
        at_least += abs(fmean(both[: len(one)]) - fmean(both[len(one) :])) >= found
    return (1 + at_least) / (1 + WAYS)


def main() -> None:
    """Live, compare, report."""
    parser = argparse.ArgumentParser(prog="python -m tests.side_channel", description=__doc__.split("\n")[0])
    parser.add_argument("--weeks", type=int, default=3, help="weeks of each kind, in turns (3)")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    delays: dict[bool, list[float]] = {True: [], False: []}
    differences = 0
    with tempfile.TemporaryDirectory(prefix="fermata-side-channel-") as top:
        for week in range(asked.weeks):
            two = {
                used: live(Path(top) / f"{week}-{used}", SLOTS, asked.seed + week, sessions=used, apart_s=APART_S)
                for used in (week % 2 == 0, week % 2 == 1)
            }
            used, empty = two[True], two[False]
            differs = [
                what for what in ("shapes", "greeting", "said") if getattr(used, what)() != getattr(empty, what)()
            ] + (["logs"] if used.logs != empty.logs else [])
            differences += len(differs)
            for kind, seen in two.items():
                delays[kind] += seen.delays()[1:]
            print(  # noqa: T201 - a long proof shows how far it is
                f"week {week + 1} of {asked.weeks}: {used.sessions} sessions beside none, {len(used.packets)} packets "
                f"beside {len(empty.packets)}, differing: {', '.join(differs) or 'nothing'}",
                flush=True,
            )
    found = share(delays[True], delays[False], random.Random(asked.seed))
    means = [f"{1000 * fmean(delays[kind]):.0f} ms" for kind in (True, False)]
    print(  # noqa: T201
        f"seed {asked.seed}: {len(delays[True])} delays with sessions, mean {means[0]}, and without, mean {means[1]}; "
        f"dealt out at random they differ as much in {found:.3f} of {WAYS} ways"
    )
    sys.exit(differences > 0 or found < LEAST)


if __name__ == "__main__":
    main()
