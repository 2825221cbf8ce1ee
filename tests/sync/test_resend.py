import random

from hypothesis import given
from hypothesis import strategies as st

from app.sync.resend import Backoff, Flight


@given(st.integers(1, 10_000), st.floats(0, 1, exclude_max=True))
def test_waits_lie_between_six_seconds_and_five_minutes(tries: int, chance: float) -> None:
    assert 6 <= Backoff(6, 300, lambda: chance).wait(tries) <= 300


def test_waits_double_and_two_units_do_not_march_in_step() -> None:
    steady = Backoff(6, 300, lambda: 0.0)
    assert [steady.wait(tries) for tries in range(1, 9)] == [6, 12, 24, 48, 96, 192, 300, 300]
    dice = random.Random(1)
    jittered = Backoff(6, 300, dice.random)
    assert len({jittered.wait(1) for _ in range(20)}) == 20


def test_a_message_goes_at_once_then_after_its_wait_and_never_after_landing() -> None:
    flight = Flight(Backoff(6, 300, lambda: 0.0))
    assert flight.due(7, 100.0)
    flight.sent(7, 100.0)
    assert not flight.due(7, 105.9)
    assert flight.due(7, 106.0)
    flight.sent(7, 106.0)
    assert not flight.due(7, 117.9)
    flight.landed([7, 8])
    assert flight._due == flight._tries == {}


def test_a_new_connection_sends_all_that_waits_at_once() -> None:
    flight = Flight(Backoff(6, 300, lambda: 0.0))
    flight.sent(1, 0.0)
    flight.hurry()
    assert flight.due(1, 0.1)
