"""The clinic's worlds, real and simulated, with all that may be shown of each: one gate for every page and export."""

from collections.abc import Sequence
from datetime import date

from app.hub.trends import trends
from app.hub.views import WorldView, world_view
from app.hub.weeks import Week
from app.hub.words import Words


def worlds(weeks: Sequence[Week], today: date, therapists: int, say: Words, *, owner_agreed: bool) -> list[WorldView]:
    """Real releases first, simulated ones after; the real ones alone where there are none at all."""
    kinds = sorted({week.simulated for week in weeks}) or [False]
    return [
        world_view(
            trends(weeks, today, simulated=kind, therapists=therapists, owner_agreed=owner_agreed), therapists, say
        )
        for kind in kinds
    ]
