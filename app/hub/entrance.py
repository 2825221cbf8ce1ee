"""The pages by which people come in and go: sign-in, sign-out, and the one-time link where a password is chosen."""

import re
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from starlette.concurrency import run_in_threadpool

from app.hub.accounts import OPEN, Person, form, needs
from app.hub.desk import Desk, give, take
from app.hub.errors import AccountError
from app.hub.frame import Frame, language
from app.hub.passwords import SHORTEST
from app.hub.people import ROLES

LOCAL = re.compile(r"/(?![/\\])[!-\[\]-~]*")
"""A path on this hub: whatever else a link says after `next` is not followed."""
STATUS = {"sign_in_later": 429, "link_ended": 410}
WRONG = 422


def entrance(desk: Desk, frame: Frame, *, own_authority: bool = False) -> APIRouter:
    """The routes; `own_authority`: browsers have yet to be told to trust the clinic's."""
    router = APIRouter()

    def again(request: Request, status: int = 200, **content: object) -> Response:
        known = {"wrong": None, "name": "", "next": _next(request), "anybody": True, "own_authority": own_authority}
        return frame.show(request, "sign-in.html", known | content, status=status)

    @router.get("/sign-in")
    async def ask(request: Request, person: Annotated[Person, OPEN]) -> Response:
        if person.role in ROLES:
            return _on(request)
        anybody = bool(await run_in_threadpool(desk.people.accounts))
        return again(request, anybody=anybody)

    @router.post("/sign-in", dependencies=[OPEN])
    async def sign_in(request: Request) -> Response:
        fields = form(request)
        name = fields.get("name", "")
        try:
            visit = await desk.sign_in(request, name, fields.get("password", ""))
        except AccountError as error:
            return again(request, STATUS.get(error.key, WRONG), wrong=error.key, name=name)
        response = _on(request)
        give(response, request, visit)
        return response

    @router.post("/sign-out")
    def sign_out(request: Request, person: Annotated[Person, needs(*ROLES)]) -> Response:
        desk.sign_out(request, person)
        response = RedirectResponse(f"/sign-in?lang={language(request).code}", 303)
        take(response, request)
        return response

    @router.get("/welcome/{code}", dependencies=[OPEN])
    def welcome(request: Request, code: str) -> Response:
        good, whose = desk.people.invited(code, desk.now)
        content = {"good": good, "whose": whose, "wrong": None, "name": "", "shortest": SHORTEST}
        return frame.show(request, "welcome.html", content, status=200 if good else 410)

    @router.post("/welcome/{code}", dependencies=[OPEN])
    async def choose_password(request: Request, code: str) -> Response:
        fields = form(request)
        name = fields.get("name", "")
        try:
            visit = await desk.welcome(request, code, name, fields.get("password", ""), fields.get("again", ""))
        except AccountError as error:
            good, whose = await run_in_threadpool(desk.people.invited, code, desk.now)
            content = {"good": good, "whose": whose, "wrong": error.key, "name": name, "shortest": SHORTEST}
            return frame.show(request, "welcome.html", content, status=STATUS.get(error.key, WRONG))
        response = RedirectResponse(f"/?lang={language(request).code}", 303)
        give(response, request, visit)
        return response

    return router


def to_sign_in(request: Request) -> Response:
    """Send somebody to sign in, and back to where they were; what a page asks for by itself takes the page along."""
    back = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    query = {"lang": language(request).code, "next": back}
    there = f"/sign-in?{urlencode(query)}"
    if "hx-request" in request.headers:
        return Response(status_code=401, headers={"HX-Redirect": there})
    return RedirectResponse(there, 303)


def _next(request: Request) -> str:
    wanted = request.query_params.get("next", "")
    return wanted if LOCAL.fullmatch(wanted) else f"/?lang={language(request).code}"


def _on(request: Request) -> RedirectResponse:
    return RedirectResponse(_next(request), 303)
