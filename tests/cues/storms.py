"""Storms: everything that can happen to a room at once, and every rule of light on what the lamp then showed.

`make storms` runs ten thousand. Each storm is a room unit at work, its own code from button to lamp, with microphones
and hearing written by dice: two to six seats or none, talk, silence, noise, lost sound, stalls, unplugging, the privacy
switch and its contacts, sessions begun, ended and withdrawn, other presets, a process that is killed and started again.
"""

import argparse
import os
import random
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import date
from typing import Any, cast

from app.conversation.metrics import EXACT
from app.cues.fading import RISES_APART_S
from app.cues.lamp import (
    BLINK_EVERY_S,
    CLEAR,
    LONGEST_GLOW_S,
    MICROPHONE_FADE_S,
    MICROPHONE_NIGHT,
    MICROPHONE_ON,
    Lights,
    is_steady,
)
from app.cues.policy import Policy
from app.cues.presets import PRESETS
from app.hearing.seats import Role, Seat
from app.release.ledger import Ledger
from app.room.life import Life
from app.room.room import Room
from app.room.session import Session
from app.room.source import Sound
from firmware.light import Light
from firmware.simulated import SimulatedSwitch
from tests.cues.rules import Recorder, check, lit, runs
from tests.cues.weather import STEP_S, WATCHDOG_S, Board, Ears, Microphones, Notes, Weather

SLACK_S = STEP_S + 1e-6
"""A session's own time begins with its first sound, so it is a step ahead."""
SETTLED_S = RISES_APART_S + MICROPHONE_FADE_S + 2 * STEP_S
"""By then the microphone light is true: after a rise it stays up 2 s, and a step was over before it was told."""
RESTART_S = 5.0


class WatchedLights(Lights):
    """Lights that know when they last said that a session was withdrawn."""

    def __init__(self, dimmer: float, *, night: bool) -> None:
        super().__init__(dimmer, night=night)
        self.confirmed = [-60.0]
        """Seconds."""

    def confirm(self, at_s: float) -> None:
        """Say so, and remember."""
        self.confirmed.append(at_s)
        super().confirm(at_s)


@dataclass
class Sitting:
    """One session as it was seen from outside."""

    begin: float
    end: float | None = None
    withdrawn: bool = False
    told: list[str] = field(default_factory=list)
    """The cues that the lamp was told to show."""
    moments: list[tuple[float, Any]] = field(default_factory=list)
    """When, and what the policy was told then."""


@dataclass
class Seen:
    """What all storms together have shown."""

    cues: Counter[str] = field(default_factory=Counter)
    sittings: int = 0
    kills: int = 0
    hours: float = 0.0
    longest: float = 0.0
    """Seconds of the longest glow that is not steady."""
    steps: int = 0

    def add(self, other: "Seen") -> None:
        """Sum, and the longest of both."""
        self.cues += other.cues
        self.sittings, self.kills = self.sittings + other.sittings, self.kills + other.kills
        self.hours, self.steps = self.hours + other.hours, self.steps + other.steps
        self.longest = max(self.longest, other.longest)


class Storm:
    """One storm, from its seed."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        count = self.dice.choice([0, 2, 2, 2, 3, 4, 5, 6])
        roles = [Role.THERAPIST, *[Role.CLIENT] * (count - 1)][:count]
        self.seats = tuple(Seat(f"seat {n}", role, 50.0 * n) for n, role in enumerate(roles))
        self.weather = Weather(self.dice, self.seats)
        switch = SimulatedSwitch()
        self.board = Board(Microphones(self.weather, switch), switch)
        self.notes = Notes()
        self.dimmer, self.night = self.dice.uniform(0.05, 1.0), self.dice.random() < 0.3
        self.planned_s = self.dice.uniform(8, 50) * 60
        self.preset = self.dice.choice([*PRESETS])
        self.seen = Seen()
        self.sittings: list[Sitting] = []
        self._open_since = 0.0
        self._was_open = self._was_live = False
        self._live_since = 0.0
        self._dark_since = 0.0
        self._ended_at = -60.0
        self._heard_at = self._fault_at = -60.0

    def blow(self) -> Seen:
        """Live through it, and check all there is to check. Raises AssertionError."""
        until = 60 * (self.dice.uniform(6, 12) if self.dice.random() < 0.9 else self.dice.uniform(12, 75))
        while self.weather.now < until:
            lives = min(until, self.weather.now + self.dice.choice([until, self.dice.uniform(30, 900)]))
            self.live(lives, is_last=lives >= until)
        self.seen.hours = self.weather.now / 3600
        return self.seen

    def live(self, until: float, *, is_last: bool) -> None:
        """One life of the process: till it is killed, or, the last, till it has come to rest."""
        lights = WatchedLights(self.dimmer, night=self.night)
        room, recorder = self.room(lights), Recorder(lights)
        room.recover()
        assert not any(self.board.lamp.brightness.values()), "a process begins with every light dark"
        first = len(self.sittings)
        self._was_open = self._was_live = False
        self._open_since = self._dark_since = self._live_since = self.weather.now
        while self.weather.now < until:
            self.happen(room)
            self.step(room, recorder)
        if is_last:
            self.rest(room, recorder)
        elif room.session:
            self.sittings[-1].end = self._ended_at = self.weather.now
        self.judge(recorder, self.sittings[first:])
        if not is_last:
            self.kill()

    def room(self, lights: Lights) -> Room:
        """A room unit that has just started."""
        weather = self.weather
        return Room(
            board=self.board,
            source=Sound(self.board, lambda: cast("Any", Ears(weather)), lambda: weather.now),
            ledger=cast("Ledger", self.notes),
            life=Life(self.planned_s),
            lights=lights,
            errors=EXACT,
            make_session=lambda: Session(self.seats, EXACT, Policy(PRESETS[self.preset].choice, self.planned_s)),
            clock=lambda: weather.now,
            today=lambda: date(2026, 3, 4),
        )

    def happen(self, room: Room) -> None:
        """Perhaps something happens."""
        self.weather.change_talk()
        if self.dice.random() < 0.0005:
            self.preset = self.dice.choice([*PRESETS])
        self.press(room)
        self.trouble()

    def press(self, room: Room) -> None:
        """When no session is open one is soon begun; one that is open may be ended or withdrawn."""
        now, button, said_at = self.weather.now, self.board.button, cast("WatchedLights", room.lights).confirmed[-1]
        roll = self.dice.random()
        if room.session and roll < 0.0004:
            button.press(self.dice.choice([0.3, 0.3, 4.0, 5.2]))
        elif not room.session and roll < 0.002:
            button.press(5.2)
        elif not room.session and roll < 0.05 and now - max(self._ended_at, said_at) > 12:
            button.press(0.3)

    def trouble(self) -> None:
        """Plugs, wires, the privacy switch and lost sound; what is broken is mended before long."""
        dice, weather, privacy, roll = self.dice, self.weather, self.board.privacy, self.dice.random()
        if roll < 0.0011:
            weather.plugged = False
        elif roll < 0.0021:
            privacy.move(is_open=False)
            privacy.trouble = "the two disagree" if dice.random() < 0.3 else None
        elif roll < 0.0036:
            weather.stalled_until = weather.now + dice.uniform(0.3, 12)
        elif roll < 0.0056:
            weather.lossy_until = weather.now + dice.uniform(0.3, 0.9)
        weather.plugged = weather.plugged or dice.random() < 0.04
        if not privacy.is_open() and dice.random() < 0.04:
            privacy.move(is_open=True)
            privacy.trouble = None

    def step(self, room: Room, recorder: Recorder) -> None:
        """A step of the room, and what was true when it was over."""
        before = room.session
        moment = room.step()
        if room.session is not before:
            if before is not None:
                self.sittings[-1].end = self._ended_at = self.weather.now
                self.sittings[-1].withdrawn = room.withdrew
            if room.session is not None:
                self.sittings.append(Sitting(self.weather.now))
                room._checkpoint_at = float("inf")  # costs much, and no light depends on it
        if moment is not None:
            self._heard_at = self.weather.now
            self.sittings[-1].told += moment.decided.started
            self.sittings[-1].moments.append((self.weather.now, moment.now))
        recorder.look(self.weather.now)
        self.see(room)
        self.weather.now += STEP_S
        self.seen.steps += 1

    def see(self, room: Room) -> None:
        """The microphone light against the board's true state; no hooded light without a decision."""
        now, shown = self.weather.now, self.board.lamp.brightness
        is_open, light = self.board.microphones.is_open, shown[Light.MICROPHONE]
        delivers = is_open and now - self._heard_at <= WATCHDOG_S
        if delivers is not self._was_live:
            self._was_live, self._live_since = delivers, now
        if is_open is not self._was_open:
            self._was_open, self._open_since = is_open, now
        if light < 1e-9:
            self._dark_since = now
        if self.board.privacy.trouble or (room.session and not room.source.live):
            self._fault_at = now
        if (delivers and now - self._live_since >= SETTLED_S) or (is_open and now - self._open_since >= SETTLED_S):
            assert light == (MICROPHONE_NIGHT if self.night else MICROPHONE_ON), (
                f"live and the light is {light} at {now}"
            )
        if now - self._open_since >= SETTLED_S and not is_open:
            assert light < 1e-9 or now - self._fault_at < SETTLED_S, f"off and the light is {light} at {now}"
            assert now - self._dark_since <= BLINK_EVERY_S / 2, f"off and the light stays on at {now}"
        asked = (self._heard_at, self._ended_at, cast("WatchedLights", room.lights).confirmed[-1])
        if now - max(asked) > LONGEST_GLOW_S:
            assert max(shown[Light.LEFT], shown[Light.RIGHT]) == 0.0, f"a cue is lit that nobody asks for at {now}"

    def rest(self, room: Room, recorder: Recorder) -> None:
        """The session ends; in half a minute all is dark."""
        self.board.privacy.move(is_open=True)
        self.board.privacy.trouble = None
        if room.session:
            self.board.button.press(0.3)
        for _ in range(round(30 / STEP_S)):
            self.step(room, recorder)
        assert self.board.lamp.brightness == dict.fromkeys(Light, 0.0), "something stays lit"

    def kill(self) -> None:
        """The process is gone without a word; the kernel closes the microphones, the supervisor makes it dark."""
        self.board.close()
        self.board.button.presses()
        self.weather.now += RESTART_S
        self.seen.kills += 1

    def judge(self, recorder: Recorder, sittings: list[Sitting]) -> None:
        """Every rule on what was rendered in one life of the process."""
        for light, points in recorder.points.items():
            check(points, light)
        recorder.cut(self.weather.now)
        confirmed = cast("WatchedLights", recorder.lights).confirmed

        def said_at(start: float, end: float) -> float | None:
            return next((at for at in confirmed if start < at < end), None)

        glows = [
            Glow(start, end, bright / self.full, light, rises(recorder, light, start, end), said_at(start, end))
            for light in (Light.LEFT, Light.RIGHT)
            for start, end, bright in lit(recorder.points[light])
        ]
        glows.sort(key=lambda glow: glow.start)
        for sitting in sittings:
            # What starts at its end or later says that it was withdrawn.
            end = self.weather.now if sitting.end is None else sitting.end
            self.judge_sitting(sitting, [glow for glow in glows if sitting.begin <= glow.start < end])

    def judge_sitting(self, sitting: Sitting, glows: list["Glow"]) -> None:
        """The rules of one session, and that what was shown can be read back from position and shape."""
        self.seen.sittings += 1
        cued = sitting.told
        assert len(glows) == len(cued), (glows, cued)
        for glow, told in zip(glows, cued, strict=True):
            if sitting.end is None or glow.end < sitting.end:  # else the session's end may have cut its shape
                assert glow.cue == told, (glow, told)
            self.seen.cues[told] += 1
            self.judge_start(sitting, glow, told)
            if not is_steady(told):
                assert glow.ends_by <= LONGEST_GLOW_S, glow
                self.seen.longest = max(self.seen.longest, glow.ends_by)
        for number, (glow, told) in enumerate(zip(glows, cued, strict=True)):
            for other, before in zip(glows[:number], cued[:number], strict=True):
                assert glow.start - other.end >= 90 - SLACK_S, (glow, other)
                if told == before != "cannot_measure":
                    assert glow.start - other.end >= 300 - SLACK_S, (glow, other)
            assert sum(glow.start - other.start < 3000 - SLACK_S for other in glows[: number + 1]) <= 6, glows

    def judge_start(self, sitting: Sitting, glow: "Glow", cue: str) -> None:
        """When a cue may begin."""
        at, now = max(moment for moment in sitting.moments if moment[0] <= glow.start)
        assert abs(at - glow.start) < SLACK_S, "a cue begins with a block"
        if cue == "cannot_measure":
            return
        assert glow.start - sitting.begin >= 300 - SLACK_S, glow
        assert now.measurable, glow
        if cue != "silence_held":
            quiet = now.client_quiet_for
            assert quiet in {None, 0} or quiet >= 300, (glow, now)
            assert not (now.silent_for and now.client_has_floor), (glow, now)
            assert self.seats or not now.silent_for, "who is silent may be the client"

    @property
    def full(self) -> float:
        """What the dimmer and the night make of full brightness."""
        return float(max(Lights(self.dimmer, night=self.night).full, 1e-9))


def rises(recorder: Recorder, light: Light, start: float, end: float) -> int:
    """How often a light grew brighter between two times."""
    return sum(after > before and start <= begin < end for begin, _, before, after in runs(recorder.points[light]))


@dataclass(frozen=True)
class Glow:
    """One stretch of light, as an eye would tell it."""

    start: float
    end: float
    brightest: float
    """At full dimmer."""
    light: Light
    rises: int
    confirmed_at: float | None
    """A withdrawal was said meanwhile, by light after light."""

    @property
    def ends_by(self) -> float:
        """Seconds from its begin to its end, or to where something else was said."""
        return (self.confirmed_at or self.end) - self.start

    @property
    def cue(self) -> str:
        """Its meaning, by position and shape alone."""
        if self.brightest < CLEAR / 2:
            return {Light.LEFT: "cannot_measure", Light.RIGHT: "silence_held"}[self.light]
        if self.rises == 1:
            return {Light.LEFT: "floor_held_long"}.get(self.light, "?")
        return {Light.LEFT: "mostly_you", Light.RIGHT: "check_in"}[self.light]


def seeds_of(seed: int, count: int) -> range:
    """The seeds of so many storms; the same for each start."""
    return range(seed * 1_000_000, seed * 1_000_000 + count)


def run(seeds: range) -> Seen:
    """Many storms. Raises AssertionError that names the seed."""
    seen = Seen()
    for seed in seeds:
        try:
            seen.add(Storm(seed).blow())
        except AssertionError as error:
            raise AssertionError(f"storm {seed}: {error}") from error
    return seen


def main() -> None:
    """Run and report; exit 1 with the seed of the first storm that broke a rule."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    asked = parser.parse_args()
    began, seen, every = time.monotonic(), Seen(), seeds_of(asked.seed, asked.count)
    pieces = [every[first : first + 100] for first in range(0, asked.count, 100)]
    with ProcessPoolExecutor(asked.jobs) as pool:
        for number, piece in enumerate(pool.map(run, pieces), 1):
            seen.add(piece)
            print(f"{min(number * 100, asked.count)} of {asked.count} storms", file=sys.stderr)  # noqa: T201 - progress
    print(  # noqa: T201 - a long proof reports what it found
        f"{asked.count} storms, seed {asked.seed}, {time.monotonic() - began:.0f} s: no rule broken in "
        f"{seen.hours:.0f} h of {seen.sittings} sessions and {seen.kills} kills ({seen.steps} looks at the lamp); "
        f"longest cue {seen.longest:.2f} s; {dict(sorted(seen.cues.items()))}"
    )


if __name__ == "__main__":
    main()
