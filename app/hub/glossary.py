"""The glossary: every metric and cue of the catalogue, the alliance, and what timing cannot say of it."""

import tomllib
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response

from app.catalogue import CUES, METRICS, Metric
from app.hub.accounts import Person, Role, needs
from app.hub.frame import Frame, language
from app.hub.words import FOLDER, Words


@dataclass(frozen=True, slots=True)
class Entry:
    """A metric's entry."""

    id: str
    title: str
    definition: str
    unit: str
    grade: str
    evidence: str
    does_not_say: str
    needs: str
    leaves: str
    """Its public range, or that it never leaves the room."""


def glossary(frame: Frame) -> APIRouter:
    """The route."""
    router = APIRouter()

    @router.get("/glossary")
    def page(request: Request, person: Annotated[Person, needs(Role.TECH, Role.VIEWER)]) -> Response:
        say = language(request)
        book = texts(say.code)
        content = {
            "book": book,
            "metrics": [entry(metric, book, say) for metric in METRICS],
            "cues": [{"id": cue.id, **book["cue"][cue.id]} for cue in CUES],
        }
        return frame.show(request, "glossary.html", content, person)

    return router


@cache
def texts(code: str) -> dict[str, Any]:
    """The glossary's texts in a language."""
    return tomllib.loads((FOLDER / "glossary" / f"{code}.toml").read_text(encoding="utf-8"))


def entry(metric: Metric, book: dict[str, Any], say: Words) -> Entry:
    """A metric in words: titled as on the clinic's page; in English the catalogue's own where the book has none."""
    words = book["metric"].get(metric.id, {})
    leaves = book["stays"]
    if metric.released:
        low, high = (say.number(edge * (100 if metric.unit == "1" else 1), 0) for edge in metric.released)
        leaves = book["leaves"].format(low=low, high=high, unit=say.of("unit", metric.unit, metric.unit))
    return Entry(
        id=metric.id,
        title=say.of("metric", metric.id, words.get("title", metric.title)),
        definition=words.get("definition", metric.formula),
        unit=say.of("unit", metric.unit, metric.unit),
        grade=say(f"grade_{metric.grade.name}"),
        evidence=words.get("evidence", metric.evidence),
        does_not_say=words.get("does_not_say", metric.does_not_say),
        needs=book["needs"][metric.needs.name],
        leaves=leaves,
    )
