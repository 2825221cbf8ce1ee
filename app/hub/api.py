"""The API: what the pages show, for programs to read, by GET only and through the same gate."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Request
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse

from app.hub.accounts import Person, Role
from app.hub.alerts import Alerts
from app.hub.answers import (
    AlertsAnswer,
    ClinicAnswer,
    MetricAnswer,
    Refused,
    RoomAnswer,
    RoomDaysAnswer,
    alert_answer,
    catalogue_answer,
    clinic_answer,
    day_answer,
    room_answer,
)
from app.hub.callers import calls
from app.hub.days import day_of
from app.hub.declared import Declared
from app.hub.desk import Desk
from app.hub.journal import Deed
from app.hub.rounds import Rounds
from app.hub.store import Store
from app.hub.tokens import Tokens
from app.hub.wards import Choice
from app.hub.worlds import gated

PATH = "/api/v1"
VERSION = "1"
PLAIN = {"text/plain": {"schema": {"type": "string"}}}
REFUSALS: dict[int | str, dict[str, Any]] = {
    400: {"content": PLAIN, "description": "This cannot be asked"},
    401: {"model": Refused, "description": "No token, or none that is good"},
    403: {"model": Refused, "description": "The token is for something else"},
    429: {"model": Refused, "description": "Too many requests; Retry-After says when"},
    413: {"content": PLAIN, "description": "No call takes a body"},
    503: {"model": Refused, "description": "The hub's database cannot be read now"},
}
UNKNOWN: dict[int | str, dict[str, Any]] = {404: {"model": Refused, "description": "There is no such room"}}
Numbers = Annotated[Person, calls(Role.VIEWER)]
Health = Annotated[Person, calls(Role.TECH, Role.VIEWER)]
Watcher = Annotated[Person, calls(Role.TECH, Role.AUDITOR)]


def api(
    clinic: str,
    declared: Callable[[], Declared],
    store: Store,
    rounds: Rounds,
    alerts: Alerts,
    tokens: Tokens,
    desk: Desk,
) -> APIRouter:
    """The routes; `declared` tells what an owner has declared of the clinic."""
    router = APIRouter(prefix=PATH, responses=REFUSALS)
    _numbers(router, clinic, declared, store, tokens, desk)
    _health(router, rounds, alerts, desk)

    @router.get("/openapi.json", include_in_schema=False)
    def schema(_person: Health) -> JSONResponse:
        return JSONResponse(openapi(router))

    return router


def _numbers(
    router: APIRouter, clinic: str, declared: Callable[[], Declared], store: Store, tokens: Tokens, desk: Desk
) -> None:
    @router.get("/clinic")
    def numbers(request: Request, person: Numbers) -> ClinicAnswer:
        """What the clinic's page shows of conversations, by month and quarter, and why something is withheld."""
        now = desk.now
        if token := request.state.token:
            tokens.note_read(token.id, day_of(now).isoformat(), now, desk.by(request, person))
        elif person.name:
            desk.note(request, person, Deed.EXPORTED, "api/v1/clinic")
        return clinic_answer(clinic, gated(store.weeks(), day_of(now), declared()))

    @router.get("/catalogue")
    def catalogue(_person: Numbers) -> list[MetricAnswer]:
        """What each number means, its evidence, and what it does not say."""
        return catalogue_answer()


def _health(router: APIRouter, rounds: Rounds, alerts: Alerts, desk: Desk) -> None:
    @router.get("/rooms")
    def rooms(_person: Health) -> list[RoomAnswer]:
        """How the unit of every room is."""
        return [room_answer(ward, desk.now) for ward in rounds.wards(Choice(), desk.now)]

    @router.get("/rooms/{device}", responses=UNKNOWN)
    def room(device: str, _person: Health) -> RoomDaysAnswer:
        """How the unit of one room is, and what is left of its last 90 days."""
        ward = rounds.ward(device)
        if ward is None:
            raise HTTPException(404)
        days = [day_answer(day) for day in rounds.days(device, desk.now)]
        return RoomDaysAnswer(room=room_answer(ward, desk.now), days=days)

    @router.get("/alerts")
    def read_alerts(_person: Watcher) -> AlertsAnswer:
        """What is wrong with devices, and what was in the last 30 days."""
        return AlertsAnswer(
            open=[alert_answer(alert) for alert in alerts.open()],
            over=[alert_answer(alert) for alert in alerts.over(desk.now)],
        )


def openapi(router: APIRouter) -> dict[str, Any]:
    """The schema of these routes, as OpenAPI."""
    schema = get_openapi(
        title="Fermata hub",
        version=VERSION,
        summary="Months and quarters of a clinic's conversations, and the health of its devices, to be read.",
        description="No number is about one session, one week or one person; what the pages withhold is withheld here.",
        routes=router.routes,
    )
    schema["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    schema["security"] = [{"token": []}]
    return schema
