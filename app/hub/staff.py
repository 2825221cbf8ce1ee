"""The page of people: who may sign in, as what, and by which link."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from app.hub.accounts import Person, Role, form, needs
from app.hub.desk import Desk
from app.hub.errors import AccountError
from app.hub.frame import Frame, language
from app.hub.journal import By
from app.hub.people import ROLES


def staff(desk: Desk, frame: Frame) -> APIRouter:
    """The routes."""
    router = APIRouter()

    def show(request: Request, person: Person, status: int = 200, **said: str) -> Response:
        known = {"wrong": None, "link": None, "whose": None, "path": "/people"}
        content = {"accounts": desk.people.accounts(), "roles": ROLES, **known, **said}
        return frame.show(request, "people.html", content, person, status)

    def change(request: Request, person: Person, do: Callable[[str, By], str | None]) -> Response:
        whose = form(request).get("name", "")
        try:
            code = do(whose, desk.by(request, person))
        except AccountError as error:
            return show(request, person, 409, wrong=error.key)
        if code is None:
            return RedirectResponse(f"/people?lang={language(request).code}", 303)
        return show(request, person, link=f"{request.url.replace(path='', query='')}/welcome/{code}", whose=whose)

    @router.get("/people")
    def people(request: Request, person: Annotated[Person, needs(Role.OWNER)]) -> Response:
        return show(request, person)

    @router.post("/people/add")
    def add(request: Request, person: Annotated[Person, needs(Role.OWNER)]) -> Response:
        return change(request, person, lambda name, by: desk.people.add(name, _role(request), desk.now, by))

    @router.post("/people/role")
    def change_role(request: Request, person: Annotated[Person, needs(Role.OWNER)]) -> Response:
        return change(request, person, lambda name, by: desk.people.change_role(name, _role(request), desk.now, by))

    @router.post("/people/reset")
    def reset(request: Request, person: Annotated[Person, needs(Role.OWNER)]) -> Response:
        return change(request, person, lambda name, by: desk.people.reset(name, desk.now, by))

    @router.post("/people/disable")
    def disable(request: Request, person: Annotated[Person, needs(Role.OWNER)]) -> Response:
        return change(request, person, lambda name, by: desk.people.disable(name, desk.now, by))

    return router


def _role(request: Request) -> Role:
    try:
        return Role(form(request).get("role", ""))
    except ValueError:
        raise AccountError("choose one of the roles", "role_unknown") from None
