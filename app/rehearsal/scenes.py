"""Consulting rooms drawn at random: a room, an array on its table, people in their seats, a fan in a corner."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.rehearsal.rooms import PlacedArray, Room, Source
from firmware.sound import ArrayGeometry

WALL_M = 0.3
"""Nothing stands nearer to a wall."""
HEAD = 0.25
"""Directivity of a head: 6 dB less behind (about a human talker's 1 to 2 kHz; Monson et al. 2012, JASA 132:433)."""


@dataclass(frozen=True, slots=True)
class Scene:
    """A room with everybody in it."""

    room: Room
    array: PlacedArray
    talkers: tuple[Source, ...]
    azimuths: tuple[float, ...]
    """The talkers' true azimuths as the array should see them, degrees, in the order of the talkers."""
    fan: Source


def draw_array(geometry: ArrayGeometry, centre_m: tuple[float, float, float], rng: np.random.Generator) -> PlacedArray:
    """The array with errors as microphones have them: 0.7 dB, 4 µs and 0.3 mm rms, turned anyhow."""
    count = len(geometry.positions_mm)
    return PlacedArray(
        geometry,
        centre_m,
        turn_deg=float(rng.uniform(0, 360)),
        gains_db=tuple(rng.normal(0, 0.7, count).tolist()),
        delays_us=tuple(rng.normal(0, 4, count).tolist()),
        offsets_mm=tuple(map(tuple, rng.normal(0, 0.3, (count, 3)).tolist())),
    )


def draw_scene(
    geometry: ArrayGeometry,
    talkers: int,
    rng: np.random.Generator,
    *,
    rt60_s: tuple[float, float] = (0.2, 0.8),
    apart_deg: tuple[float, float] = (40.0, 180.0),
    azimuths: tuple[float, ...] = (),
) -> Scene:
    """A consulting room of 9 to 40 square metres with that many people, neighbours at least `apart_deg[0]` apart.

    Two people sit at most `apart_deg[1]` apart; given `azimuths`, in degrees as the array sees them, go before both.
    Raises ValueError when so many cannot sit so far apart.
    """
    least, most = apart_deg
    if not azimuths and talkers * least > 360:
        raise ValueError(f"{talkers} people cannot sit {least:.0f} degrees apart: ask for fewer or nearer")
    softness = rng.uniform(0.5, 2.0, 6)
    x, y, z = rng.uniform(3, 7), rng.uniform(3, 5.5), rng.uniform(2.3, 3.2)
    centre = (float(rng.uniform(1.3, x - 1.3)), float(rng.uniform(1.3, y - 1.3)), float(rng.uniform(0.4, 1.0)))
    room = Room((float(x), float(y), float(z)), float(rng.uniform(*rt60_s)), _six(softness))
    array = draw_array(geometry, centre, rng)
    around = azimuths or _azimuths(talkers, least, most, rng)
    people = tuple(_sit(room, array, azimuth, rng) for azimuth in around)
    corner = (
        float(rng.choice((WALL_M, x - WALL_M))),
        float(rng.uniform(WALL_M, y - WALL_M)),
        float(rng.uniform(0.2, 2)),
    )
    seen = tuple(array.azimuth_of(person.place_m) for person in people)
    return Scene(room, array, people, seen, Source(corner))


def _six(values: NDArray[np.float64]) -> tuple[float, float, float, float, float, float]:
    a, b, c, d, e, f = values.tolist()
    return a, b, c, d, e, f


def _azimuths(talkers: int, least: float, most: float, rng: np.random.Generator) -> tuple[float, ...]:
    """Azimuths with at least `least` degrees between neighbours all around."""
    first = rng.uniform(0, 360)
    if talkers == 2:
        return float(first), float(first + rng.choice((-1, 1)) * rng.uniform(least, min(most, 360 - least)))
    spare = rng.dirichlet(np.ones(talkers)) * (360 - talkers * least)
    return tuple(float(first + turn) for turn in (0.0, *np.cumsum(spare + least)[:-1]))


def _sit(room: Room, array: PlacedArray, azimuth: float, rng: np.random.Generator) -> Source:
    """A person 0.7 to 2.5 m away, but not in the wall, who looks more or less to the array."""
    angle = np.deg2rad(azimuth + array.turn_deg)
    way = np.array([np.cos(angle), np.sin(angle)])
    free = [
        (size - WALL_M - at if step > 0 else at - WALL_M) / abs(step)
        for at, size, step in zip(array.centre_m[:2], room.size_m[:2], way, strict=True)
        if abs(step) > 1e-6
    ]
    distance = min(*free, float(rng.uniform(0.7, 2.5)))
    place = array.toward(azimuth, distance, float(rng.uniform(1.0, 1.35)))
    return Source(place, facing_deg=float(azimuth + array.turn_deg + 180 + rng.normal(0, 30)), directivity=HEAD)
