"""Which of two seats speaks by SRP-PHAT toward them (DiBiase 2000), gated by an anchor's voice activity.

The classical way, to be compared with: the louder beam of the whitened microphones has the seat. Its band and its
window are each the best of those that were tried on these very rooms, to its favour.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d

from app.hearing.features import HOP, RATE, steer
from app.hearing.seats import Seat
from firmware.sound import ArrayGeometry
from models.evaluation.detectors import Detector
from models.evaluation.moments import earlier

Flags = NDArray[np.bool_]

FFT = 512
WINDOW = 41
"""Frames (410 ms) over which the beams' powers are averaged."""
RANGE_HZ = (300.0, 3500.0)
PIECE = 1000
"""Frames at a time: memory."""
GATE_LAG = 6
"""Frames that Silero's answers are late; taken away, as ours may look so far ahead."""
THRESHOLD = 0.5


def powers(samples: NDArray[np.int16], geometry: ArrayGeometry, azimuths: tuple[float, ...]) -> NDArray[np.float64]:
    """(frame, seat) mean power of the whitened sum toward each azimuth in degrees, of samples (microphone, sample)."""
    hz = np.arange(FFT // 2 + 1) * RATE / FFT
    bins = np.flatnonzero((hz >= RANGE_HZ[0]) & (hz <= RANGE_HZ[1]))
    steering = steer(geometry, azimuths, hz[bins])
    around = np.pad(samples.astype(np.float32), ((0, 0), ((FFT - HOP) // 2, FFT)))
    frames = np.lib.stride_tricks.sliding_window_view(around, FFT, axis=1)[:, : samples.shape[1] // HOP * HOP : HOP]
    beams = []
    for at in range(0, frames.shape[1], PIECE):
        spectra = np.fft.rfft(frames[:, at : at + PIECE] * np.hanning(FFT))[:, :, bins]
        white = spectra / (np.abs(spectra) + 1e-9)
        beams.append(np.square(np.abs(np.einsum("smf,mtf->tsf", steering, white))).mean(2))
    return np.asarray(uniform_filter1d(np.concatenate(beams), WINDOW, axis=0, mode="nearest"))


def hear(samples: NDArray[np.int16], geometry: ArrayGeometry, seats: tuple[Seat, ...], gate: Detector) -> Flags:
    """(frame, seat) who is heard; never two at once."""
    best = powers(samples, geometry, tuple(seat.azimuth for seat in seats)).argmax(1)
    speech = earlier(gate.listen(np.round(samples.mean(0)).astype(np.int16)).live, GATE_LAG)[: len(best)] > THRESHOLD
    return np.asarray(speech[:, None] & (best[:, None] == np.arange(len(seats))))
