"""The panels where the owner declares: how many therapists there are, that they agree, and rooms that many use."""

from collections.abc import Callable

from fastapi import APIRouter, Request, Response

from app.hub.accounts import Person, form
from app.hub.board import PAGE, page_of
from app.hub.declarations import MOST_THERAPISTS, Declarations
from app.hub.declared import Declared
from app.hub.desk import Desk
from app.hub.errors import DeclarationError
from app.hub.frame import language
from app.hub.journal import By
from app.hub.rounds import Rounds, Ward
from app.hub.settings_page import Owner, Panel, SettingsPage
from app.hub.trends import MIN_THERAPISTS
from app.hub.wards import Choice
from app.hub.words import Words

YES = "yes"
"""What a ticked box sends: nothing is declared by a form without one."""


def declaring(page: SettingsPage, declarations: Declarations, rounds: Rounds, desk: Desk) -> APIRouter:
    """Add the panels; the routes of their forms."""
    router = APIRouter()
    _of_therapists(router, page, declarations, desk)
    _of_rooms(router, page, declarations, rounds, desk)
    return router


def _of_therapists(router: APIRouter, page: SettingsPage, declarations: Declarations, desk: Desk) -> None:
    done = ("count_kept", "agreement_kept", "agreement_ended")
    page.add(Panel("therapists", "settings/therapists.html", lambda _request: _therapists(declarations), done))

    def change(request: Request, person: Person, key: str, do: Callable[[By], None]) -> Response:
        return _changed(page, request, person, "therapists", key, lambda: do(desk.by(request, person)))

    @router.post("/settings/therapists")
    def count(request: Request, person: Owner) -> Response:
        many = _number(form(request).get("therapists", ""))
        return change(request, person, "count_kept", lambda by: declarations.count(many, desk.now, by))

    @router.post("/settings/agreement")
    def agree(request: Request, person: Owner) -> Response:
        def record(by: By) -> None:
            _ticked(request)
            declarations.agree(True, desk.now, by)

        return change(request, person, "agreement_kept", record)

    @router.post("/settings/agreement/end")
    def end(request: Request, person: Owner) -> Response:
        return change(request, person, "agreement_ended", lambda by: declarations.agree(False, desk.now, by))


def _of_rooms(router: APIRouter, page: SettingsPage, declarations: Declarations, rounds: Rounds, desk: Desk) -> None:
    done = ("room_opened", "room_closed")

    def these(request: Request) -> dict[str, object]:
        return _rooms(request, declarations, rounds, desk.now)

    page.add(Panel("rooms", "settings/rooms.html", these, done))

    @router.post("/settings/room")
    def declare(request: Request, person: Owner) -> Response:
        def record() -> None:
            _ticked(request)
            declarations.declare_room(_device(request, rounds), True, desk.now, desk.by(request, person))

        return _changed(page, request, person, "rooms", "room_opened", record)

    @router.post("/settings/room/end")
    def withdraw(request: Request, person: Owner) -> Response:
        def record() -> None:
            declarations.declare_room(_device(request, rounds), False, desk.now, desk.by(request, person))

        return _changed(page, request, person, "rooms", "room_closed", record)


def _changed(
    page: SettingsPage, request: Request, person: Person, panel: str, key: str, do: Callable[[], None]
) -> Response:
    """Do it, and say so in its panel, or why not."""
    try:
        do()
    except DeclarationError as error:
        return page.show(request, person, 409, error.key, panel)
    return page.changed(request, panel, key)


def _therapists(declarations: Declarations) -> dict[str, object]:
    declared = declarations.read()
    return {"declared": declared, "few": declared.therapists < MIN_THERAPISTS, "most": MOST_THERAPISTS}


def _rooms(request: Request, declarations: Declarations, rounds: Rounds, now: int) -> dict[str, object]:
    declared, say, every = declarations.read(), language(request), Choice()
    number, pages = page_of(request.query_params.get("page", "1"), rounds.count(every, now))
    part = rounds.wards(every, now, (number - 1) * PAGE, PAGE)
    return {
        "rooms": [_room(ward, declared, say) for ward in part],
        "few": declared.therapists < MIN_THERAPISTS,
        "page": number,
        "pages": pages,
    }


def _room(ward: Ward, declared: Declared, say: Words) -> dict[str, object]:
    """A room's line: its name, whether it stands declared, and who said so when."""
    spell = declared.spell(ward.room.device)
    standing = say("room_undeclared")
    if spell is not None:
        said = (spell.ended_by, spell.ends) if spell.ends is not None else (spell.who, spell.begins)
        key = "room_withdrawn" if spell.ends is not None else "room_declared"
        standing = say(key, who=said[0] or say("somebody_terminal"), when=say.moment(said[1])[0])
    return {
        "device": ward.room.device,
        "name": ward.name,
        "standing": standing,
        "declared": spell is not None and spell.ends is None,
    }


def _device(request: Request, rounds: Rounds) -> str:
    device = form(request).get("device", "")
    if rounds.ward(device) is None:
        raise DeclarationError(f"there is no room '{device}'", "room_unknown")
    return device


def _ticked(request: Request) -> None:
    if form(request).get("sure") != YES:
        raise DeclarationError("nothing is declared without its box ticked", "not_ticked")


def _number(text: str) -> int:
    plain = text.strip()
    return int(plain) if plain.isascii() and plain.isdigit() and len(plain) <= len(str(MOST_THERAPISTS)) else -1
