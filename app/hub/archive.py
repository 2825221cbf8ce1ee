"""The archive: what all rooms had in closed months, read once, and what may be shown of each that stands declared."""

from collections.abc import Sequence

from app.hub.days import day_of
from app.hub.declared import Declared
from app.hub.periods import month
from app.hub.rest import Rooms, Verdicts, by_month, verdicts
from app.hub.store import Store
from app.hub.trends import Release, Trends
from app.hub.weeks import Week


class Archive:
    """The clinic's releases as rooms' own numbers need them.

    What is closed does not change any more, and is long where there are thousands of rooms: it is judged again only
    when something more has closed, or was declared.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self.weeks = store.weeks
        self._rooms = dict[bool, tuple[object, Rooms]]()
        self._verdicts = dict[bool, tuple[object, Verdicts]]()

    def of(self, device: str) -> list[Release]:
        """What counts of a room's releases."""
        return [release for release in self._store.releases(device) if not release.late]

    def verdicts(self, whole: Trends, weeks: Sequence[Week], declared: Declared, now: int) -> Verdicts:
        """What may be shown now of every room that stands declared, of its closed periods; `whole` is the clinic's."""
        today, kind = day_of(now), whole.simulated
        closed = [(week.week, week.released) for week in weeks if week.closes <= today]
        spans = [(span.period, span.reason) for span in (*whole.months, *whole.quarters) if span.closes <= today]
        what = closed, spans, declared.rooms
        known = self._verdicts.get(kind)
        if known is None or known[0] != what:
            shown = {period for period, reason in spans if reason is None}
            closes = {month(week.week): week.closes for week in weeks}
            rooms = self._closed(closed, simulated=kind)
            known = self._verdicts[kind] = what, verdicts(rooms, shown, declared.rooms, now, closes)
        return known[1]

    def _closed(self, weeks: list[tuple[str, int]], *, simulated: bool) -> Rooms:
        known = self._rooms.get(simulated)
        if known is None or known[0] != weeks:
            these = {week for week, _ in weeks}
            sizes = (size for size in self._store.sizes(simulated=simulated) if size.week in these)
            known = self._rooms[simulated] = weeks, by_month(sizes)
        return known[1]
