"""Whisper made of speech: its spectral envelope, moved as the vocal tract opens, on noise instead of a voice."""

import numpy as np
from numpy.typing import NDArray

from app.hearing.features import HOP, RATE

Floats = NDArray[np.float32]

FFT = 512
LIFTER = 28
"""Cepstral coefficients that make the envelope: formants stay, harmonics go."""
TILT_DB = 6.0
"""Whisper lacks the strong low end of a voice: dB an octave under TILT_HZ."""
TILT_HZ = 1000.0


def whisper(speech: Floats, rng: np.random.Generator) -> Floats:
    """The speech whispered, (sample,), at the same rms and as long."""
    window = np.sqrt(np.hanning(FFT + 1)[:-1])
    padded = np.pad(speech, (FFT, FFT + HOP))
    frames = np.lib.stride_tricks.sliding_window_view(padded, FFT)[::HOP] * window
    logs = np.log(np.abs(np.fft.rfft(frames)) + 1e-6)
    cepstra = np.fft.irfft(logs, axis=1)
    cepstra[:, LIFTER:-LIFTER] = 0
    envelopes = np.fft.rfft(cepstra, axis=1).real
    hz = np.maximum(np.arange(FFT // 2 + 1) * RATE / FFT, 50.0)
    envelopes += np.minimum(0.0, TILT_DB * np.log2(hz / TILT_HZ)) / 20 * np.log(10)
    noise = np.fft.rfft(rng.standard_normal(frames.shape) * window)
    pieces = np.fft.irfft(np.exp(envelopes) * noise / FFT**0.5, FFT) * window
    out = np.zeros(len(padded) + FFT)
    for k, piece in enumerate(pieces):
        out[k * HOP : k * HOP + FFT] += piece
    made = out[FFT : FFT + len(speech)]
    return np.asarray(made * (np.sqrt(np.square(speech).mean()) / (np.sqrt(np.square(made).mean()) + 1e-9)), np.float32)
