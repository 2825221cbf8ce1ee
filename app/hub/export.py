"""The export: what the pages of clinic and rooms show, as CSV; nothing is in it that they withhold."""

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from typing import Annotated

from fastapi import APIRouter, HTTPException, Request, Response

from app.catalogue import RELEASED
from app.hub.accounts import Person, Role, needs
from app.hub.days import day_of
from app.hub.declared import Declared
from app.hub.desk import Desk
from app.hub.frame import language
from app.hub.journal import Deed
from app.hub.room_reading import RoomReading
from app.hub.store import Store
from app.hub.views import Row, WorldView
from app.hub.worlds import worlds

COLUMNS = (
    *("data", "period", "months", "metric", "title", "unit", "value", "low", "high", "interval_shows"),
    *("beyond_possible", "sessions", "releases", "weeks_withheld", "withheld_because", "late"),
)
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
"""With one of these in front a spreadsheet takes text for something to be worked out."""
BOM = "\ufeff"
"""Without it some spreadsheets take UTF-8 for something else."""

Value = str | int | float


def export(
    store: Store, clinic_id: str, declared: Callable[[], Declared], reading: RoomReading, desk: Desk
) -> APIRouter:
    """The routes."""
    router = APIRouter()

    def file(request: Request, views: Sequence[WorldView], name: str) -> Response:
        headers = {
            "Content-Disposition": f'attachment; filename="fermata-{name}-{day_of(desk.now)}.csv"',
            "Content-Language": language(request).code,
        }
        return Response(as_csv(views), media_type="text/csv; charset=utf-8", headers=headers)

    @router.get("/export/clinic.csv")
    def clinic(request: Request, person: Annotated[Person, needs(Role.VIEWER)]) -> Response:
        views = worlds(store.weeks(), day_of(desk.now), declared(), language(request))
        if person.name:
            desk.note(request, person, Deed.EXPORTED, "clinic.csv")
        return file(request, views, clinic_id)

    @router.get("/export/rooms/{device}.csv")
    def room(request: Request, person: Annotated[Person, needs(Role.VIEWER)], device: str) -> Response:
        own = reading.to_export(request, person, device)
        if not own.worlds:
            raise HTTPException(404)
        return file(request, own.worlds, f"{clinic_id}-{device}")

    return router


def as_csv(views: Sequence[WorldView]) -> str:
    """The worlds as a table: a line a period and metric, or a line with the reason why a period has none."""
    text = io.StringIO()
    text.write(BOM)
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for world in views:
        kind = "simulated" if world.simulated else "real"
        for months, rows in ((1, world.months), (3, world.quarters)):
            for row in rows:
                writer.writerows([safe(value) for value in line] for line in _lines(kind, months, row, world))
    return text.getvalue()


def safe(value: Value) -> Value:
    """A value that no spreadsheet takes for a formula; numbers stay numbers."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def _lines(kind: str, months: int, row: Row, world: WorldView) -> Iterator[tuple[Value, ...]]:
    counts = (row.sessions, row.releases, row.withheld)
    if row.reason or not row.cells:
        yield (kind, row.label, months, *[""] * 8, *counts, world.off or row.reason, row.late)
        return
    for metric, cell in zip(RELEASED, row.cells, strict=True):
        if cell is None:
            continue
        numbers = tuple(round(number, 4) for number in (cell.value, cell.low, cell.high))
        title = next(view.title for view in world.metrics if view.id == metric.id)
        beyond = "yes" if cell.beyond else "no"
        shown: tuple[Value, ...] = (metric.id, title, metric.unit, *numbers, row.shows, beyond)
        yield (kind, row.label, months, *shown, *counts, "", row.late)
