"""Sound from all sides at once, with the coherence between microphones that a diffuse field has.

The same noise in every channel would be a source overhead; independent noise would be wind in each microphone.
"""

import numpy as np
from numpy.typing import NDArray

from firmware.sound import SPEED_OF_SOUND

_GRID = 257
_SEGMENT = 2048


def coherence(places_m: NDArray[np.float64], hz: NDArray[np.float64]) -> NDArray[np.float64]:
    """Spherically isotropic coherence sin(kd)/(kd) between microphones (microphone, xyz): (frequency, mic, mic)."""
    apart = np.linalg.norm(places_m[:, None] - places_m[None], axis=2)
    result: NDArray[np.float64] = np.sinc(2 * hz[:, None, None] * apart / SPEED_OF_SOUND)
    return result


def _mixing(places_m: NDArray[np.float64], rate: int, bins: int) -> NDArray[np.float64]:
    """Square roots of the coherence, (bin, mic, mic), by straight lines between a few hundred."""
    grid = np.linspace(0, rate / 2, _GRID)
    values, vectors = np.linalg.eigh(coherence(places_m, grid))
    roots = (vectors * np.sqrt(np.maximum(values, 0))[:, None, :]) @ vectors.transpose(0, 2, 1)
    at = np.linspace(0, _GRID - 1, bins)
    below = np.minimum(at.astype(int), _GRID - 2)
    part = (at - below)[:, None, None]
    result: NDArray[np.float64] = roots[below] * (1 - part) + roots[below + 1] * part
    return result


def coherent(independent: NDArray[np.float64], places_m: NDArray[np.float64], rate: int) -> NDArray[np.float64]:
    """Independent sounds of one spectrum, (microphone, sample), mixed to a diffuse field's coherence; same shape.

    After Habets, Cohen & Gannot 2008 (JASA 124:2911), with symmetric square roots, in overlapping segments.
    """
    samples = independent.shape[1]
    hop = _SEGMENT // 2
    window = np.sin(np.pi * (np.arange(_SEGMENT) + 0.5) / _SEGMENT)
    count = -(-samples // hop) + 1
    padded = np.zeros((len(independent), (count + 1) * hop))
    padded[:, hop : hop + samples] = independent
    pieces = np.lib.stride_tricks.sliding_window_view(padded, _SEGMENT, axis=1)[:, ::hop] * window
    spectra = np.fft.rfft(pieces, axis=2)
    mixed = np.einsum("fmn,nsf->msf", _mixing(places_m, rate, spectra.shape[2]), spectra, optimize=True)
    pieces = np.fft.irfft(mixed, _SEGMENT, axis=2) * window
    out = np.zeros_like(padded)
    for s in range(pieces.shape[1]):
        out[:, s * hop : s * hop + _SEGMENT] += pieces[:, s]
    result: NDArray[np.float64] = out[:, hop : hop + samples]
    return result
