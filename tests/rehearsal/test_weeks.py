import math

import numpy as np
import pytest

from app.catalogue import RELEASED
from app.rehearsal.weeks import ROOMS, SESSION_S, sessions_in, simulate


def test_a_session_follows_from_its_numbers_alone() -> None:
    first = simulate(1, 2, 3, 4)
    simulate(1, 0, 0, 0)
    assert simulate(1, 2, 3, 4) == first
    assert (
        len({simulate(*key).values["therapist_talk_share"] for key in ((1, 2, 3, 5), (1, 2, 4, 4), (2, 2, 3, 4))}) == 3
    )


def test_a_session_has_the_six_numbers_that_may_leave_and_could_be_measured() -> None:
    for index in range(10):
        session = simulate(5, 1, 0, index)
        assert session.values.keys() == {metric.id for metric in RELEASED}
        assert all(value is not None and math.isfinite(value) for value in session.values.values())
        assert SESSION_S - 61 <= session.measured_s <= SESSION_S


def test_weeks_have_about_25_sessions_and_some_too_few_for_a_release() -> None:
    weeks = [[sessions_in(1, room, week) for week in range(12)] for room in range(len(ROOMS))]
    assert 20 < np.mean(weeks) < 30
    assert any(count < 20 for room in weeks for count in room)
    assert all(sum(count >= 20 for count in room) >= 10 for room in weeks)


def test_rooms_differ_mildly_and_stay_inside_the_public_ranges() -> None:
    shares = []
    for room in range(3):
        sessions = [simulate(3, room, 0, index).values for index in range(12)]
        shares.append(np.mean([session["therapist_talk_share"] or 0.0 for session in sessions]))
        for metric in RELEASED:
            assert metric.released is not None
            low, high = metric.released
            inside = [low <= (session[metric.id] or 0.0) <= high for session in sessions]
            assert np.mean(inside) > 0.8, metric.id
    assert shares == pytest.approx([0.35, 0.40, 0.30], abs=0.1)
    assert max(shares) - min(shares) > 0.02
