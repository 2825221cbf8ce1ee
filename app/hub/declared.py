"""What an owner has declared of the clinic, as values: the therapists, their agreement, and rooms that many use."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from app.hub.trends import MIN_THERAPISTS


@dataclass(frozen=True, slots=True)
class Said:
    """By whom something was declared, and when: seconds since 1970 UTC."""

    who: str
    at: int


@dataclass(frozen=True, slots=True)
class Spell:
    """A time in which a room stood declared; times in seconds since 1970 UTC."""

    begins: int
    who: str
    ends: int | None = None
    """None: it does now."""
    ended_by: str = ""


@dataclass(frozen=True, slots=True)
class Declared:
    """What holds now."""

    therapists: int = 0
    agreed: bool = False
    """The therapists of a clinic of fewer than five agree to see its metrics."""
    therapists_said: Said | None = None
    """None: the settings file says it, and nobody has said otherwise since."""
    agreed_said: Said | None = None
    """Who recorded the agreement, or withdrew it; None as above."""
    rooms: Mapping[str, tuple[Spell, ...]] = field(default_factory=dict)
    """By device, each time that it stood declared that five or more therapists use the room, in order."""

    @property
    def on(self) -> bool:
        """Whether the clinic's conversation metrics may be shown."""
        return self.therapists >= MIN_THERAPISTS or self.agreed

    def spell(self, device: str) -> Spell | None:
        """The last time that a room stood declared, if there was one."""
        spells = self.rooms.get(device)
        return spells[-1] if spells else None

    def opens(self, device: str) -> bool:
        """Whether a room stands declared, in a clinic where that can be: no agreement opens one."""
        spell = self.spell(device)
        return spell is not None and spell.ends is None and self.therapists >= MIN_THERAPISTS
