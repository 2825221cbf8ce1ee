"""The page of the API: its calls for everybody who has signed in, and its tokens for owners to make and end."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from app.hub.accounts import Person, Role, form, needs
from app.hub.api import PATH
from app.hub.desk import Desk
from app.hub.errors import TokenError
from app.hub.frame import Frame, language
from app.hub.token_views import calls_view, token_view
from app.hub.tokens import LONGEST_NAME, MOST_DAYS, Scope, Tokens

MOST_DIGITS = 9
DAYS = (30, 90, 180, 365)
Reader = Annotated[Person, needs(Role.VIEWER, Role.TECH)]
Owner = Annotated[Person, needs(Role.OWNER)]


def token_pages(tokens: Tokens, programs: Sequence[APIRouter], desk: Desk, frame: Frame) -> APIRouter:
    """The routes; `programs` are those that take a token."""
    router = APIRouter()

    def show(request: Request, person: Person, status: int = 200, **said: str) -> Response:
        say, owner = language(request), person.may(Role.OWNER)
        content = {
            "calls": calls_view(programs, say),
            "base": str(request.url.replace(path=PATH, query="")),
            "tokens": [token_view(token, desk.now, say) for token in tokens.all()] if owner else [],
            "may": owner,
            "scopes": list(Scope),
            "days": DAYS,
            "longest": LONGEST_NAME,
            "path": "/api",
        }
        known = {"wrong": "", "secret": "", "wanted": ""}
        return frame.show(request, "api.html", content | known | said, person, status)

    @router.get("/api")
    def read(request: Request, person: Reader) -> Response:
        return show(request, person)

    @router.post("/api/tokens/add")
    def add(request: Request, person: Owner) -> Response:
        fields, say = form(request), language(request)
        wanted = fields.get("name", "")
        try:
            scope, days = _scope(fields.get("scope", "")), _number(fields.get("days", ""))
            secret = tokens.add(wanted, scope, days, desk.now, desk.by(request, person))
        except TokenError as error:
            return show(request, person, 409, wrong=say(error.key, n=MOST_DAYS), wanted=wanted)
        return show(request, person, secret=secret)

    @router.post("/api/tokens/revoke")
    def revoke(request: Request, person: Owner) -> Response:
        try:
            tokens.revoke(_number(form(request).get("id", "")), desk.now, desk.by(request, person))
        except TokenError as error:
            return show(request, person, 409, wrong=language(request)(error.key))
        return RedirectResponse(f"/api?lang={language(request).code}", 303)

    return router


def _scope(text: str) -> Scope:
    try:
        return Scope(text)
    except ValueError:
        raise TokenError("choose what the token may read", "token_scope_wrong") from None


def _number(text: str) -> int:
    """A number as typed; 0 for what is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS else 0
