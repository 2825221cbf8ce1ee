import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.room.life import Deed, Life

MINUTE = 60.0


def test_a_short_press_begins_and_ends() -> None:
    life = Life(planned_s=50 * MINUTE)
    assert life.press(0.2, 0.0) == (Deed.BEGIN,)
    assert life.press(0.2, 600.0) == (Deed.END,)


@pytest.mark.parametrize("later", [0.0, 119.0])
def test_the_last_session_can_be_withdrawn_for_two_minutes(later: float) -> None:
    life = Life(50 * MINUTE)
    life.press(0.2, 0.0)
    life.press(0.2, 600.0)
    assert life.tick(600.0 + later) == ()
    assert life.press(5.0, 600.0 + later) == (Deed.WITHDRAW,)


def test_after_two_minutes_it_is_forgotten_and_cannot_be_withdrawn() -> None:
    life = Life(50 * MINUTE)
    life.press(0.2, 0.0)
    life.press(0.2, 600.0)
    assert life.tick(720.0) == (Deed.FORGET,)
    assert life.press(5.0, 721.0) == ()


def test_beginning_anew_forgets_the_last_one_first() -> None:
    life = Life(50 * MINUTE)
    life.press(0.2, 0.0)
    life.press(0.2, 600.0)
    assert life.press(0.2, 610.0) == (Deed.FORGET, Deed.BEGIN)


def test_a_long_press_withdraws_an_open_session() -> None:
    life = Life(50 * MINUTE)
    life.press(0.2, 0.0)
    assert life.press(6.0, 30.0) == (Deed.WITHDRAW,)
    assert not life.open


def test_a_press_of_three_seconds_sets_the_seats_and_is_nothing_in_or_just_after_a_session() -> None:
    life = Life(50 * MINUTE)
    life.press(0.2, 1.0)
    assert life.press(3.5, 2.0) == ()
    life.press(0.2, 3.0)
    assert life.press(3.5, 4.0) == ()
    life.tick(200.0)
    assert life.press(3.5, 201.0, may_begin=False) == ()
    assert life.press(3.5, 201.0) == (Deed.SEAT,)


@pytest.mark.parametrize(("held_s", "deed"), [(0.2, Deed.SEATED), (3.0, Deed.UNSEAT), (6.0, Deed.UNSEAT)])
def test_a_press_ends_the_setting_of_seats(held_s: float, deed: Deed) -> None:
    life = Life(50 * MINUTE)
    life.press(3.5, 0.0)
    assert life.press(held_s, 10.0) == (deed,)
    assert life.press(0.2, 11.0) == (Deed.BEGIN,)


def test_the_setting_of_seats_ends_by_itself_when_nobody_speaks() -> None:
    life = Life(50 * MINUTE)
    life.press(3.5, 0.0)
    assert life.tick(20.0, speech=True) == ()
    assert life.tick(49.0) == ()
    assert life.tick(50.0) == (Deed.SEATED,)
    assert life.tick(500.0) == ()


def test_nothing_begins_while_the_privacy_switch_is_shut() -> None:
    life = Life(50 * MINUTE)
    assert life.press(0.2, 0.0, may_begin=False) == ()
    assert not life.open


def test_a_session_ends_ten_minutes_over_time() -> None:
    life = Life(50 * MINUTE)
    life.press(0.2, 0.0)
    assert life.tick(60 * MINUTE - 1, speech=True) == ()
    assert life.tick(60 * MINUTE, speech=True) == (Deed.END,)


def test_a_session_ends_after_fifteen_minutes_without_speech() -> None:
    life = Life(50 * MINUTE)
    life.press(0.2, 100.0)
    assert life.tick(200.0, speech=True) == ()
    assert life.tick(200.0 + 15 * MINUTE - 1) == ()
    assert life.tick(200.0 + 15 * MINUTE) == (Deed.END,)


@given(st.lists(st.tuples(st.floats(0, 8), st.floats(0.1, 2000), st.booleans()), max_size=40))
def test_every_begin_is_followed_by_one_end_or_withdrawal(events: list[tuple[float, float, bool]]) -> None:
    life, now, open_sessions = Life(50 * MINUTE), 0.0, 0
    for held, passes, speech in events:
        now += passes
        for deed in (*life.tick(now, speech), *life.press(held, now)):
            if deed is Deed.BEGIN:
                open_sessions += 1
            elif deed is Deed.END or (deed is Deed.WITHDRAW and open_sessions):
                open_sessions -= 1
            assert open_sessions in {0, 1}
        assert life.open == (open_sessions == 1)
