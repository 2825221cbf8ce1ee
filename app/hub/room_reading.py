"""Reads of a room's own numbers: by whom they may be read, and the line that each leaves in the journal."""

from collections.abc import Callable

from fastapi import Request

from app.hub.accounts import Person, Role
from app.hub.archive import Archive
from app.hub.declared import Declared
from app.hub.desk import BY_ITSELF, Desk
from app.hub.frame import language
from app.hub.journal import Deed
from app.hub.room_numbers import RoomNumbers, room_numbers


class RoomReading:
    """The numbers of rooms for those who may read them. `declared` reads what holds now."""

    def __init__(self, archive: Archive, declared: Callable[[], Declared], desk: Desk) -> None:
        self._archive, self._declared, self._desk = archive, declared, desk

    def on_page(self, request: Request, person: Person, device: str) -> RoomNumbers | None:
        """A room's numbers; None for technicians, and for a page that fetches itself again.

        That one has them already; given again, they would go past the journal under its header.
        """
        if not person.may(Role.VIEWER) or BY_ITSELF in request.headers:
            return None
        return self._read(request, person, device, Deed.ROOM_READ, device)

    def to_export(self, request: Request, person: Person, device: str) -> RoomNumbers:
        """A room's numbers, to be taken away."""
        return self._read(request, person, device, Deed.EXPORTED, f"room {device}")

    def _read(self, request: Request, person: Person, device: str, deed: Deed, about: str) -> RoomNumbers:
        numbers = room_numbers(self._archive, device, self._declared(), self._desk.now, language(request))
        taken = numbers.worlds if deed is Deed.EXPORTED else numbers.told
        if taken and person.name:
            self._desk.note(request, person, deed, about)
        return numbers
