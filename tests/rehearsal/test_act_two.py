from pathlib import Path

import pytest
from click.testing import CliRunner

import app.rehearsal
from app.conversation.conversation import Conversation
from app.conversation.score import load
from app.conversation.vocabulary import FRAMES_PER_S, Turn
from app.cues.policy import Policy
from app.hearing.seats import Role
from app.rehearsal.act_two import main

SCORE = Path(app.rehearsal.__file__).parent / "acts" / "fifteen-minutes.score"


def test_the_shipped_score_is_what_its_command_writes(tmp_path: Path) -> None:
    written = CliRunner().invoke(main, ["--out", str(tmp_path / "act.score")])
    assert written.exit_code == 0, written.output
    assert (tmp_path / "act.score").read_text() == SCORE.read_text()


def test_both_cues_show_and_none_too_early() -> None:
    score = load(SCORE)
    assert score.frames == 15 * 60 * FRAMES_PER_S
    conversation, policy = Conversation(score.seats), Policy()
    shown: list[tuple[str, float]] = []
    for activity in score.activity():
        conversation.follow(activity)
        now = conversation.now
        shown += [(cue, now.frame / FRAMES_PER_S) for cue in policy.decide(now).started]
    assert [cue for cue, _ in shown] == ["floor_held_long", "cannot_measure", "floor_held_long"]
    assert [at for _, at in shown] == pytest.approx([432, 572, 822], abs=6)


def test_the_first_long_turn_falls_where_no_cue_may_show() -> None:
    score = load(SCORE)
    conversation = Conversation(score.seats)
    events = [event for activity in score.activity() for event in conversation.follow(activity)]
    events += conversation.finish()
    long = [e for e in events if isinstance(e, Turn) and e.seconds > 75 and score.seats[e.seat].role is Role.THERAPIST]
    assert len(long) == 3
    assert long[0].end_s < 5 * 60
