"""Soft speech labels for clean clips: Silero at two offsets, made prompt, and a gate by level for the boundaries.

Silero 6.2 (MIT) answers each 32 ms; run again 16 ms later and moved 60 ms earlier (its measured lag), the mean of both
gives 10 ms frames. Around what it takes for speech the clip's own level decides: detectors bridge short silences, and
leave out soft ends of words.
"""

from collections.abc import Sequence

import numpy as np
import torch
from click import progressbar
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d
from scipy.signal import lfilter
from silero_vad import load_silero_vad

from app.hearing.features import HOP, RATE

Floats = NDArray[np.float32]

LEVEL = 10 ** (-23 / 20)
"""Active level that the teacher hears the clips at."""
PAD = RATE // 2
"""Samples of near silence before and after a clip."""
CHUNK = 512
LAG_S = 0.060
SOFT = -29.0
"""dB under the loud frames of a clip: as soft as speech gets."""
NEAR = 25
QUIET = 0.06
"""The most that a frame is called speech when its level says silence."""


def label(clips: Sequence[Floats], batch: int = 96) -> list[Floats]:
    """P(speech) per 10 ms frame of each clip, (frame,), frame k beginning at sample 160 k."""
    model = load_silero_vad(onnx=False)
    order = np.argsort([len(clip) for clip in clips])
    labels: list[Floats] = [np.zeros(0, np.float32)] * len(clips)
    with progressbar(range(0, len(order), batch), label="teacher") as batches:
        for begin in batches:
            some = order[begin : begin + batch]
            early = _hear(model, [clips[i] for i in some], 0)
            late = _hear(model, [clips[i] for i in some], CHUNK // 2)
            for i, one, other in zip(some, early, late, strict=True):
                labels[i] = refine(gate((one + other) / np.float32(2), clips[i]), clips[i])
    return labels


def active_level(clip: Floats) -> float:
    """Rms of the louder half of a clip's 10 ms frames (a simple stand-in for ITU-T P.56)."""
    frames = clip[: len(clip) // HOP * HOP].reshape(-1, HOP)
    powers = np.sort(np.square(frames).mean(1))
    return float(np.sqrt(powers[len(powers) // 2 :].mean() + 1e-12)) if len(powers) else 1e-6


def _hear(model: "torch.nn.Module", clips: Sequence[Floats], offset: int) -> list[Floats]:
    """The teacher's probabilities at the clips' 10 ms frames, its chunks beginning `offset` samples later."""
    longest = max(len(clip) for clip in clips) + 2 * PAD
    rng = np.random.default_rng(0)
    sound = rng.standard_normal((len(clips), -(-longest // CHUNK) * CHUNK + CHUNK)).astype(np.float32) * 10 ** (
        -75 / 20
    )
    for row, clip in zip(sound, clips, strict=True):
        row[PAD : PAD + len(clip)] += clip * (LEVEL / active_level(clip))
    sound = sound[:, offset : offset + (sound.shape[1] - CHUNK) // CHUNK * CHUNK]
    model.reset_states()
    with torch.no_grad():
        answers = torch.cat(
            [model(torch.from_numpy(c.copy()), RATE) for c in np.split(sound, sound.shape[1] // CHUNK, 1)], 1
        )
    ends = (np.arange(answers.shape[1]) + 1) * CHUNK + offset - PAD
    labels = []
    for row, clip in zip(answers.numpy(), clips, strict=True):
        middles = np.arange(len(clip) // HOP) * HOP + HOP / 2
        labels.append(np.interp(middles + LAG_S * RATE, ends, row).astype(np.float32))
    return labels


def gate(speech: Floats, clip: Floats) -> Floats:
    """The teacher's labels, at most QUIET where the level is low for 80 ms or next to non-speech.

    Low: pre-emphasised energy over 3 frames under the 5th percentile + 8 dB, that threshold held between 40 and 22 dB
    under the 90th percentile of the speech frames.
    """
    frames = lfilter([1, -0.95], [1], clip)[: len(speech) * HOP].reshape(-1, HOP)
    level = 10 * np.log10(np.convolve(np.square(frames).mean(1), np.ones(3) / 3, "same") + 1e-12)
    spoken = speech > 0.5
    if not spoken.any():
        return np.minimum(speech, QUIET)
    loud = np.percentile(level[spoken], 90)
    low = level < np.clip(np.percentile(level, 5) + 8, loud - 40, loud - 22)
    gated = speech.copy()
    for begin, end in runs(low):
        beside = begin == 0 or end == len(low) or not (spoken[begin - 1] and spoken[end])
        if end - begin >= 8 or beside:
            gated[begin:end] = np.minimum(gated[begin:end], QUIET)
    return gated


def refine(speech: Floats, clip: Floats) -> Floats:
    """The gated labels, raised where the level says speech within NEAR frames of speech.

    Level: energy over 3 frames against its 95th percentile; none below SOFT - 4 dB or the clip's floor + 4 dB, all 8 dB
    above that.
    """
    frames = clip[: len(speech) * HOP].reshape(-1, HOP)
    level = 10 * np.log10(np.convolve(np.square(frames).mean(1), np.ones(3) / 3, "same") + 1e-12)
    level -= np.percentile(level, 95)
    bottom = max(SOFT - 4, np.percentile(level, 5) + 4)
    by_level = np.clip((level - bottom) / 8, 0, 0.95)
    near = maximum_filter1d((speech > 0.5).astype(np.int8), 2 * NEAR + 1) > 0
    return np.asarray(np.where(near, np.maximum(speech, by_level), speech), np.float32)


def runs(true: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Begin and end (exclusive) of each run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], true.astype(np.int8), [0]])))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]
