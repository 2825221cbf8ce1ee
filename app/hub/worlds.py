"""The clinic's worlds, real and simulated, with all that may be shown of each: one gate for every page and export."""

from collections.abc import Sequence
from datetime import date

from app.hub.declared import Declared
from app.hub.trends import Release, trends
from app.hub.views import WorldView, world_view
from app.hub.words import Words


def worlds(releases: Sequence[Release], today: date, declared: Declared, say: Words) -> list[WorldView]:
    """Real releases first, simulated ones after; the real ones alone where there are none at all."""
    kinds = sorted({release.simulated for release in releases}) or [False]
    return [
        world_view(
            trends(releases, today, simulated=kind, therapists=declared.therapists, owner_agreed=declared.agreed),
            declared.therapists,
            say,
        )
        for kind in kinds
    ]
