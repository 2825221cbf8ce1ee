"""Seats by ours and by SRP-PHAT in the same rooms: as calibrated, calibrated wrongly, and with the array turned."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from app.hearing.features import BLOCK, RATE
from app.hearing.hearing import Hearing, joined
from app.hearing.model import Model
from app.hearing.seats import CLOSEST, Seat
from firmware.sound import Block
from models.evaluation import srp
from models.evaluation.detectors import Detector
from models.evaluation.resampling import Difference, compare_means, draw
from models.evaluation.rooms import bridged
from models.evaluation.scores import SeatScores, score_seats
from models.evaluation.sessions import Session, flags
from models.training.scenes import ONE_CIRCLE

Floats = NDArray[np.float32]

OFF_DEG = 30.0
TURNED_DEG = 45.0
SRP = "SRP-PHAT, Silero"


def misplaced(seats: Sequence[Seat]) -> tuple[Seat, ...]:
    """Two seats each OFF_DEG off, toward each other; away from each other where they would meet."""
    first, second = seats
    way = 1.0 if (second.azimuth - first.azimuth) % 360 < 180 else -1.0
    nearer = moved(first, way * OFF_DEG), moved(second, -way * OFF_DEG)
    if apart(first, second) - 2 * OFF_DEG >= CLOSEST:
        return nearer
    return moved(first, -way * OFF_DEG), moved(second, way * OFF_DEG)


def turned(seats: Sequence[Seat]) -> tuple[Seat, ...]:
    """All seats off by TURNED_DEG, as after somebody turned the array."""
    return tuple(moved(seat, TURNED_DEG) for seat in seats)


def moved(seat: Seat, degrees: float) -> Seat:
    """The seat where a calibration that is so far off has it."""
    return replace(seat, azimuth=(seat.azimuth + degrees) % 360)


def apart(one: Seat, other: Seat) -> float:
    """Degrees between two seats, 0 to 180."""
    return abs((one.azimuth - other.azimuth + 180) % 360 - 180)


Method = Callable[[NDArray[np.int16], tuple[Seat, ...]], Floats]
"""From samples (microphone, sample) and calibrated seats to (frame, seat)."""
CALIBRATIONS: dict[str, Callable[[Sequence[Seat]], tuple[Seat, ...]]] = {
    "as calibrated": tuple,
    f"each seat {OFF_DEG:.0f} degrees off": misplaced,
    f"array turned by {TURNED_DEG:.0f} degrees": turned,
}


HEADER = (
    "| rooms | single-talk frames exactly right | DER no collar / 250 ms | overlap F1 | talk-share error mean / max |\n"
    "|---|---|---|---|---|"
)
VERDICTS = (
    "| ours minus SRP-PHAT, paired over sessions | single talk exact | DER | talk-share error |\n|---|---|---|---|"
)


class SeatContest:
    """All methods in session after session, under all calibrations; SRP-PHAT only with a detector to gate it."""

    def __init__(self, model: Model, gate: Detector | None) -> None:
        self._methods: dict[str, Method] = {"ours": partial(ours, model=model)}
        if gate is not None:
            self._methods[SRP] = partial(by_srp, gate=gate)
        self.scores: dict[tuple[str, str, str], list[SeatScores]] = {}
        """(rooms, calibration, method): a score for each session."""
        self.cost_s = dict.fromkeys(self._methods, 0.0)
        self.sound_s = 0.0

    def hold(self, session: Session) -> None:
        """One more session."""
        names = [seat.name for seat in session.seats]
        for calibration, mistake in CALIBRATIONS.items():
            seats = mistake(session.seats)
            self.sound_s += session.samples.shape[1] / RATE
            for method, hear in self._methods.items():
                begun = time.process_time()
                heard = bridged(hear(session.samples, seats))
                self.cost_s[method] += time.process_time() - begun
                score = score_seats(heard, flags(session.units, names, len(heard)))
                self.scores.setdefault((session.conditions.name, calibration, method), []).append(score)


def ours(samples: NDArray[np.int16], seats: tuple[Seat, ...], *, model: Model) -> Floats:
    """(frame, seat) settled, in blocks of 40 ms."""
    hearing = Hearing(ONE_CIRCLE, seats, model)
    starts = range(0, samples.shape[1], BLOCK)
    parts = [hearing.hear(Block(samples[:, at : at + BLOCK], at)).settled for at in starts]
    return joined([*parts, hearing.finish().settled]).seats


def by_srp(samples: NDArray[np.int16], seats: tuple[Seat, ...], *, gate: Detector) -> Floats:
    """(frame, seat) 0 or 1."""
    return srp.hear(samples, ONE_CIRCLE, seats, gate).astype(np.float32)


def table(result: SeatContest) -> str:
    """All scores as Markdown, and how far ours is apart from SRP-PHAT with paired intervals over sessions."""
    rows = [HEADER]
    for (rooms, calibration, method), some in result.scores.items():
        mean = {name: float(np.nanmean([getattr(s, name) for s in some])) for name in SeatScores.__slots__}
        most = max(s.share_error for s in some)
        rows.append(
            f"| {rooms}, {calibration}: {method} | {mean['exact']:.3f} | {mean['error']:.3f} / "
            f"{mean['error_collar']:.3f} | {mean['overlap_f1']:.2f} | {mean['share_error']:.3f} / {most:.3f} |"
        )
    cost = "; ".join(f"{name} {3600 * s / result.sound_s:.0f} s" for name, s in result.cost_s.items())
    return "\n".join(
        [*rows, "", f"Cost an hour of sound, 4 microphones, 2 seats, one core: {cost}.", "", *_verdicts(result)]
    )


def _verdicts(result: SeatContest) -> list[str]:
    """Ours against SRP-PHAT in each kind of room, where both are there."""
    rows = []
    for (rooms, calibration, method), some in result.scores.items():
        other = result.scores.get((rooms, calibration, SRP))
        if method == "ours" and other is not None:
            apart_by = [_difference(some, other, name) for name in ("exact", "error", "share_error")]
            shares = [_ratio(some, other, name) for name in ("error", "share_error")]
            figures = " | ".join([str(apart_by[0]), *(f"{d} ({r})" for d, r in zip(apart_by[1:], shares, strict=True))])
            rows.append(f"| {rooms}, {calibration} | {figures} |")
    return [VERDICTS, *rows] if rows else []


def _difference(some: Sequence[SeatScores], other: Sequence[SeatScores], name: str) -> Difference:
    return compare_means([getattr(s, name) for s in some], [getattr(s, name) for s in other])


def _ratio(some: Sequence[SeatScores], other: Sequence[SeatScores], name: str) -> str:
    """The mean of one over that of the other, with its 95 % interval over sessions."""
    one, two = (np.array([getattr(s, name) for s in scores]) for scores in (some, other))
    draws = draw(len(one))
    low, high = np.quantile((draws @ one) / np.maximum(draws @ two, 1e-9), (0.025, 0.975))
    return f"{one.sum() / max(two.sum(), 1e-9):.2f} [{low:.2f}, {high:.2f}] of it"
