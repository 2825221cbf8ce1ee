"""Every metric and cue as data: name, unit, range, grade and words. It imports nothing of ours; all may import it."""

from dataclasses import dataclass
from enum import Enum


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
    released: tuple[float, float] | None = None
    """The public range its values are clamped to when it is released; None: it never leaves the room."""
    needs_roles: bool = True
    """False where a metric makes sense without knowing who is the therapist."""


METRICS: tuple[Metric, ...] = (
    Metric(
        "therapist_talk_share",
        "Therapist's share of talk",
        "T / (T + C)",
        "1",
        Grade.C,
        Needs.SHARE,
        "AnnoMI: AUC .673 [.56, .78]",
        released=(0.0, 1.0),
    ),
    Metric(
        "therapist_turn_median",
        "Median length of therapist turns",
        "median length of therapist turns",
        "s",
        Grade.B,
        Needs.MEDIAN,
        "AnnoMI: AUC .738 [.61, .86]",
        released=(0.0, 20.0),
    ),
    Metric(
        "therapist_turn_p90",
        "Long end of therapist turns",
        "90th percentile of the length of therapist turns",
        "s",
        Grade.B,
        Needs.P90,
        "AnnoMI: AUC .724",
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
    ),
    Metric(
        "client_turn_median",
        "Median length of client turns",
        "median length of client turns",
        "s",
        Grade.D,
        Needs.MEDIAN,
        "AnnoMI: AUC .576, not significant",
    ),
    Metric(
        "switches_per_minute",
        "Changes of floor",
        "changes of floor / measured minutes",
        "1/min",
        Grade.C,
        Needs.RATE,
        "AnnoMI: AUC .693, reversed",
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
    ),
    Metric(
        "silence_share",
        "Share of silence",
        "time outside every unit / measured time",
        "1",
        Grade.C,
        Needs.RATE,
        "contradictory literature",
        released=(0.0, 0.5),
        needs_roles=False,
    ),
    Metric(
        "long_pauses",
        "Silences of 3 s and more",
        "silences >= 3 s per 10 min, all contexts",
        "1/10 min",
        Grade.C,
        Needs.RATE,
        "Daniel et al. 2018, Psychother Res 28:203; threshold after Levitt 2001",
        released=(0.0, 30.0),
        needs_roles=False,
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
        )
        for before, after in (
            ("client", "client"),
            ("client", "therapist"),
            ("therapist", "client"),
            ("therapist", "therapist"),
        )
    ),
    Metric(
        "client_ended_share",
        "Silences after the client that the client ended",
        "client_client / (client_client + client_therapist)",
        "1",
        Grade.D,
        Needs.MEDIAN,
        "new; to be validated",
    ),
    Metric(
        "response_offset_client_therapist",
        "Offset from client to therapist",
        "median floor-transfer offset, client to therapist",
        "s",
        Grade.D,
        Needs.MEDIAN,
        "norms: about 200 ms (Levinson & Torreira 2015); compare within a dyad only",
    ),
    Metric(
        "response_offset_therapist_client",
        "Offset from therapist to client",
        "median floor-transfer offset, therapist to client",
        "s",
        Grade.D,
        Needs.MEDIAN,
        "norms: about 200 ms (Levinson & Torreira 2015); compare within a dyad only",
    ),
    Metric(
        "coverage",
        "Share of the session that could be measured",
        "measured minutes / open minutes",
        "1",
        Grade.D,
        Needs.NOTHING,
        "the gate for all others",
        needs_roles=False,
    ),
)

RELEASED: tuple[Metric, ...] = tuple(metric for metric in METRICS if metric.released)
"""The six that leave the room, noised and many sessions together."""


@dataclass(frozen=True, slots=True)
class Cue:
    """A wish to be noticed, in words; its light is in app/cues/lamp.py."""

    id: str
    when: str
    glow: str


CUES: tuple[Cue, ...] = (
    Cue("cannot_measure", "the room cannot be measured now; holds back other cues", "amber, steady, very dim"),
    Cue("floor_held_long", "the therapist's turn has lasted long", "amber, one slow rise and fall"),
)
