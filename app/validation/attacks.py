"""Attacks on the release by somebody who sees all that leaves, and who knows more than anybody should."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from app.rehearsal.weeks import simulated_pair
from app.release.ledger import Values
from app.release.release import RANGES, Rules, centred, compose

Sums = npt.NDArray[np.float64]
"""One sum a released metric."""
Publish = Callable[[Sequence[Values]], Sums]
"""Many sessions to what everybody can see of them."""

WEEK = "2026-W01"
NOTHING: Values = {}
"""A session of which nothing is known: what a neighbour has in place of one."""
LOWEST: Values = {metric: low for metric, (low, _) in RANGES.items()}
HIGHEST: Values = {metric: high for metric, (_, high) in RANGES.items()}
CANDIDATES = 4
"""Rooms whose next week may be the one that a client comes back in."""


@dataclass(frozen=True, slots=True)
class People:
    """Simulated clients, each with two sessions."""

    first: Sequence[Values]
    again: Sequence[Values]


def simulated_people(count: int, seed: int) -> People:
    """So many clients of one room."""
    pairs = [simulated_pair(seed, client) for client in range(count)]
    return People([first for first, _ in pairs], [again for _, again in pairs])


def bare(sessions: Sequence[Values]) -> Sums:
    """What a release would be without its noise."""
    return np.array([sum(centred(v.get(m), *limits) for v in sessions) for m, limits in RANGES.items()], np.float64)


def noised(rules: Rules, dice: random.Random) -> Publish:
    """The release as the room makes it, with noise that can be repeated."""

    def publish(sessions: Sequence[Values]) -> Sums:
        sums = compose(sessions, WEEK, rules, dice).sums or {}
        return np.array([sums[metric] for metric in RANGES], np.float64)

    return publish


def membership(
    publish: Publish,
    others: Sequence[Values],
    inside: Sequence[Values],
    instead: Sequence[Values],
    trials: int,
    dice: random.Random,
) -> int:
    """How often somebody who knows all other sessions says rightly which of two stand in a release.

    The attack is the likelihood ratio, the best there is.
    """
    middle = bare(others) + (bare(inside) + bare(instead)) / 2
    toward = bare(inside) - bare(instead)
    wins = 0
    for _ in range(trials):
        truth = dice.random() < 0.5
        seen = publish([*others, *(inside if truth else instead)])
        wins += bool((seen - middle) @ toward > 0) == truth
    return wins


def differencing(publish: Publish, same: Sequence[Values], one: Values, trials: int, dice: random.Random) -> int:
    """How often two weeks that are alike but for one session tell whether it was in the second.

    The attacker need not know the other sessions, only that they have not changed.
    """
    toward = bare([one])
    wins = 0
    for _ in range(trials):
        truth = dice.random() < 0.5
        before = publish([*same, NOTHING])
        after = publish([*same, one if truth else NOTHING])
        wins += bool((after - before - toward / 2) @ toward > 0) == truth
    return wins


def singling_out(publish: Publish, population: Sequence[Values], size: int, trials: int, dice: random.Random) -> int:
    """How often the session of a population that is nearest to what a release says is one of the release's.

    By chance that is the release's share of the population. A mean tells a little of what it is made of, so this is
    above chance even with much noise; the noise bounds by how much.
    """
    points = np.array([bare([each]) for each in population])
    spread = points.std(axis=0)
    wins = 0
    for _ in range(trials):
        chosen = dice.sample(range(len(population)), size)
        mean = publish([population[each] for each in chosen]) / size
        nearest = int(np.argmin((((points - mean) / spread) ** 2).sum(axis=1)))
        wins += nearest in chosen
    return wins


def linking(publish: Publish, people: People, size: int, trials: int, dice: random.Random) -> int:
    """How often one client's first week finds the next week in which that client comes again, among other rooms' weeks.

    The attacker compares how the releases are off the average. By chance one of CANDIDATES is right.
    """
    points = np.array([bare([each]) for each in (*people.first, *people.again)])
    mean, spread = points.mean(axis=0), points.std(axis=0)
    wins = 0
    for _ in range(trials):
        client, *others = dice.sample(range(len(people.first)), size + CANDIDATES)
        week = publish([people.first[each] for each in (client, *others[: size - 1])]) - size * mean
        next_weeks = []
        for comes in (client, *others[size - 1 : size + CANDIDATES - 2]):
            rest = dice.sample([each for each in others if each != comes], size - 1)
            next_weeks.append(publish([people.again[each] for each in (comes, *rest)]) - size * mean)
        likeness = [(week / spread) @ (later / spread) for later in next_weeks]
        wins += int(np.argmax(likeness)) == 0
    return wins
