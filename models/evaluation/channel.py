"""One channel: speech against silence on real meetings and on clean clips, Silero in the same run where it is there."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.hearing.features import HOP, RATE
from app.hearing.hearing import Hearing, joined
from app.hearing.model import Model
from app.rehearsal.noises import sloped_noise
from app.rehearsal.voices import levelled, speaking_frames
from firmware.sound import Block
from models.evaluation.scores import area, as_it_came, hits_at
from models.evaluation.sessions import has_quiet_floor
from models.training.channels import ONE
from models.training.corpus import Clip, decode

Floats = NDArray[np.float32]
Flags = NDArray[np.bool_]

SILERO_CHUNK = 512
SILERO_LAG = 6
"""Frames that Silero's answers are late; its settled row has them taken away, as ours may look so far ahead."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of one channel with its truth."""

    samples: NDArray[np.int16]
    spoken: Flags  # (frame,)


def meetings(clips: Sequence[Clip]) -> list[Piece]:
    """Recordings with turns by hand in an .rttm beside them; turns bridge short pauses."""
    pieces = []
    for clip in clips:
        turns = clip.path.with_suffix(".rttm")
        if clip.kind == "conversation" and turns.exists():
            samples = np.round(decode(clip.path) * 32767).astype(np.int16)
            pieces.append(Piece(samples, read_rttm(turns, len(samples) // HOP)))
    return pieces


def read_rttm(path: Path, frames: int) -> Flags:
    """(frame,) whether anybody speaks by an RTTM file."""
    spoken = np.zeros(frames, np.bool_)
    for line in path.read_text().splitlines():
        fields = line.split()
        if fields and fields[0] == "SPEAKER":
            start = float(fields[3])
            spoken[round(start * 100) : round((start + float(fields[4])) * 100)] = True
    return spoken


def clean(clips: Sequence[Clip], snr_db: float, count: int = 200, seed: int = 1) -> list[Piece]:
    """Held-out clips one after another with gaps, in a little noise; truth by the level of the clean clips."""
    rng = np.random.default_rng(seed)
    spoken = [decode(clip.path) for clip in clips if clip.kind == "speech"]
    sound, truth = [], []
    for k in rng.permutation(len(spoken))[:count]:
        if not has_quiet_floor(spoken[int(k)]):
            continue
        clip = levelled(spoken[int(k)])
        clip = clip[: len(clip) // HOP * HOP]
        gap = int(rng.integers(10, 150))
        sound += [clip, np.zeros(gap * HOP, np.float32)]
        truth += [speaking_frames(clip)[: len(clip) // HOP], np.zeros(gap, np.bool_)]
    joint = np.concatenate(sound)
    noise = sloped_noise((len(joint),), -4.5, RATE, rng) * 10 ** (-snr_db / 20) * 0.7
    return [
        Piece(
            np.round((joint + noise) * 10 ** (-26 / 20) * 32767).clip(-32768, 32767).astype(np.int16),
            np.concatenate(truth),
        )
    ]


def hear(pieces: Sequence[Piece], model: Model) -> tuple[Floats, Floats]:
    """Live (as it came, nothing shifted) and settled P(speech) of all pieces."""
    live, settled = [], []
    for piece in pieces:
        hearing = Hearing(ONE, (), model)
        parts = [hearing.hear(Block(piece.samples[None], 0)), hearing.finish()]
        live.append(as_it_came(joined([p.live for p in parts]).speech))
        settled.append(joined([p.settled for p in parts]).speech)
    return np.concatenate(live), np.concatenate(settled)


def silero() -> Callable[[NDArray[np.int16]], Floats] | None:
    """Silero's P(speech) per frame as it comes, or None where it is not installed."""
    try:
        import torch
        from silero_vad import load_silero_vad
    except ModuleNotFoundError:
        return None
    model = load_silero_vad(onnx=False)

    def listen(samples: NDArray[np.int16]) -> Floats:
        model.reset_states()
        sound = torch.from_numpy(samples[: len(samples) // SILERO_CHUNK * SILERO_CHUNK].astype(np.float32) / 32768)
        with torch.no_grad():
            answers = [float(model(chunk, RATE)) for chunk in sound.split(SILERO_CHUNK)]
        newest = (np.arange(len(samples) // HOP) + 1) * HOP // SILERO_CHUNK
        return np.asarray(np.concatenate([[0.0], answers])[newest], np.float32)

    return listen


def table(sets: dict[str, list[Piece]], model: Model) -> str:
    """Figures of every set, Markdown."""
    anchor = silero()
    rows = [
        "| one channel | ROC-AUC live as it comes | TPR at 5 % FPR | ROC-AUC settled | settled, balanced error at .5 |",
        "|---|---|---|---|---|",
    ]
    for name, pieces in sets.items():
        truth = np.concatenate([piece.spoken for piece in pieces])
        rows.append(_row(f"{name}: ours", *hear(pieces, model), truth))
        if anchor is not None:
            live = np.concatenate([anchor(piece.samples) for piece in pieces])
            rows.append(
                _row(
                    f"{name}: Silero 6.2 (settled: lag removed)",
                    live,
                    np.roll(live, -SILERO_LAG),
                    truth,
                )
            )
    return "\n".join(rows)


def _row(name: str, live: Floats, settled: Floats, truth: Flags) -> str:
    balanced = 0.5 * ((settled[truth] < 0.5).mean() + (settled[~truth] >= 0.5).mean())
    figures = (area(live, truth), hits_at(live, truth), area(settled, truth), balanced)
    return f"| {name} | {' | '.join(f'{figure:.3f}' for figure in figures)} |"
