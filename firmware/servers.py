"""A watch on sound servers: PulseAudio puts another source in place of one that vanishes, and tells nobody.

On a room unit there is none: cards are opened themselves. This is for trying out on a machine that has one.
"""

import json
import subprocess
from typing import Any

from firmware.errors import SoundError

CHECK_S = 0.25
"""Seconds between two looks; sound waits so long until it is known where it came from."""
PATIENCE_S = 1.0
"""A server that answers slower has hung."""


class Pledge:
    """That all sound of a process comes from one source of the server."""

    def __init__(self, process: int, source: str | None = None) -> None:
        self._process = process
        self.source = source
        """The source's name; that of the first look, if none was given."""

    def check(self) -> str:
        """The source's name. Raises SoundError when the sound comes from elsewhere, or when nobody knows."""
        name = self._name()
        if self.source is None:
            self.source = name
        if name != self.source:
            raise SoundError(
                f"the sound server has put '{name}' in place of the microphones '{self.source}': plug them in again"
            )
        return name

    def _name(self) -> str:
        for stream in self._ask("source-outputs"):
            if stream["properties"].get("application.process.id") == str(self._process):
                names = {source["index"]: source["name"] for source in self._ask("sources")}
                return str(names.get(stream["source"], "nothing"))
        raise SoundError("the sound server has ended the capture: check that the microphones are plugged in")

    def _ask(self, what: str) -> list[dict[str, Any]]:
        command = ["pactl", "--format=json", "list", what]
        try:
            said = subprocess.run(command, check=True, capture_output=True, timeout=PATIENCE_S).stdout  # noqa: S603 - fixed words
            return list(json.loads(said))
        except (OSError, subprocess.SubprocessError, ValueError) as error:
            raise SoundError(
                "the sound server does not say which microphones it gives: name the card itself, with hw: in its name"
            ) from error
