"""The clinic's worlds, real and simulated, with all that may be shown of each: one gate for every page and export."""

from collections.abc import Sequence
from datetime import date

from app.hub.declared import Declared
from app.hub.trends import Release, Trends, trends
from app.hub.views import WorldView, world_view
from app.hub.words import Words


def worlds(releases: Sequence[Release], today: date, declared: Declared, say: Words) -> list[WorldView]:
    """In words."""
    return [world_view(each, declared.therapists, say) for each in gated(releases, today, declared)]


def gated(releases: Sequence[Release], today: date, declared: Declared) -> list[Trends]:
    """Real releases first, simulated ones after; the real ones alone where there are none at all."""
    kinds = sorted({release.simulated for release in releases}) or [False]
    return [
        trends(releases, today, simulated=kind, therapists=declared.therapists, owner_agreed=declared.agreed)
        for kind in kinds
    ]
