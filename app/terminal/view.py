"""The terminal view: lamp, floor and keys of a room, drawn in place; the only import of rich."""

import os
import select
import sys
import termios
import tty
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from firmware.light import Light

NAMES = {
    Light.LEFT: ("left, amber", (255, 176, 0)),
    Light.RIGHT: ("right, blue", (80, 150, 255)),
    Light.MICROPHONE: ("microphone", (235, 235, 225)),
}
DARK = (45, 45, 45)


@dataclass(frozen=True, slots=True)
class Scene:
    """What the view shows at one moment."""

    title: str
    brightness: Mapping[Light, float]
    """0..1 for each light."""
    staves: Sequence[tuple[str, str]] = ()
    """Seat and its last stretch of speech, `#` or `.` a character."""
    words: Sequence[str] = ()
    keys: str = ""
    progress: Sequence[tuple[str, int, int]] = field(default=())
    """Name, done, of how many."""


class Terminal:
    """Draws scenes in place and reads keys; without a terminal it draws nothing and no key comes."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console()
        self._live = Live(console=self._console, auto_refresh=False, transient=False)
        self._keys = self._console.is_terminal and sys.stdin.isatty()
        self._before: list[int | list[bytes | int]] | None = None

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live.start()
        if self._keys:
            self._before = termios.tcgetattr(sys.stdin)
            tty.setcbreak(sys.stdin)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._live.stop()
        if self._before is not None:
            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, self._before)

    def show(self, scene: Scene) -> None:
        """Draw a scene over the one before."""
        if self._console.is_terminal:
            self._live.update(drawn(scene), refresh=True)

    def typed(self) -> str:
        """The keys pressed since this was last asked; never waits."""
        pressed = ""
        while self._keys and select.select([sys.stdin], [], [], 0)[0]:
            got = os.read(sys.stdin.fileno(), 64)
            if not got:
                break
            pressed += got.decode(errors="ignore")
        return pressed


def drawn(scene: Scene) -> RenderableType:
    """A scene as something rich can print."""
    parts: list[RenderableType] = []
    if scene.brightness:
        parts += [lamp(scene.brightness), Text()]
    if scene.staves:
        parts += [floor(scene.staves), Text()]
    if scene.progress:
        parts += [bars(scene.progress), Text()]
    parts += [Text(line) for line in scene.words]
    return Panel(Group(*parts), title=scene.title, title_align="left", subtitle=scene.keys or None, padding=(1, 2))


def lamp(brightness: Mapping[Light, float]) -> Table:
    """The lights in a row: a disc as bright as the light, its name, and its brightness in words."""
    row = Table.grid(padding=(0, 4))
    cells = []
    for light, (name, full) in NAMES.items():
        level = brightness.get(light, 0.0)
        colour = ",".join(str(round(dark + (lit - dark) * level)) for dark, lit in zip(DARK, full, strict=True))
        cells.append(Text.assemble(("● ", f"rgb({colour})"), f"{name}: {round(level * 100):3d} %"))
    row.add_row(*cells)
    return row


def floor(staves: Sequence[tuple[str, str]]) -> Table:
    """Who has spoken lately, a row a seat, now at the right."""
    table = Table.grid(padding=(0, 2))
    for name, stave in staves:
        table.add_row(name, Text(stave.replace("#", "█").replace(".", "·").replace("x", "░"), no_wrap=True))
    return table


def bars(progress: Sequence[tuple[str, int, int]]) -> Table:
    """A bar a row, with its count beside it."""
    table = Table.grid(padding=(0, 2))
    for name, done, total in progress:
        filled = round(30 * done / max(1, total))
        table.add_row(name, Text("█" * filled + "·" * (30 - filled)), f"{done} of {total}")
    return table
