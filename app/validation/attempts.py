"""What the attacks on the release achieve, with its noise and without, against what theory or chance allows.

With noise, whoever knows all but one session tells whether that one is in a release with accuracy Phi(sqrt(2 rho) / 2)
at most: the best test between two normal distributions that lie sqrt(2 rho) standard deviations apart (Dong, Roth and
Su 2022, "Gaussian differential privacy"). k sessions of one client lie k times as far apart, and so does one session
from its opposite, k = 2.
"""

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import sqrt

from scipy.stats import binomtest, norm

from app.release.release import Rules
from app.validation.attacks import (
    CANDIDATES,
    HIGHEST,
    LOWEST,
    NOTHING,
    People,
    Publish,
    bare,
    differencing,
    linking,
    membership,
    noised,
    simulated_people,
    singling_out,
)

CONFIDENCE = 0.99
SURE = 0.95
"""What membership must reach without noise, or the attack is too weak to show anything."""
SESSIONS_OF_ONE = 4


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one attack has achieved."""

    attack: str
    noise: bool
    trials: int
    wins: int
    chance: float
    """The share of wins of somebody who guesses."""
    limit: float
    """With noise: the share that theory allows. Without: what it must be above, or the attack shows nothing."""

    @property
    def share(self) -> float:
        """Wins per trial."""
        return self.wins / self.trials

    @property
    def interval(self) -> tuple[float, float]:
        """The exact binomial interval of the share, 99 %."""
        found = binomtest(self.wins, self.trials).proportion_ci(CONFIDENCE, "exact")
        return float(found.low), float(found.high)

    @property
    def holds(self) -> bool:
        """Whether the noise, or its absence, does what it should."""
        return self.interval[0] <= self.limit if self.noise else self.interval[0] > self.limit


@dataclass(frozen=True, slots=True)
class Tried:
    """One attack, and what its wins must keep to."""

    attack: str
    wins: int
    chance: float
    most: float
    """With noise."""
    least: float
    """Without."""


def attempt_all(rules: Rules, trials: int, clients: int, seed: int) -> Iterator[Outcome]:
    """Every attack on releases of simulated clients: with noise as these rules make it, then without and alone."""
    dice = random.Random(seed)  # noqa: S311 - attacks that can be repeated
    people = simulated_people(clients, seed)
    for noise, publish, size in ((True, noised(rules, dice), rules.min_sessions), (False, bare, 1)):
        for tried in (
            of_membership(publish, people, rules, trials, dice),
            of_populations(publish, people, size, rules, trials, dice),
        ):
            for each in tried:
                yield Outcome(each.attack, noise, trials, each.wins, each.chance, each.most if noise else each.least)


def of_membership(publish: Publish, people: People, rules: Rules, trials: int, dice: random.Random) -> Iterator[Tried]:
    """The attacks of somebody who knows all sessions but one client's."""
    typical, *others = people.first[: rules.min_sessions]
    most, twice = bound(rules.rho, 1), bound(rules.rho, 2)
    wins = membership(publish, others, [HIGHEST], [NOTHING], trials, dice)
    yield Tried("membership of an extreme session", wins, 0.5, most, SURE)
    wins = membership(publish, others, [typical], [NOTHING], trials, dice)
    yield Tried("membership of a typical session", wins, 0.5, most, SURE)
    wins = membership(publish, others, [HIGHEST], [LOWEST], trials, dice)
    yield Tried("an extreme session or its opposite", wins, 0.5, twice, SURE)
    several = [HIGHEST] * SESSIONS_OF_ONE, [NOTHING] * SESSIONS_OF_ONE
    wins = membership(publish, others, *several, trials, dice)
    yield Tried(f"{SESSIONS_OF_ONE} extreme sessions of one client", wins, 0.5, bound(rules.rho, SESSIONS_OF_ONE), SURE)
    wins = differencing(publish, others, HIGHEST, trials, dice)
    yield Tried("differencing of two weeks alike but for one session", wins, 0.5, most, SURE)


def of_populations(
    publish: Publish, people: People, size: int, rules: Rules, trials: int, dice: random.Random
) -> Iterator[Tried]:
    """The attacks of somebody who has a release of so many sessions, and knows how people are in general."""
    clients = len(people.first)
    wins = singling_out(publish, people.first, size, trials, dice)
    # Each session of the release is named at most as often as `power` lets it, were it named like any absent one.
    most = min(size * power(rules.rho, 1 / (clients - size + 1)), 1.0)
    yield Tried("singling out", wins, size / clients, most, 10 / clients)
    wins = linking(publish, people, size, trials, dice)
    yield Tried("linking two weeks of one client", wins, 1 / CANDIDATES, 1 / CANDIDATES, 1.2 / CANDIDATES)


def bound(rho: float, distance: int) -> float:
    """The best accuracy against sessions that lie `distance` sensitivities apart."""
    return float(norm.cdf(distance * sqrt(2 * rho) / 2))


def power(rho: float, by_mistake: float) -> float:
    """How likely a session that is there is named at most, if one that is not there is named with this chance."""
    return float(norm.cdf(norm.ppf(by_mistake) + sqrt(2 * rho)))


def table(outcomes: Iterable[Outcome]) -> Iterator[str]:
    """The outcomes as lines to read."""
    yield f"{'attack':52} noise  trials  chance   right  99 % interval     must be"
    for each in outcomes:
        low, high = each.interval
        yield (
            f"{each.attack:52} {'on' if each.noise else 'off':5} {each.trials:7}  {each.chance:.4f}  {each.share:.4f}  "
            f"[{low:.4f}, {high:.4f}]  {'<=' if each.noise else '> '} {each.limit:.4f}"
            f"{'' if each.holds else '  IT IS NOT'}"
        )
