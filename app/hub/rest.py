"""The rest: which of a room's own periods may be shown beside the clinic's, so that what is left gives nobody away.

The clinic shows sums over all its rooms, and a room that many use shows its own. Whoever sees both can subtract. What
can be worked out of a quarter that way is made of blocks: each month that is shown, and the unshown months together
where the quarter is. For every union of the clinic's blocks, this counts what would be left of it once all that rooms
show of their own is taken away, by the most skilful choice. That rest has to be enough for a period, and still so
without any one room that may not be shown itself; or nothing.

What was seen once stays known. So the declarations are lived through in the order in which they were made: what was
open is taken away for ever after, and nothing is opened later that it would give away.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from itertools import chain, combinations
from typing import NamedTuple

from app.hub.crowd import Crowd, Part
from app.hub.days import midnight
from app.hub.declared import Spell
from app.hub.periods import Period, month
from app.hub.trends import Reason, Release

Block = frozenset[Period]
"""Months of a quarter whose sum is known, and no smaller part of it."""
Verdicts = dict[tuple[str, Period], Reason | None]
"""By room and period, why it may not be shown; None: it may."""


Rooms = Mapping[str, Mapping[Period, Part]]
"""By device, its months with sessions in them."""


class Size(NamedTuple):
    """How many sessions a room's release of a week has."""

    device: str
    week: str
    sessions: int


def by_month(releases: Iterable[Size | Release]) -> dict[str, dict[Period, Part]]:
    """Each room's sessions by month."""
    found: dict[str, dict[Period, Part]] = {}
    for release in releases:
        if release.sessions:
            months, of = found.setdefault(release.device, {}), month(release.week)
            months[of] = months.get(of, Part()) + Part(release.sessions, frozenset({release.week}))
    return found


def verdicts(
    rooms: Rooms,
    clinic: Collection[Period],
    spells: Mapping[str, Sequence[Spell]],
    now: int,
    closes: Mapping[Period, date] | None = None,
) -> Verdicts:
    """What may be shown now of every room that stands declared, by its months and quarters.

    `clinic` are the periods that are shown of the clinic; `spells` when each room stood declared, in seconds since
    1970 UTC like `now`; `closes` the days on which months close that do so later than others.
    """
    quarters: dict[Period, dict[str, dict[Period, Part]]] = {}
    for device, months in rooms.items():
        for each, part in months.items():
            quarters.setdefault(_quarter_of(each), {}).setdefault(device, {})[each] = part
    found: Verdicts = {}
    for period, inside in quarters.items():
        if spells.keys() & inside.keys():
            found |= _Quarter(period, inside, clinic, closes or {}).live_through(spells, now)
    return found


class _Quarter:
    """A quarter of all rooms, and what is known of it so far."""

    def __init__(
        self,
        period: Period,
        rooms: dict[str, dict[Period, Part]],
        clinic: Collection[Period],
        closes: Mapping[Period, date],
    ) -> None:
        self._period, self._rooms, self._clinic = period, rooms, clinic
        days = {each: closes.get(each, each.closes_on()) for each in period.months()}
        self._over = {each: midnight(day) for each, day in (days | {period: max(days.values())}).items()}
        """By period, the moment from which it can be shown."""
        self._months = sorted({each for months in rooms.values() for each in months})
        self._declared: Collection[str] = ()
        self._unions: list[Block] = []
        """All that can be made of what is known of the clinic."""
        self._silent = dict[str, list[Block]]()
        """The rooms that were declared and have shown nothing yet: no block is known of them."""
        self._known = dict[str, list[Block]]()
        """What is known of the others."""
        self._shown = set[tuple[str, Period]]()
        self._crowds: dict[Block, Crowd] = {}

    def live_through(self, spells: Mapping[str, Sequence[Spell]], now: int) -> Verdicts:
        """Open what may be opened at each moment that changes something, up to now."""
        held = {device: spells[device] for device in spells if device in self._rooms}
        moments = {self._over[each] for each in (*self._months, self._period)}
        moments |= {at for each in held.values() for spell in each for at in (spell.begins, spell.ends) if at}
        order = sorted(held, key=lambda device: (held[device][0].begins, device))
        fit = [(each, device) for device in order for each in self._periods(device) if not self._alone(device, each)]
        fit.sort(key=lambda pair: (self._over[pair[0]], pair[0].length))
        for moment in sorted(at for at in moments if at <= now):
            self._come_to(moment, [device for device in order if _covers(held[device], moment)])
            self._open([pair for pair in fit if pair[1] in self._declared], moment)
        self._come_to(now, [device for device in order if _covers(held[device], now)])
        return {
            (device, each): None if (device, each) in self._shown else self._reason(device, each, now)
            for device in self._declared
            for each in self._periods(device)
        }

    def _come_to(self, moment: int, declared: Sequence[str]) -> None:
        """At a moment: which rooms stand declared, and what is known of the clinic."""
        self._declared = dict.fromkeys(declared)
        for device in declared:
            if device not in self._known and device not in self._silent:
                self._silent[device] = []
                for crowd in self._crowds.values():
                    crowd.take(device)
        blocks = [frozenset({each}) for each in self._months if each in self._clinic and self._over[each] <= moment]
        unshown = frozenset(self._months).difference(*blocks)
        if self._period in self._clinic and unshown and self._over[self._period] <= moment:
            blocks.append(unshown)
        some = (each for size in range(1, len(blocks) + 1) for each in combinations(blocks, size))
        self._unions = [frozenset[Period]().union(*each) for each in some]

    def _open(self, waiting: Iterable[tuple[Period, str]], moment: int) -> None:
        for each, device in waiting:
            if (device, each) not in self._shown and self._reason(device, each, moment) is None:
                self._shown.add((device, each))
                self._known[device] = self._with(device, each)
                self._silent.pop(device, None)

    def _periods(self, device: str) -> list[Period]:
        return [*sorted(self._rooms[device]), self._period]

    def _alone(self, device: str, each: Period) -> Reason | None:
        """Why a room's period would not be shown if it had no others beside it."""
        return self._sum(device, [each] if each.length == 1 else self._rooms[device]).reason

    def _reason(self, device: str, each: Period, moment: int) -> Reason | None:
        if self._over[each] > moment:
            return Reason.RUNNING
        if alone := self._alone(device, each):
            return alone
        blocks = self._with(device, each)
        if any(self._sum(device, block).reason for block in blocks):
            return Reason.REMAINDER
        fresh = [block for block in blocks if block not in self._known.get(device, [])]
        touched = [union for union in self._unions if any(union & block for block in fresh)]
        return None if all(self._leaves_enough(device, blocks, union) for union in touched) else Reason.REST

    def _with(self, device: str, each: Period) -> list[Block]:
        """What would be known of a room were this period shown too."""
        known = self._known.get(device, [])
        new = frozenset({each} if each.length == 1 else set(self._rooms[device]).difference(*known))
        return [block for block in (*(old - new for old in known), new) if block]

    def _leaves_enough(self, device: str, blocks: list[Block], union: Block) -> bool:
        """Whether enough is left of the clinic's sum over some months, or nothing, when rooms are taken from it."""
        left = self._crowd(union).sum()
        for one, known in chain(self._silent.items(), self._known.items()):
            if left.enough:
                return True
            its = self._left(one, blocks if one == device else known, union)
            left.add(*its, protected=one not in self._declared)
        return left.enough or not left.sessions

    def _left(self, device: str, blocks: Sequence[Block], union: Block) -> tuple[Part, int]:
        """What is certainly left of a room, and the fewest weeks that it has.

        A block inside the union can be taken away whole. Of one that reaches beyond, either what lies inside stays
        or, if it is taken away, what lies outside appears.
        """
        certain = self._sum(device, union.difference(*blocks))
        weeks = len(certain.weeks)
        for block in blocks:
            if block & union and not block <= union:
                either = [self._sum(device, block & union), self._sum(device, block - union)]
                weeks = min(len(certain.weeks | part.weeks) for part in either)
                certain = Part(certain.sessions + min(part.sessions for part in either), certain.weeks)
        return certain, weeks

    def _crowd(self, union: Block) -> Crowd:
        """The rooms that were never declared, in some months."""
        if union not in self._crowds:
            apart = self._silent.keys() | self._known.keys()
            parts = {device: self._sum(device, union) for device in self._rooms if device not in apart}
            self._crowds[union] = Crowd(parts)
        return self._crowds[union]

    def _sum(self, device: str, months: Iterable[Period]) -> Part:
        held = self._rooms[device]
        return sum((held[each] for each in months if each in held), Part())


def _quarter_of(each: Period) -> Period:
    return Period(each.year, each.first_month - (each.first_month - 1) % 3, 3)


def _covers(spells: Sequence[Spell], moment: int) -> bool:
    return any(spell.begins <= moment and (spell.ends is None or moment < spell.ends) for spell in spells)
