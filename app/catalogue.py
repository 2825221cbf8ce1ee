"""Every metric and cue as data: name, unit, range, grade and words. It imports nothing of ours; all may import it."""

from dataclasses import dataclass
from enum import Enum
from itertools import product


class Grade(Enum):
    """How good the evidence is that a number goes with anything; no A exists."""

    B = "moderate"
    C = "weak"
    D = "descriptive"


class Needs(Enum):
    """How much a metric needs before it is shown, and the sentence when it has less."""

    MEDIAN = "fewer than 5 events"
    P90 = "fewer than 10 events"
    SHARE = "less than 60 s of speech"
    RATE = "less than 60 s measured"
    NOTHING = ""


@dataclass(frozen=True, slots=True)
class Metric:
    """One number that describes the timing of a session."""

    id: str
    title: str
    formula: str
    unit: str
    grade: Grade
    needs: Needs
    evidence: str
    does_not_say: str
    """What a reader may be tempted to see in it, in one sentence."""
    released: tuple[float, float] | None = None
    """The public range its values are clamped to when it is released; None: it never leaves the room."""
    needs_roles: bool = True
    """False where a metric makes sense without knowing who is the therapist."""
    needs_seats: bool = True
    """False where it makes sense without even knowing how many speak."""
    possible: tuple[float | None, float | None] = (0.0, None)
    """The least and the most the value can be; None: no bound."""


SHARE = (0.0, 1.0)

METRICS: tuple[Metric, ...] = (
    Metric(
        "therapist_talk_share",
        "Therapist's share of talk",
        "T / (T + C): seconds of speech in floor turns, without inner pauses and listener responses",
        "1",
        Grade.C,
        Needs.SHARE,
        "AnnoMI: AUC .673 [.56, .78]; under one half is a convention of motivational interviewing",
        "It does not say who led the conversation, nor that less is better in every kind of therapy.",
        released=(0.0, 1.0),
        possible=SHARE,
    ),
    Metric(
        "therapist_turn_median",
        "Median length of therapist turns",
        "median length of therapist turns, from the start of the first to the end of the last unit",
        "s",
        Grade.B,
        Needs.MEDIAN,
        "AnnoMI: AUC .738 [.61, .86]",
        "It does not say what a turn was for: an explanation and a summary both take long.",
        released=(0.0, 20.0),
    ),
    Metric(
        "therapist_turn_p90",
        "Long end of therapist turns",
        "90th percentile of the length of therapist turns, interpolated between neighbours",
        "s",
        Grade.B,
        Needs.P90,
        "AnnoMI: AUC .724",
        "It does not say how often turns were long: one in ten is, by definition.",
        released=(0.0, 60.0),
    ),
    Metric(
        "long_turn_share",
        "Time in therapist turns over 15 s",
        "time in therapist turns > 15 s / measured time",
        "1",
        Grade.B,
        Needs.RATE,
        "AnnoMI: AUC .729",
        "It does not say that a long turn was too long.",
        possible=SHARE,
    ),
    Metric(
        "client_turn_median",
        "Median length of client turns",
        "median length of client turns, from the start of the first to the end of the last unit",
        "s",
        Grade.D,
        Needs.MEDIAN,
        "AnnoMI: AUC .576, not significant",
        "It does not say how open or how willing a client was.",
    ),
    Metric(
        "switches_per_minute",
        "Changes of floor",
        "changes of floor / measured minutes",
        "1/min",
        Grade.C,
        Needs.RATE,
        "AnnoMI: AUC .693, reversed",
        "It does not say whether a change was smooth, wanted or an interruption.",
        released=(0.0, 15.0),
        needs_roles=False,
    ),
    Metric(
        "listener_responses",
        "Therapist's listener responses",
        "therapist listener responses / minute of client talk",
        "1/min",
        Grade.C,
        Needs.SHARE,
        "AnnoMI: AUC .69, reversed",
        "It does not say how well somebody listened: nods and looks are not heard.",
    ),
    Metric(
        "silence_share",
        "Share of silence",
        "time outside every unit / measured time",
        "1",
        Grade.C,
        Needs.RATE,
        "contradictory literature",
        "It does not say whether silence was work, rest or distance.",
        released=(0.0, 0.5),
        needs_roles=False,
        needs_seats=False,
        possible=SHARE,
    ),
    Metric(
        "long_pauses",
        "Silences of 3 s and more",
        "silences >= 3 s per 10 min, all contexts",
        "1/10 min",
        Grade.C,
        Needs.RATE,
        "Daniel et al. 2018, Psychother Res 28:203; threshold after Levitt 2001",
        "It does not tell a productive silence from an obstructive one: timing cannot.",
        released=(0.0, 30.0),
        needs_roles=False,
        needs_seats=False,
    ),
    *(
        Metric(
            f"long_pauses_{before}_{after}",
            f"Silences of 3 s and more, {before} before, {after} after",
            f"silences >= 3 s per 10 min, {before} held the floor before, {after} spoke after",
            "1/10 min",
            Grade.C,
            Needs.RATE,
            "the contexts are ours",
            "It does not say why there was silence, only who spoke around it.",
        )
        for before, after in product(("client", "therapist"), repeat=2)
    ),
    Metric(
        "client_ended_share",
        "Silences after the client that the client ended",
        "client_client / (client_client + client_therapist), silences >= 3 s",
        "1",
        Grade.D,
        Needs.MEDIAN,
        "new; to be validated",
        "It does not say that the client was given time, only who spoke next.",
        possible=SHARE,
    ),
    *(
        Metric(
            f"response_offset_{before}_{after}",
            f"Offset from {before} to {after}",
            f"median floor-transfer offset, {before} to {after}: start of the next turn minus end of the last",
            "s",
            Grade.D,
            Needs.MEDIAN,
            "norms: about 200 ms (Levinson & Torreira 2015); compare within a dyad only",
            "It does not say how attentive anybody was; languages, rooms and habits differ.",
            possible=(None, None),
        )
        for before, after in (("client", "therapist"), ("therapist", "client"))
    ),
    Metric(
        "coverage",
        "Share of the session that could be measured",
        "measured minutes / open minutes",
        "1",
        Grade.D,
        Needs.NOTHING,
        "the gate for all others",
        "It does not say how well the rest was heard; the intervals of the others do.",
        needs_roles=False,
        needs_seats=False,
        possible=SHARE,
    ),
)

BY_ID: dict[str, Metric] = {metric.id: metric for metric in METRICS}

RELEASED: tuple[Metric, ...] = tuple(metric for metric in METRICS if metric.released)
"""The six that leave the room, noised and many sessions together."""


@dataclass(frozen=True, slots=True)
class Cue:
    """A wish to be noticed, in words; its light is in app/cues/lamp.py."""

    id: str
    when: str
    glow: str
    """Its light in words: colour and shape."""


CUES: tuple[Cue, ...] = (
    Cue("cannot_measure", "the room cannot be measured now; holds back other cues", "amber, steady, very dim"),
    Cue("floor_held_long", "the therapist's turn has lasted long", "amber, one slow rise and fall"),
    Cue("mostly_you", "most of the last three minutes' talk was the therapist's", "amber, two slow breaths"),
    Cue("silence_held", "it has been silent for a while; no need to act", "blue, steady, very dim"),
    Cue("check_in", "five minutes before the planned end: time to ask the client", "blue, two slow breaths"),
)
