"""A simulated room and what stands in it: size and reverberation, the array, the sources of sound.

Coordinates are metres from one lower corner of the room; azimuths are degrees anticlockwise from +x seen from above.
An array may be turned: its own azimuth 0 then points to `turn_deg` of the room.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from firmware.sound import ArrayGeometry


@dataclass(frozen=True, slots=True)
class Room:
    """A shoebox room."""

    size_m: tuple[float, float, float]
    rt60_s: float
    """Time in which reverberation falls by 60 dB, seconds."""
    softness: tuple[float, float, float, float, float, float] = (1.0, 1.0, 1.0, 1.0, 1.0, 1.0)
    """How much of a sound each surface swallows (x=0, x=end, y=0, y=end, floor, ceiling), relative to each other."""


@dataclass(frozen=True, slots=True)
class PlacedArray:
    """An array somewhere in the room, with the errors that real microphones have."""

    geometry: ArrayGeometry
    centre_m: tuple[float, float, float]
    turn_deg: float = 0.0
    gains_db: tuple[float, ...] = ()
    """Each microphone's gain; empty: all 0."""
    delays_us: tuple[float, ...] = ()
    """Each microphone's phase error as a delay, microseconds; empty: all 0."""
    offsets_mm: tuple[tuple[float, float, float], ...] = ()
    """How far each microphone is from where the geometry says; empty: all at their place."""

    def microphones_m(self) -> NDArray[np.float64]:
        """Where the microphones really are, (microphone, xyz) in the room."""
        places = np.asarray(self.geometry.positions_mm, dtype=np.float64)
        if self.offsets_mm:
            places = places + np.asarray(self.offsets_mm)
        turn = np.deg2rad(self.turn_deg)
        spin = np.array([[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]])
        placed: NDArray[np.float64] = np.asarray(self.centre_m) + places @ spin.T / 1000
        return placed

    def toward(self, azimuth_deg: float, distance_m: float, height_m: float) -> tuple[float, float, float]:
        """The point in the room at an azimuth of the array's, a horizontal distance, and a height over the floor."""
        angle = np.deg2rad(azimuth_deg + self.turn_deg)
        x, y, _ = self.centre_m
        return (float(x + distance_m * np.cos(angle)), float(y + distance_m * np.sin(angle)), height_m)

    def azimuth_of(self, place_m: tuple[float, float, float]) -> float:
        """The azimuth of a point in the room as the array sees it, degrees in [0, 360)."""
        dx, dy = place_m[0] - self.centre_m[0], place_m[1] - self.centre_m[1]
        return float((np.rad2deg(np.arctan2(dy, dx)) - self.turn_deg) % 360)


@dataclass(frozen=True, slots=True)
class Source:
    """What makes sound in a room: a talker, or a thing."""

    place_m: tuple[float, float, float]
    facing_deg: float = 0.0
    """Azimuth in the room that it faces."""
    directivity: float = 0.0
    """0 the same to all sides, 0.25 like a head (6 dB less behind it), 0.5 a cardioid."""
