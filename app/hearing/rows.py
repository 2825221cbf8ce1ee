"""Rows: whether an array's microphones lie on a line, which tells no front from back."""

import numpy as np

from firmware.sound import ArrayGeometry

FLAT_MM = 5.0
"""Microphones that lie so near to one line tell their front from their back no more."""


def hears_around(geometry: ArrayGeometry) -> bool:
    """Whether an array tells all azimuths apart: not with one or two microphones, nor with a row of them."""
    places = np.array(geometry.positions_mm)[:, :2]
    spread = np.linalg.svd(places - places.mean(0), compute_uv=False)
    return len(places) > 2 and bool(spread[1] > FLAT_MM)


def row_along(geometry: ArrayGeometry) -> float:
    """Which way a row of microphones lies, degrees in [0, 180)."""
    places = np.array(geometry.positions_mm)[:, :2]
    axes = np.linalg.svd(places - places.mean(0))[2]
    return float(np.degrees(np.arctan2(axes[0, 1], axes[0, 0])) % 180)
