"""The clinic's worlds, real and simulated, with all that may be shown of each: one gate for every page and export."""

from collections.abc import Sequence
from datetime import date

from app.hub.trends import Release, Trends, trends
from app.hub.views import WorldView, world_view
from app.hub.words import Words


def worlds(
    releases: Sequence[Release], today: date, therapists: int, say: Words, *, owner_agreed: bool
) -> list[WorldView]:
    """In words."""
    shown = gated(releases, today, therapists, owner_agreed=owner_agreed)
    return [world_view(each, therapists, say) for each in shown]


def gated(releases: Sequence[Release], today: date, therapists: int, *, owner_agreed: bool) -> list[Trends]:
    """Real releases first, simulated ones after; the real ones alone where there are none at all."""
    kinds = sorted({release.simulated for release in releases}) or [False]
    return [trends(releases, today, simulated=kind, therapists=therapists, owner_agreed=owner_agreed) for kind in kinds]
