"""The clinic's worlds, real and simulated, with all that may be shown of each: one gate for every page and export."""

from collections.abc import Sequence
from datetime import date

from app.hub.declared import Declared
from app.hub.trends import Trends, trends
from app.hub.views import WorldView, world_view
from app.hub.weeks import Week
from app.hub.words import Words


def worlds(weeks: Sequence[Week], today: date, declared: Declared, say: Words) -> list[WorldView]:
    """In words."""
    return [world_view(each, declared.therapists, say) for each in gated(weeks, today, declared)]


def gated(weeks: Sequence[Week], today: date, declared: Declared) -> list[Trends]:
    """Real releases first, simulated ones after; the real ones alone where there are none at all."""
    kinds = sorted({week.simulated for week in weeks}) or [False]
    return [
        trends(weeks, today, simulated=kind, therapists=declared.therapists, owner_agreed=declared.agreed)
        for kind in kinds
    ]
