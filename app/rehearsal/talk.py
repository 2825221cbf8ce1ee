"""Simulated talk: who speaks when, drawn from what is published of conversation timing. No sound, no words."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from math import exp

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Spoken:
    """One inter-pausal unit of truth: a seat's speech without a break of 200 ms or more."""

    seat: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class LogNormal:
    """A length in seconds: its median, and the standard deviation of its natural logarithm."""

    median_s: float
    sigma: float


@dataclass(frozen=True, slots=True)
class Style:
    """How a pair talks. Where no source is given the value is ours, chosen for a calm session."""

    therapist_turn: LogNormal = LogNormal(5.0, 0.8)
    """99 % under 32 s, as in good motivational interviewing (AnnoMI: Wu et al. 2022, ICASSP)."""
    client_turn: LogNormal = LogNormal(9.0, 0.95)
    unit: LogNormal = LogNormal(1.8, 0.6)
    """Inter-pausal units; Levinson & Torreira 2015 (Front Psychol 6:731) report turns of one to two seconds."""
    pause: LogNormal = LogNormal(0.55, 0.6)
    """Pauses are log-normal (Rosen et al. 2003, Clin Linguist Phon 17:469), mostly 200 to 1000 ms, longer ones in
    spontaneous speech only (Campione & Véronis 2002, Speech Prosody)."""
    offset_s: tuple[float, float] = (0.2, 0.35)
    """Floor-transfer offset, mean and deviation: gaps of the order of 200 ms, overlaps common (Levinson & Torreira)."""
    slow_offset: LogNormal = LogNormal(1.0, 0.5)
    slow_chance: float = 0.15
    """Therapy answers more slowly than small talk (Berger & Rae 2023, Psychother Couns J Aust 11(2))."""
    early: LogNormal = LogNormal(0.8, 0.4)
    """Longer overlaps are log-normal (Laskowski et al. 2012, Interspeech)."""
    early_chance: float = 0.3
    silence: LogNormal = LogNormal(2.5, 1.1)
    """How much longer than 3 s a silence lasts that the two let stand; up to `longest_silence_s`."""
    longest_silence_s: float = 60.0
    silence_chance: float = 0.02
    """That a client's pause is such a silence; a therapist's pause is one half as often."""
    lapse_chance: float = 0.05
    """That it lies between two turns."""
    response: LogNormal = LogNormal(0.4, 0.4)
    """Listener responses of the therapist, cut at 0.9 s."""
    response_chance: float = 0.3
    """Per pause of the client that is short enough; most responses come where a unit ends (Paierl et al. 2025)."""


SHORTEST_S = 0.2
"""No unit, and no break between two units of a seat, is shorter."""


def converse(style: Style, seats: tuple[str, ...], seconds: float, rng: np.random.Generator) -> tuple[Spoken, ...]:
    """A conversation of that many seconds, its units in order of their start, on a grid of 10 ms.

    The first seat is the therapist, who speaks first and between the others. Raises ValueError for less than two seats.
    """
    if len(seats) < 2:
        raise ValueError("a conversation needs two seats: name a therapist and a client")
    talk = _Talk(style, seats, rng)
    talk.begin()
    while talk.now_s < seconds:
        talk.turn()
    return tuple(sorted(_settled(talk.said, seconds), key=lambda unit: (unit.start_s, unit.seat)))


def overlap_share(talk: Iterable[Spoken]) -> float:
    """Time in which two or more speak, as a share of the time in which anybody speaks."""
    edges = sorted((at, step) for unit in talk for at, step in ((unit.start_s, 1), (unit.end_s, -1)))
    speaking, since, some, several = 0, 0.0, 0.0, 0.0
    for at, step in edges:
        some += (at - since) * (speaking > 0)
        several += (at - since) * (speaking > 1)
        speaking, since = speaking + step, at
    return several / some if some else 0.0


class _Talk:
    """A conversation as it grows, turn by turn; times in seconds."""

    def __init__(self, style: Style, seats: tuple[str, ...], rng: np.random.Generator) -> None:
        self.style, self.seats = style, seats
        self._normal, self._chance = _pool(rng.standard_normal), _pool(rng.random)
        self.said: list[tuple[str, float, float]] = []
        self.now_s = 0.0
        self._last_end = dict.fromkeys(seats, -1.0)
        self._last_start_s = 0.0
        self._holder = seats[0]

    def begin(self) -> None:
        """A breath before the first word."""
        self.now_s = 0.5 + 1.5 * next(self._chance)

    def turn(self) -> None:
        """The holder's turn, unit by unit, and the way from it to the next holder's first word."""
        style, therapist = self.style, self._holder == self.seats[0]
        left = self._draw(style.therapist_turn if therapist else style.client_turn)
        while True:
            length = max(SHORTEST_S, min(self._draw(style.unit), left))
            self._say(self._holder, self.now_s, self.now_s + length)
            left -= length
            if left < 0.5:
                break
            pause = self._pause(therapist)
            if not therapist and pause < 0.9 and next(self._chance) < style.response_chance:
                self._respond(self.now_s, self.now_s + pause)
            self.now_s += pause
            left -= pause if pause < 3 else 0.0
        self._hand_over(therapist)

    def _draw(self, length: LogNormal) -> float:
        return length.median_s * exp(length.sigma * next(self._normal))

    def _silence(self) -> float:
        return min(3.0 + self._draw(self.style.silence), self.style.longest_silence_s)

    def _pause(self, therapist: bool) -> float:
        if next(self._chance) < self.style.silence_chance * (0.5 if therapist else 1.0):
            return self._silence()
        return max(SHORTEST_S, min(self._draw(self.style.pause), 2.9))

    def _say(self, seat: str, start: float, end: float) -> None:
        start = max(start, self._last_end[seat] + SHORTEST_S)
        end = max(end, start + SHORTEST_S)
        self.said.append((seat, start, end))
        self._last_end[seat] = end
        self._last_start_s = start
        self.now_s = end

    def _respond(self, pause_from: float, pause_to: float) -> None:
        """The therapist's short response around a pause of the client, who goes on at most a second after it."""
        length = min(max(self._draw(self.style.response), SHORTEST_S), 0.9)
        start = pause_from + 0.65 * next(self._chance) - 0.5
        end = max(start + length, pause_to - 0.9)
        start = max(start, end - 0.9, self._last_start_s, self._last_end[self.seats[0]] + SHORTEST_S)
        if end - start >= SHORTEST_S:
            self.said.append((self.seats[0], start, end))
            self._last_end[self.seats[0]] = end

    def _hand_over(self, therapist: bool) -> None:
        """Who speaks next, and the floor-transfer offset to there: never before the last unit's begin."""
        style, chance = self.style, next(self._chance)
        if chance < style.lapse_chance:
            offset = self._silence()
        elif chance < style.lapse_chance + style.early_chance:
            offset = -self._draw(style.early)
        elif chance < style.lapse_chance + style.early_chance + style.slow_chance:
            offset = min(self._draw(style.slow_offset), 2.9)
        else:
            offset = style.offset_s[0] + style.offset_s[1] * next(self._normal)
        others = self.seats[1:] if therapist else self.seats[:1]
        self._holder = others[int(next(self._chance) * len(others))]
        self.now_s = max(self.now_s + offset, self._last_start_s + SHORTEST_S)


def _pool(draw: Callable[[int], NDArray[np.float64]]) -> Iterator[float]:
    """Endless draws, many at a time: a session has thousands."""
    while True:
        yield from draw(1024).tolist()


def _settled(said: list[tuple[str, float, float]], seconds: float) -> Iterable[Spoken]:
    """The units on the grid of 10 ms, the last ones cut at the end, those left too short dropped."""
    for seat, start, end in said:
        unit = Spoken(seat, round(start, 2), min(round(end, 2), seconds))
        if unit.end_s - unit.start_s > SHORTEST_S - 0.015:
            yield unit
