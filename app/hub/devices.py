"""The page of devices: add a room, rename it, have its unit change its key, shut its unit out."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from app.hub.accounts import Person, Role, form, needs
from app.hub.board import PAGE, page_of
from app.hub.desk import Desk
from app.hub.device_views import device_view
from app.hub.drawer import Drawer
from app.hub.fleet import LONGEST_NAME, Fleet, Refusal
from app.hub.frame import Frame, language
from app.hub.journal import Deed
from app.hub.registry import MOST_DAYS

DONE = ("renamed", "revoked", "rotating")
Reader = Annotated[Person, needs(Role.TECH, Role.AUDITOR)]
Keeper = Annotated[Person, needs(Role.TECH)]


def devices(fleet: Fleet, drawer: Drawer, desk: Desk, frame: Frame) -> APIRouter:
    """The routes."""
    router = APIRouter()
    page = _Page(fleet, desk, frame)

    @router.get("/devices")
    def read(request: Request, person: Reader) -> Response:
        return page.show(request, person)

    _invitations(router, page, fleet, drawer, desk)
    _changes(router, page, fleet, desk)
    return router


class _Page:
    """The page, with what was just done or not done on it."""

    def __init__(self, fleet: Fleet, desk: Desk, frame: Frame) -> None:
        self._fleet, self._desk, self._frame = fleet, desk, frame

    def show(self, request: Request, person: Person, status: int = 200, **news: object) -> Response:
        say, query, now = language(request), request.query_params, self._desk.now
        number, pages = page_of(query.get("page", "1"), self._fleet.count())
        part = self._fleet.page(now, (number - 1) * PAGE, PAGE)
        asked = self._fleet.asked([member.device for member in part], now)
        done = query.get("done", "")
        named = self._fleet.named(query.get("room", ""), now) if done else ""
        content = {
            "devices": [device_view(member, asked[member.device], now, say) for member in part],
            "reachable": self._fleet.reachable,
            "may": person.may(Role.TECH),
            "page": number,
            "pages": pages,
            "longest": LONGEST_NAME,
            "most_days": MOST_DAYS,
            "done": say(f"done_{done}", room=named) if done in DONE and named else "",
            "wrong": "",
            "invited": None,
            "wanted": "",
        }
        return self._frame.show(request, "devices.html", content | news, person, status=status)

    def refuse(self, request: Request, person: Person, refusal: Refusal, wanted: str = "") -> Response:
        wrong = language(request)(refusal.key, detail=refusal.detail)
        return self.show(request, person, 409, wrong=wrong, wanted=wanted)


def _invitations(router: APIRouter, page: _Page, fleet: Fleet, drawer: Drawer, desk: Desk) -> None:
    @router.post("/devices/add")
    def add(request: Request, person: Keeper) -> Response:
        fields = form(request)
        wanted = fields.get("name", "")
        try:
            text, name, device = fleet.add(wanted, fields.get("days", ""), desk.now)
        except Refusal as refusal:
            return page.refuse(request, person, refusal, wanted)
        desk.note(request, person, Deed.CHANGED, f"room {device} added")
        invited = {"name": name, "device": device, "text": text, "key": drawer.put(text, person.name)}
        return page.show(request, person, invited=invited)

    @router.post("/devices/file")
    def take(request: Request, person: Keeper) -> Response:
        text = drawer.take(form(request).get("key", ""), person.name)
        if text is None:
            return page.show(request, person, 410, wrong=language(request)("file_gone"))
        headers = {"Content-Disposition": 'attachment; filename="fermata.toml"'}
        return Response(text, media_type="application/toml", headers=headers)


def _changes(router: APIRouter, page: _Page, fleet: Fleet, desk: Desk) -> None:
    def change(request: Request, person: Person, done: str, do: Callable[[str], None]) -> Response:
        device = form(request).get("device", "")
        try:
            do(device)
        except Refusal as refusal:
            return page.refuse(request, person, refusal)
        desk.note(request, person, Deed.CHANGED, f"room {device} {done}")
        return RedirectResponse(f"/devices?lang={language(request).code}&done={done}&room={device}", 303)

    @router.post("/devices/rename")
    def rename(request: Request, person: Keeper) -> Response:
        name = form(request).get("name", "")
        return change(request, person, "renamed", lambda device: fleet.rename(device, name, desk.now))

    @router.post("/devices/rotate")
    def rotate(request: Request, person: Keeper) -> Response:
        return change(request, person, "rotating", lambda device: fleet.rotate(device, desk.now))

    @router.post("/devices/revoke")
    def revoke(request: Request, person: Keeper) -> Response:
        return change(request, person, "revoked", lambda device: fleet.revoke(device, desk.now))
