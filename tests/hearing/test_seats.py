import pytest

from app.hearing.seats import Role, Seat, SeatError, parse_seats


def test_the_role_follows_from_the_name() -> None:
    assert parse_seats("therapist=30,client-2=-90") == (
        Seat("therapist", Role.THERAPIST, 30.0),
        Seat("client-2", Role.CLIENT, 270.0),
    )


def test_a_given_role_wins() -> None:
    assert parse_seats("window:client=30,therapist-chair:client=150")[1].role is Role.CLIENT


def test_a_name_without_a_role_has_none() -> None:
    assert parse_seats("window=10")[0].role is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("client=30,client=90", "given twice"),
        ("client", "is not a seat"),
        ("=30", "is not a seat"),
        ("client=north", "is not a seat"),
        ("client:patient=30", "is not a seat"),
        ("client=nan", "is not a seat"),
        ("client=30,therapist=35", "degrees apart"),
        ("client=355,therapist=5", "degrees apart"),
        ("a=0,b=30,c=60,d=90,e=120,f=150,g=180", "too many"),
    ],
)
def test_seats_that_cannot_be_say_why(text: str, says: str) -> None:
    with pytest.raises(SeatError, match=says):
        parse_seats(text)
