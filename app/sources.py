"""Where settings come from: arguments, variables, credentials, files; the first wins, and each value's source is known.

In this order: arguments, `FERMATA_…` variables, systemd credentials, a TOML file, one on the boot partition, defaults.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_settings import (
    EnvSettingsSource,
    InitSettingsSource,
    NestedSecretsSettingsSource,
    PydanticBaseSettingsSource,
    SecretsSettingsSource,
    TomlConfigSettingsSource,
)

from app.settings import DELIMITER, PREFIX, Settings, SettingsError

FILE = Path("/etc/fermata.toml")
BOOT = Path("/boot/firmware/fermata.toml")
"""On the card's boot partition, where any computer can put it; it says what FILE does not."""
FILE_ONLY = ("release",)
"""What is set in the unit's own file and nowhere else: the floor of the privacy guarantee."""
CARD_ONLY = ("hub.command_key",)
"""What is set there or on the boot partition, and nowhere else: whom to obey."""


def load(file: Path | None = None, arguments: Mapping[str, Any] | None = None) -> Settings:
    """The effective settings. `arguments` are nested as in the file. Raises SettingsError."""
    return sourced(file, arguments)[0]


def sourced(file: Path | None = None, arguments: Mapping[str, Any] | None = None) -> tuple[Settings, dict[str, str]]:
    """The effective settings, and for each `group.key` that is not a default the name of its source."""
    sources = read_sources(file, arguments or {})
    merged: dict[str, Any] = {}
    origin: dict[str, str] = {}
    for name, values in reversed(sources):
        for path, value in flat(values):
            named = {path[0], ".".join(path)}
            own, card = str(file or FILE), str(BOOT)
            if (named & {*FILE_ONLY} and name != own) or (named & {*CARD_ONLY} and name not in {own, card}):
                raise SettingsError(f"{'.'.join(path)} is set in {name}: it can only be set in the unit's own file")
            put(merged, path, value)
            origin[".".join(path)] = name
    try:
        return Settings.model_validate(merged), origin
    except ValidationError as error:
        raise SettingsError(sentence(error, origin)) from None


def read_sources(file: Path | None, arguments: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Each source's name and nested values, strongest first."""
    check_variables(os.environ)
    if file and not file.is_file():
        raise SettingsError(f"{file} is not there: give the path of a settings file")
    credentials = NestedSecretsSettingsSource(
        SecretsSettingsSource(Settings), os.environ.get("CREDENTIALS_DIRECTORY"), secrets_dir_missing="ok"
    )
    named: list[tuple[str, PydanticBaseSettingsSource]] = [
        ("an argument", InitSettingsSource(Settings, dict(arguments))),
        ("the environment", EnvSettingsSource(Settings)),
        ("a systemd credential", credentials),
        *((str(each), from_toml(each)) for each in ([file] if file else [FILE, BOOT])),
    ]
    return [(name, source()) for name, source in named]


def from_toml(path: Path) -> TomlConfigSettingsSource:
    """What a TOML file says; nothing if it is not there. Raises SettingsError."""
    try:
        return TomlConfigSettingsSource(Settings, path)
    except (ValueError, OSError) as error:
        raise SettingsError(f"{path} cannot be read as TOML: {error}") from None


def check_variables(environment: Mapping[str, str]) -> None:
    """Refuse a `FERMATA_` variable that names no setting, which pydantic-settings alone lets pass."""
    for name in environment:
        group, delimiter, _ = name.removeprefix(PREFIX).lower().partition(DELIMITER)
        if name.startswith(PREFIX) and not (delimiter and group in Settings.model_fields):
            raise SettingsError(f"the variable {name} names no setting: see `fermata settings`")


def flat(values: Mapping[str, Any], above: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], Any]]:
    """Nested tables as paths and values; an empty table has none."""
    return [
        leaf
        for key, value in values.items()
        for leaf in (flat(value, (*above, key)) if isinstance(value, Mapping) else [((*above, key), value)])
    ]


def put(into: dict[str, Any], path: tuple[str, ...], value: object) -> None:
    """Lay a value at its path."""
    *tables, key = path
    for table in tables:
        inner = into.setdefault(table, {})
        if not isinstance(inner, dict):  # a seat given as degrees here and as a table there: the stronger one stands
            inner = into[table] = {}
        into = inner
    into[key] = value


def sentence(error: ValidationError, origin: Mapping[str, str]) -> str:
    """The first fault of a validation as one sentence."""
    first = error.errors()[0]
    named = [str(part) for part in first["loc"] if str(part) not in {"float", "SeatPlace"}]
    key = ".".join(named)
    source = next((name for path, name in origin.items() if path == key or path.startswith(key + ".")), "the defaults")
    if first["type"] == "extra_forbidden":
        return f"{key} (from {source}) is not a setting: see `fermata settings`"
    return f"{key} = {first['input']!r} (from {source}) cannot be used: {first['msg'].lower()}"
