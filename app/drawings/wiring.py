"""The wires of the box, drawn from the pins that the software uses when nobody says otherwise."""

from pathlib import Path
from typing import Any

from matplotlib import rcParams
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyBboxPatch, Polygon, Rectangle

from app.drawings.header import HEADER, SUGGESTED_SWITCH
from firmware.pins import Pins

INK, SOFT, GROUND, POWER, SIGNAL = "#1f2328", "#59636e", "#3a3f45", "#b3261e", "#2367b5"
AMBER, BLUE, WHITE = "#f0a020", "#3f86d8", "#fff3c4"
WIDE, HIGH = 240.0, 168.0
PI_RIGHT, PARTS = 66.0, 128.0
ROWS = {"left": 136, "right": 121, "button": 106, "microphone": 82, "privacy": 60, "switch": 42, "usb": 20}
"""Height of each wire."""


class Sheet:
    """A sheet of lines, boxes and parts; lengths in mm."""

    def __init__(self) -> None:
        rcParams["text.hinting"] = "none"
        rcParams["svg.hashsalt"] = "fermata"
        rcParams["svg.fonttype"] = "none"  # words stay words
        self.figure = Figure(figsize=(WIDE / 25.4, HIGH / 25.4), facecolor="white")
        FigureCanvasAgg(self.figure)
        self.axes: Any = self.figure.add_axes((0, 0, 1, 1))
        self.axes.set(xlim=(0, WIDE), ylim=(0, HIGH))
        self.axes.axis("off")

    def text(self, x: float, y: float, words: str, size: float = 8.5, **style: Any) -> None:  # noqa: ANN401 - matplotlib's
        """Words, their middle at y."""
        self.axes.text(x, y, words, fontsize=size, va="center", **{"color": INK, **style})

    def box(self, x: float, y: float, wide: float, high: float, fill: str = "#f6f4ef") -> None:
        """A part with a rounded edge."""
        shape = "round,pad=0,rounding_size=2"
        self.axes.add_patch(FancyBboxPatch((x, y), wide, high, boxstyle=shape, fc=fill, ec=INK, lw=1.0))

    def wire(self, *points: tuple[float, float], colour: str = SIGNAL) -> None:
        """A wire through points."""
        self.axes.plot(*zip(*points, strict=True), color=colour, lw=1.6, solid_joinstyle="round", zorder=1)

    def dot(self, x: float, y: float) -> None:
        """Wires that meet."""
        self.axes.add_patch(Circle((x, y), 1.0, fc=INK, ec="none", zorder=3))

    def ground(self, x: float, y: float) -> None:
        """A wire's end at ground."""
        for number, half in enumerate((3.0, 2.0, 1.0)):
            self.axes.plot([x - half, x + half], [y - number * 1.2] * 2, color=GROUND, lw=1.4)

    def resistor(self, x: float, y: float, value: str) -> None:
        """A resistor lying in a wire, its middle at x."""
        self.axes.add_patch(Rectangle((x - 6, y - 2), 12, 4, fc="white", ec=INK, lw=1.1, zorder=2))
        self.text(x, y + 4.6, value, 7.5, ha="center", color=SOFT)

    def led(self, x: float, y: float, colour: str) -> None:
        """A diode that shines, from left to right."""
        self.axes.add_patch(Polygon([(x - 3, y - 3), (x - 3, y + 3), (x + 3, y)], fc=colour, ec=INK, lw=1.1, zorder=2))
        self.axes.plot([x + 3, x + 3], [y - 3, y + 3], color=INK, lw=1.6, zorder=2)

    def contact(self, x: float, y: float, words: str) -> None:
        """A contact that opens."""
        self.axes.add_patch(Rectangle((x - 6, y - 3), 12, 7, fc="white", ec="none", zorder=2))
        self.axes.plot([x - 6, x + 5], [y, y + 3.6], color=INK, lw=1.8, zorder=3)
        for end in (x - 6, x + 6):
            self.axes.add_patch(Circle((end, y), 0.9, fc="white", ec=INK, lw=1.1, zorder=3))
        self.text(x, y + 6.4, words, 7.5, ha="center", color=SOFT)


def draw(pins: Pins) -> Figure:
    """The wires for these pins."""
    sheet = Sheet()
    sheet.text(8, 161, "Fermata: the wires of the box", 14, weight="bold")
    sheet.box(8, 12, PI_RIGHT - 8, 142, "#e8efe6")
    sheet.text(12, 150, "Raspberry Pi", 10, weight="bold")
    sheet.text(12, 145.5, "3, 4, 5 or Zero 2 W", 8, color=SOFT)
    labels = {
        "left": (pins.left, "PWM"),
        "right": (pins.right, "PWM"),
        "button": (pins.button, "pulled up"),
        "microphone": (pins.microphone, ""),
        "privacy": (pins.privacy, "pulled down"),
        "switch": (SUGGESTED_SWITCH if pins.switch is None else pins.switch, "optional"),
    }
    for row, (gpio, note) in labels.items():
        label = f"GPIO {gpio}  ·  pin {HEADER[gpio]}"
        sheet.text(PI_RIGHT - 3, ROWS[row], label, 9, ha="right", weight="bold")
        sheet.text(PI_RIGHT - 3, ROWS[row] - 4.2, note, 7.5, ha="right", color=SOFT)
    sheet.text(PI_RIGHT - 3, ROWS["usb"], "USB", 9, ha="right", weight="bold")
    hooded(sheet)
    button(sheet)
    microphones(sheet)
    return sheet.figure


def hooded(sheet: Sheet) -> None:
    """The two hooded lights."""
    for row, colour, name, value in (
        ("left", AMBER, "left light, amber, hooded", "1 kΩ"),
        ("right", BLUE, "right light, blue, hooded", "220 Ω"),
    ):
        y = ROWS[row]
        sheet.wire((PI_RIGHT, y), (PARTS + 28, y))
        sheet.resistor(96, y, value)
        sheet.led(PARTS, y, colour)
        sheet.wire((PARTS + 28, y), (PARTS + 28, y - 3), colour=GROUND)
        sheet.ground(PARTS + 28, y - 3)
        sheet.text(PARTS + 36, y, name, 9)


def button(sheet: Sheet) -> None:
    """The session button."""
    y = ROWS["button"]
    sheet.wire((PI_RIGHT, y), (PARTS + 28, y))
    sheet.contact(PARTS, y, "")
    sheet.wire((PARTS + 28, y), (PARTS + 28, y - 3), colour=GROUND)
    sheet.ground(PARTS + 28, y - 3)
    sheet.text(PARTS + 36, y, "session button", 9)


def microphones(sheet: Sheet) -> None:
    """The microphones' supply, through the privacy switch; their light hangs on it, and it is read back."""
    rail, light, power, usb = 172.0, ROWS["microphone"], ROWS["privacy"], ROWS["usb"]
    sheet.box(rail + 16, 12, 46, 18)
    sheet.text(rail + 39, 23, "microphone array", 9, ha="center", weight="bold")
    sheet.text(rail + 39, 18, "USB", 8, ha="center", color=SOFT)
    sheet.wire((PI_RIGHT, usb + 3), (rail + 16, usb + 3), colour=POWER)
    sheet.text(PI_RIGHT + 3, usb + 6, "5 V", 7.5, color=POWER)
    sheet.wire((PI_RIGHT, usb - 3), (rail + 16, usb - 3), colour=SOFT)
    sheet.text(PI_RIGHT + 3, usb - 6, "data and ground", 7.5, color=SOFT)
    sheet.contact(PARTS, usb + 3, "privacy switch, pole 1")
    sheet.wire((rail, usb + 3), (rail, light + 12), colour=POWER)
    sheet.dot(rail, usb + 3)
    sheet.text(rail + 3, 34.5, "5 V behind the switch", 7.5, color=POWER)
    # The light: between the switched 5 V and a transistor that the pin opens.
    sheet.wire((rail, light + 12), (PARTS - 22, light + 12), colour=POWER)
    sheet.wire((PARTS - 22, light + 12), (PARTS - 22, light + 4), colour=POWER)
    sheet.resistor(160, light + 12, "470 Ω")
    sheet.axes.add_patch(Circle((PARTS - 22, light + 12), 3.2, fc=WHITE, ec=INK, lw=1.1, zorder=3))
    sheet.text(PARTS - 17, light + 8, "microphone light, white", 9)
    sheet.box(PARTS - 27, light - 4, 10, 8, "white")
    sheet.text(PARTS - 22, light, "N", 8, ha="center", weight="bold")
    sheet.wire((PI_RIGHT, light), (PARTS - 27, light))
    sheet.wire((PARTS - 22, light - 4), (PARTS - 22, light - 7), colour=GROUND)
    sheet.ground(PARTS - 22, light - 7)
    sheet.text(PARTS - 14, light, "N-channel MOSFET, logic level,", 7.5, color=SOFT)
    sheet.text(PARTS - 14, light - 4, "10 kΩ from gate to ground", 7.5, color=SOFT)
    # Read-back of the supply, divided to 3.3 V.
    sheet.wire((PI_RIGHT, power), (rail, power))
    sheet.dot(rail, power)
    sheet.resistor(150, power, "10 kΩ")
    sheet.dot(PARTS - 8, power)
    sheet.wire((PARTS - 8, power), (PARTS - 8, power - 6), colour=GROUND)
    sheet.ground(PARTS - 8, power - 6)
    sheet.text(PARTS - 5, power - 4.6, "18 kΩ", 7.5, color=SOFT)
    sheet.text(PI_RIGHT + 6, power + 4.4, "read back: 3.2 V while there is power", 7.5, color=SOFT)
    # The switch itself.
    position = ROWS["switch"]
    sheet.wire((PI_RIGHT, position), (PARTS + 16, position))
    sheet.contact(PARTS, position, "privacy switch, pole 2")
    sheet.text(PARTS + 18, position, "3.3 V (pin 1)", 7.5, color=POWER)


def save(folder: Path) -> None:
    """The drawing as SVG and PNG."""
    figure = draw(Pins())
    figure.savefig(folder / "wiring.svg", metadata={"Date": None, "Creator": "fermata"})
    figure.savefig(folder / "wiring.png", dpi=110, metadata={"Software": None})
