import numpy as np
import pytest

from app.hearing.activity import Activity
from app.hearing.seats import parse_seats
from app.room.greeting import Greeting

SEATS = parse_seats("therapist=30,client=150,client-2=270")


def greet(order: str) -> list[str | None]:
    """What is said after each sentence of 1.2 s, by the seats' numbers; `*` is all at once."""
    greeting, said = Greeting(SEATS), []
    for who in order:
        for first in range(0, 120, 4):
            seats = np.zeros((4, len(SEATS)), np.float32)
            seats[:, range(len(SEATS)) if who == "*" else int(who)] = 0.9
            trouble = greeting.follow(Activity(first, seats.max(1), seats, np.ones(4, np.bool_)))
        said.append(trouble)
    return said


@pytest.mark.parametrize("order", ["012", "0121210", "*012", "0*0012"])
def test_who_speaks_in_the_seats_order_is_welcome(order: str) -> None:
    assert set(greet(order)) == {None}


@pytest.mark.parametrize(("order", "place"), [("102", 0), ("021", 1), ("201", 0)])
def test_whoever_speaks_from_anothers_seat_is_noticed_for_good(order: str, place: int) -> None:
    said = greet(order)
    assert said[:place] == [None] * place
    assert len(set(said[place:])) == 1
    expected = SEATS[place].name
    found = SEATS[int(order[place])].name
    assert (said[-1] or "").startswith(f"the {expected} was to speak and a voice came from the {found}'s seat: change")


def test_one_seat_or_none_has_nobody_to_be_swapped_with() -> None:
    activity = Activity(0, np.ones(200, np.float32), np.ones((200, 1), np.float32), np.ones(200, np.bool_))
    assert Greeting(SEATS[:1]).follow(activity) is None
