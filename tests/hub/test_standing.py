"""How rooms stand, asked of the database, is how it is said of one room."""

from collections.abc import Iterator
from contextlib import closing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from app.hub.rooms import Presence
from app.hub.rounds import Census, Rounds, Ward
from app.hub.standing import CERTIFICATE_S
from app.hub.tables import HEALTH, ROOMS
from app.hub.ward_views import needs_a_look
from app.hub.wards import Choice
from tests.hub.databases import Anew, in_memory

NOW = 1_790_000_000


def near(edge: int) -> st.SearchStrategy[int | None]:
    return st.sampled_from([None, edge - 100_000, edge - 1, edge, edge + 1, edge + 100_000])


HEALTHS = st.fixed_dictionaries(
    {
        "simulated": st.sampled_from([None, False, True]),
        "state": st.sampled_from([None, "birth", "death"]),
        "heartbeat": near(NOW - 900),
        "microphones": st.sampled_from([None, "ok", "fault", "unknown"]),
        "waiting": st.sampled_from([None, 0, 2, 3]),
    }
)
NAMES = st.text("aAäÄßéZz-_%/\\ 1", min_size=1, max_size=6)
ROOM = st.fixed_dictionaries(
    {
        "health": st.one_of(st.none(), HEALTHS),
        "name": st.one_of(st.none(), NAMES),
        "revoked": st.booleans(),
        "ends": near(NOW + CERTIFICATE_S),
    }
)


def fill(connection: Connection, rooms: list[dict[str, object]]) -> None:
    for table in (HEALTH, ROOMS):
        connection.execute(table.delete())
    for number, room in enumerate(rooms):
        device = f"room-{number}"
        if isinstance(room["health"], dict):
            connection.execute(HEALTH.insert().values(device=device, messages=0, **room["health"]))
        if isinstance(room["name"], str):
            revoked = NOW if room["revoked"] else None
            row = {
                "device": device,
                "name": room["name"],
                "folded": room["name"].casefold(),
                "joining": 1,
                "added": NOW,
            }
            connection.execute(ROOMS.insert().values(**row, revoked=revoked, certificate_ends=room["ends"]))


@pytest.fixture(scope="module")
def rounds(anew: Anew) -> Iterator[Rounds]:
    with closing(Rounds(in_memory(anew()))) as rounds:
        yield rounds


@settings(max_examples=60)
@given(rooms=st.lists(ROOM, max_size=8), wanted=NAMES)
def test_the_board_counts_finds_and_orders_as_one_does_room_by_room(
    rooms: list[dict[str, object]], wanted: str, rounds: Rounds
) -> None:
    with rounds._engine.begin() as connection:
        fill(connection, rooms)
    wards = rounds.wards(Choice(), NOW)
    expected = [
        f"room-{number}"
        for number, room in enumerate(rooms)
        if (room["name"] is not None and not room["revoked"]) or (room["name"] is None and room["health"] is not None)
    ]
    assert sorted(ward.room.device for ward in wards) == sorted(expected)
    assert wards == sorted(wards, key=lambda ward: (ward.name.casefold(), ward.room.device))
    look = [ward for ward in wards if needs_a_look(ward, NOW)]
    well = [ward for ward in wards if ward.room.presence(NOW) is Presence.ONLINE and ward not in look]
    found = [ward for ward in wards if named(ward, wanted)]
    assert rounds.census(NOW) == Census(len(wards), len(look), len(well))
    for choice, chosen in ((Choice(look=True), look), (Choice(wanted=wanted), found)):
        assert rounds.wards(choice, NOW) == chosen
        assert rounds.count(choice, NOW) == len(chosen)
        assert rounds.wards(choice, NOW, 1, 2) == chosen[1:3]
    for ward in wards:
        assert rounds.ward(ward.room.device) == ward


def named(ward: Ward, wanted: str) -> bool:
    letters = wanted.strip().casefold()
    return letters in ward.name.casefold() or letters in ward.room.device
