"""Whatever happens in a room, the lamp keeps its rules; `make storms` tries far more of the same."""

from collections.abc import Callable

import pytest

from app.conversation.metrics import EXACT
from app.cues.lamp import Lights
from app.cues.policy import Policy, Sparseness
from app.cues.presets import PRESETS
from app.room.room import Room
from app.room.session import Session
from firmware.light import Light
from tests.cues.storms import Storm, run, seeds_of


@pytest.mark.parametrize("part", range(10))
def test_no_storm_breaks_a_rule(part: int) -> None:
    seen = run(seeds_of(11, 200)[part * 20 : part * 20 + 20])
    assert seen.sittings >= 20
    assert seen.kills >= 1
    assert seen.cues["cannot_measure"] > 10
    assert 6.0 <= seen.longest <= 8.0


def test_together_these_storms_show_every_cue() -> None:
    seen = run(seeds_of(2, 12))
    assert set(seen.cues) == {"cannot_measure", "floor_held_long", "mostly_you", "silence_held", "check_in"}


class Hasty(Storm):
    """A room whose policy knows no dark between two cues."""

    def room(self, lights: Lights) -> Room:
        """The same room, another policy."""
        room = super().room(lights)
        rules = Sparseness(between=0)
        room.make_session = lambda: Session(self.seats, EXACT, Policy(PRESETS[self.preset].choice, 3000, rules))
        return room


class Greedy(Storm):
    """A room whose policy has no budget and no opening."""

    def room(self, lights: Lights) -> Room:
        """The same room, another policy."""
        room = super().room(lights)
        rules = Sparseness(budget=60, opening=0)
        room.make_session = lambda: Session(self.seats, EXACT, Policy(PRESETS[self.preset].choice, 3000, rules))
        return room


class Forgetful(Storm):
    """A room whose steady light is on until somebody turns it off."""

    def room(self, lights: Lights) -> Room:
        """The same room, and a light that holds by itself."""
        room = super().room(lights)
        render = lights.at

        def at(at_s: float) -> dict[Light, float]:
            for hooded in lights._hooded.values():
                hooded.hold_on(at_s)
            return render(at_s)

        lights.at = at  # type: ignore[method-assign]  # on this one object
        return room


class Blind(Storm):
    """A room whose microphone light is not told that they were opened."""

    def room(self, lights: Lights) -> Room:
        """The same room, deaf to the state of its microphones."""
        lights.microphones = lambda *_: None  # type: ignore[method-assign]  # on this one object
        return super().room(lights)


@pytest.mark.parametrize("broken", [Hasty, Greedy, Forgetful, Blind], ids=lambda broken: broken.__name__)
def test_a_room_that_breaks_a_rule_is_found(broken: Callable[[int], Storm]) -> None:
    for seed in seeds_of(3, 60):
        try:
            broken(seed).blow()
        except AssertionError:
            return
    pytest.fail("sixty storms did not find it")
