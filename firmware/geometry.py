"""Array files: a microphone array is data, one TOML each, read and checked here."""

import tomllib
from itertools import combinations
from math import dist, isfinite
from pathlib import Path
from typing import Any

from firmware.errors import ArrayError
from firmware.sound import ArrayGeometry

SHIPPED = Path(__file__).parent / "arrays"
MOST_MICROPHONES = 8
CLOSEST_MM = 5.0
"""Nearer microphones than this tell no direction in speech."""
FARTHEST_MM = 1000.0
"""Farther from the centre it is no array, but a mistake of unit."""
RATES = range(8_000, 192_001)
"""Hz that a device may deliver."""
KEYS = {"name", "sample_rate", "channels", "positions_mm"}


def shipped_arrays() -> tuple[ArrayGeometry, ...]:
    """Every array that ships with the software, by name."""
    return tuple(read_array(path) for path in sorted(SHIPPED.glob("*.toml")))


def load_array(name_or_path: str | Path) -> ArrayGeometry:
    """The array of a shipped name, or of a file. Raises ArrayError."""
    path = Path(name_or_path)
    if path.suffix != ".toml" and path.name == str(name_or_path):
        shipped = {array.name: array for array in shipped_arrays()}
        if path.name not in shipped:
            raise ArrayError(f"no array is called '{path}': give an array file, or one of {', '.join(shipped)}")
        return shipped[path.name]
    return read_array(path)


def fitting_arrays(channels: int) -> tuple[ArrayGeometry, ...]:
    """The shipped arrays of so many channels, be it their whole stream or just its microphones."""
    return tuple(array for array in shipped_arrays() if channels in {len(array.channels), array.stream_channels})


def fitting_array(channels: int) -> ArrayGeometry | None:
    """The only shipped array that fits so many channels; None where none or several do."""
    fitting = fitting_arrays(channels)
    return fitting[0] if len(fitting) == 1 else None


def rows_of(array: ArrayGeometry, channels: int) -> tuple[int, ...]:
    """Which rows of so many channels are the array's microphones, in their order.

    Exactly as many channels as microphones are the microphones themselves; otherwise it is the device's stream.
    Raises ArrayError if there are fewer channels than the stream must have.
    """
    if channels == len(array.channels):
        return tuple(range(channels))
    if channels < array.stream_channels:
        raise ArrayError(
            f"{channels} channel{'s' * (channels != 1)} cannot come from the array {array.name}, "
            f"which has {len(array.channels)} microphones: give the right --array"
        )
    return array.channels


def read_array(path: Path) -> ArrayGeometry:
    """The array of a file. Raises ArrayError if it cannot be read or cannot be."""
    try:
        fields = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ArrayError(f"cannot read the array file {path}: {error.strerror}") from error
    except ValueError as error:
        raise ArrayError(f"the array file {path} is not TOML: {error}") from error
    if set(fields) != KEYS:
        missing, unknown = sorted(KEYS - set(fields)), sorted(set(fields) - KEYS)
        wrong = f"lacks {', '.join(missing)}" if missing else f"has an unknown key, {', '.join(unknown)}"
        raise ArrayError(f"the array file {path} {wrong}: it takes {', '.join(sorted(KEYS))}")
    if problem := type_problem(fields) or channel_problem(fields) or position_problem(fields["positions_mm"]):
        raise ArrayError(f"the array file {path} cannot be: {problem}")
    return ArrayGeometry(
        fields["name"],
        fields["sample_rate"],
        tuple(fields["channels"]),
        tuple((float(x), float(y), float(z)) for x, y, z in fields["positions_mm"]),
    )


def array_for(channels: int) -> ArrayGeometry:
    """The shipped array for a recording of so many channels, when nobody said which. Raises ArrayError."""
    array = fitting_array(channels)
    if array is not None:
        return array
    candidates = [array.name for array in fitting_arrays(channels)]
    which = f"may come from {' or '.join(candidates)}" if candidates else "fit no array that ships with fermata"
    what = "one of them" if candidates else "an array file"
    raise ArrayError(f"{channels} channels {which}: give {what} with --array")


def is_whole(value: object) -> bool:
    """Whether it is an integer; TOML's booleans are Python's integers."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_position(value: object) -> bool:
    """Whether it is a point [x, y, z]."""
    return (
        isinstance(value, list)
        and len(value) == 3
        and all(isinstance(x, float) or is_whole(x) for x in value)
        and all(isfinite(x) for x in value)
    )


def type_problem(fields: dict[str, Any]) -> str:
    """What is wrong with a single field, in words; empty if nothing."""
    rate, channels, positions = fields["sample_rate"], fields["channels"], fields["positions_mm"]
    if not (isinstance(fields["name"], str) and fields["name"]):
        return "name is a word"
    if not (is_whole(rate) and rate in RATES):
        return f"sample_rate is a whole number of Hz from {RATES[0]} to {RATES[-1]}"
    if not (isinstance(channels, list) and channels and all(is_whole(c) and c >= 0 for c in channels)):
        return "channels is a list of whole numbers from 0"
    if not (isinstance(positions, list) and all(is_position(position) for position in positions)):
        return "positions_mm is a list of [x, y, z]"
    return ""


def channel_problem(fields: dict[str, Any]) -> str:
    """What is wrong with the channels as a whole, in words; empty if nothing."""
    channels, positions = fields["channels"], fields["positions_mm"]
    if len(channels) != len(positions):
        return f"it has {len(channels)} channels and {len(positions)} positions"
    if len(channels) > MOST_MICROPHONES:
        return f"{len(channels)} microphones are more than {MOST_MICROPHONES}"
    if len(set(channels)) < len(channels):
        return "a channel is given twice"
    return ""


def position_problem(positions: list[list[float]]) -> str:
    """What is wrong with where the microphones stand, in words; empty if nothing."""
    if any(dist(position, (0.0, 0.0, 0.0)) > FARTHEST_MM for position in positions):
        return f"a microphone is more than {FARTHEST_MM:.0f} mm from the centre"
    if any(dist(one, other) < CLOSEST_MM for one, other in combinations(positions, 2)):
        return f"two microphones are less than {CLOSEST_MM:.0f} mm apart"
    if len(positions) > 1 and all(dist(positions[0][:2], other[:2]) < CLOSEST_MM for other in positions[1:]):
        return "all microphones stand above one another, which tells no direction"
    return ""
