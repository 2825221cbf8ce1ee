"""Settings written out as commented TOML, with where each value came from."""

import re
from collections.abc import Mapping
from pathlib import Path

from app.settings import Group, SeatPlace, Settings

SECRET = ("code",)
"""Keys whose values are not printed."""


def as_toml(settings: Settings, origin: Mapping[str, str]) -> str:
    """The settings as commented TOML, with where each that is not a default came from."""
    lines = ["# Effective settings of Fermata; what is not commented as coming from somewhere is the default."]
    for name, field in Settings.model_fields.items():
        group = getattr(settings, name)
        lines += ["", f"# {field.description or type(group).__doc__}"]
        if isinstance(group, Group):
            lines += table(name, group, origin)
        else:
            lines += [f"[{name}]", *(toml_line(key, seat, origin.get(f"{name}.{key}")) for key, seat in group.items())]
    return "\n".join(lines) + "\n"


def table(name: str, group: Group, origin: Mapping[str, str]) -> list[str]:
    """A table of TOML, and after it those within."""
    lines, within = [f"[{name}]"], list[str]()
    for key, field in type(group).model_fields.items():
        value, path = getattr(group, key), f"{name}.{key}"
        if isinstance(value, Group):
            within += ["", f"# {field.description}", *table(path, value, origin)]
        else:
            lines += [f"# {field.description}", toml_line(key, value, origin.get(path))]
    return lines + within


def toml_line(key: str, value: object, source: str | None) -> str:
    """One `key = value` of TOML; what is unset is commented out, and what is secret too."""
    bare = key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else toml_value(key)
    line = f"# {bare} = (unset)" if value is None else f"{bare} = {toml_value(value)}"
    if key in SECRET and value is not None:
        line = f"# {bare} = (not shown)"
    return f"{line}  # from {source}" if source else line


def toml_value(value: object) -> str:
    """A value in TOML's notation."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, SeatPlace):
        role = f', role = "{value.role.value}"' if value.role else ""
        return f"{{ azimuth = {value.azimuth}{role} }}"
    if isinstance(value, tuple):
        return f"[{', '.join(toml_value(each) for each in value)}]"
    if isinstance(value, str | Path):
        return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'
    return str(value)
