"""Which cues are on and from when: four ways of working to begin from, each number free to be set."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

LONG_OUTSIDE = 120.0
"""s; outside motivational interviewing a minute of explanation is nothing to be told about."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Which cues are on and from when; `cannot_measure` is always on."""

    floor_held_long: bool = True
    mostly_you: bool = True
    silence_held: bool = False
    check_in: bool = True
    long_turn: float = 60.0
    """Seconds of a therapist's turn before floor_held_long."""
    mostly_you_share: float = 0.8
    """The therapist's share of the last three minutes' talk from which mostly_you comes, 0..1."""
    silence: float = 10.0
    """Seconds of silence before silence_held."""

    def with_own(self, own: Mapping[str, Any]) -> Self:
        """The same with what was set by hand, by name; None is not set. Raises TypeError for an unknown name."""
        return replace(self, **{name: value for name, value in own.items() if value is not None})

    @property
    def on(self) -> tuple[str, ...]:
        """The ids of the cues that may come."""
        switched = ("floor_held_long", "mostly_you", "silence_held", "check_in")
        return ("cannot_measure", *(cue for cue in switched if getattr(self, cue)))


@dataclass(frozen=True, slots=True)
class Preset:
    """A way of working."""

    title: str
    choice: Choice
    why: str
    """Where its numbers come from, in a sentence or two."""


PRESETS: dict[str, Preset] = {
    "motivational_interviewing": Preset(
        "Motivational interviewing",
        Choice(),
        "In high-quality AnnoMI 99 % of therapist turns are 32 s or less, the longest of 4,425 is 75 s. A share of .8 "
        "over three minutes comes 1.5 times an hour there, 5.2 times in low quality; .7 would come in 26 of "
        "85 good ones.",
    ),
    "psychodynamic": Preset(
        "Psychodynamic",
        Choice(long_turn=LONG_OUTSIDE, silence_held=True),
        "Clinical teaching is to hold a silence, so silence_held is on to say that nobody need act. That is teaching, "
        "not evidence: timing cannot tell a good silence from a bad one.",
    ),
    "cbt": Preset(
        "Cognitive behavioural",
        Choice(long_turn=LONG_OUTSIDE, mostly_you=False),
        "Explaining and planning are part of the method, and the share of .8 was only ever looked at in motivational "
        "interviewing: mostly_you is off.",
    ),
    "couples": Preset(
        "Couples and families",
        Choice(long_turn=LONG_OUTSIDE),
        "The clients' talk adds up, so the share keeps its meaning with two to five of them; nothing is told about how "
        "they share it among themselves.",
    ),
}
"""Only motivational interviewing has data behind its numbers; the others are custom, and say so."""

DEFAULT = "motivational_interviewing"
