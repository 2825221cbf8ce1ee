"""The card drawn: one page A4, the public half above, the therapist's below."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib import rcParams
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyBboxPatch

from app.catalogue import CUES
from app.cues.fading import FADE_OUT_S
from app.cues.lamp import CLEAR, GLOWS, Microphones, is_steady
from app.drawings.card_words import WORDS, filled, mark_of, seen
from firmware.light import Light

WIDE, HIGH = 210.0, 297.0
"""mm."""
MARGIN = 18.0
INK, SOFT, PALE, WARM = "#1f2328", "#59636e", "#d8dde3", "#f6f4ef"
COLOURS = {Light.LEFT: "#c77d00", Light.RIGHT: "#2367b5"}
NAMED = {Light.LEFT: "#8f5a00", Light.RIGHT: "#1d5799"}
"""The same, dark enough to be read."""
LIT, UNLIT = "#ffd23f", "#2b2f33"
POINT_MM = 25.4 / 72
SECONDS = 9.0
"""What a curve of light shows."""


@dataclass
class Page:
    """A page that is written from top to bottom; lengths in mm, type in points."""

    figure: Figure
    canvas: FigureCanvasAgg
    axes: Any
    y: float = HIGH - 12.0

    @classmethod
    def blank(cls) -> "Page":
        """A white one."""
        figure = Figure(figsize=(WIDE / 25.4, HIGH / 25.4), facecolor="white")
        canvas = FigureCanvasAgg(figure)
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set(xlim=(0, WIDE), ylim=(0, HIGH))
        axes.axis("off")
        return cls(figure, canvas, axes)

    def put(self, text: str, x: float, y: float, size: float, **style: Any) -> None:  # noqa: ANN401 - matplotlib's own
        """A line of text, its top at y."""
        self.axes.text(x, y, text, fontsize=size, va="top", **{"color": INK, **style})

    def width(self, text: str, size: float, weight: str = "normal") -> float:
        """How wide a text is."""
        probe = self.axes.text(0, 0, text, fontsize=size, weight=weight)
        extent = probe.get_window_extent(self.canvas.get_renderer())
        probe.remove()
        return float(extent.width / self.figure.dpi * 25.4)

    def wrapped(self, text: str, width: float, size: float, weight: str = "normal") -> list[str]:
        """A text in lines that fit."""
        lines, line = [], ""
        for word in text.split():
            longer = f"{line} {word}".strip()
            if line and self.width(longer, size, weight) > width:
                lines.append(line)
                line = word
            else:
                line = longer
        return [*lines, line]

    def paragraph(self, text: str, x: float, width: float, size: float, **style: Any) -> float:  # noqa: ANN401
        """Lines from the cursor down, which stays; how high they are."""
        step = size * POINT_MM * 1.38
        lines = self.wrapped(text, width, size, str(style.get("weight", "normal")))
        for number, line in enumerate(lines):
            self.put(line, x, self.y - number * step, size, **style)
        return step * len(lines)

    def heading(self, text: str, gap: float = 5.4) -> None:
        """A heading, and the cursor under it."""
        self.y -= gap
        self.y -= self.paragraph(text, MARGIN, WIDE - 2 * MARGIN, 13, weight="bold") + 0.6

    def pair(self, left: str, right: str, at: float, size: float = 11.5) -> None:
        """A bold word and what it means beside it."""
        high = self.paragraph(left, MARGIN, at - MARGIN - 4, size, weight="bold")
        self.y -= max(high, self.paragraph(right, at, WIDE - MARGIN - at, size)) + 0.7


def draw(language: str) -> Figure:
    """The card in a language."""
    rcParams["text.hinting"] = "none"  # so that a line is as wide at every size of picture
    words, page = WORDS[language], Page.blank()
    page.y -= page.paragraph(words.title, MARGIN, WIDE - 2 * MARGIN, 24, weight="bold")
    page.y -= page.paragraph(words.subtitle, MARGIN, WIDE - 2 * MARGIN, 11.5, color=SOFT)
    page.heading(words.microphone_heading)
    microphone_light(page, language)
    page.heading(words.hears_heading, 3.4)
    page.y -= page.paragraph(words.hears, MARGIN, WIDE - 2 * MARGIN, 11.5)
    page.heading(words.stop_heading)
    for what, means in words.stop:
        page.pair(filled(what), filled(means), 86)
    page.heading(words.kept_heading, 4.0)
    for line in words.kept:
        page.put("•", MARGIN, page.y, 11)
        page.y -= page.paragraph(filled(line), MARGIN + 4, WIDE - 2 * MARGIN - 4, 11.5) + 0.6
    therapists_half(page, language)
    return page.figure


def microphone_light(page: Page, language: str) -> None:
    """The three states of the microphone light, side by side."""
    column = (WIDE - 2 * MARGIN) / 3
    deepest = 0.0
    for number, (state, (what, means)) in enumerate(WORDS[language].microphone.items()):
        x, top = MARGIN + number * column, page.y
        fill = LIT if state is Microphones.LIVE else UNLIT
        page.axes.add_patch(Circle((x + 4.5, top - 4.5), 4.0, fc=fill, ec=INK, lw=0.8))
        if state is Microphones.FAULT:
            page.axes.add_patch(Circle((x + 4.5, top - 4.5), 2.0, fc=LIT, ec="none"))
        page.y = top - 0.6
        high = page.paragraph(filled(what), x + 11, column - 14, 11, weight="bold")
        page.y -= high
        high += page.paragraph(filled(means), x + 11, column - 14, 10.5)
        page.y, deepest = top, max(deepest, high)
    page.y -= max(deepest, 9.0) + 1.0


def therapists_half(page: Page, language: str) -> None:
    """What only the therapist need know, on a ground of its own."""
    words = WORDS[language]
    page.y -= 5.0
    ground = page.y
    page.heading(words.therapist_heading, 3.6)
    for cue in CUES:
        curve(page, cue.id)
        page.put(seen(language, cue.id), 52, page.y, 10, color=NAMED[GLOWS[cue.id].light], weight="bold")
        page.y -= 4.6
        page.y -= max(page.paragraph(words.cues[cue.id], 52, WIDE - MARGIN - 52, 10.5), 4.6) + 1.2
    page.y -= 0.6
    page.y -= page.paragraph(filled(words.rules), MARGIN, WIDE - 2 * MARGIN, 9.5, color=SOFT)
    page.heading(words.button_heading, 3.4)
    for what, does in words.button:
        page.pair(filled(what), filled(does), 75, 10)
    if page.y < 8:
        raise ValueError(f"the card in {language} does not fit its page: say it in fewer words")
    low = page.y - 3.0
    round_box = "round,pad=0,rounding_size=3"
    box = FancyBboxPatch((8, low), WIDE - 16, ground - low, boxstyle=round_box, fc=WARM, ec="none", zorder=-1)
    page.axes.add_patch(box)


def curve(page: Page, cue: str) -> None:
    """A cue's brightness over time, as the lamp shows it; a steady one goes on."""
    glow, x, base, wide, high = GLOWS[cue], MARGIN, page.y - 8.2, 28.0, 7.6
    points = list(glow.breakpoints)
    if is_steady(cue):
        points += [(SECONDS - FADE_OUT_S, points[-1][1]), (SECONDS, points[-1][1])]
    points = [(0.0, 0.0), *((at_s + 0.5, level) for at_s, level in points), (SECONDS, points[-1][1])]
    xs = [x + wide * min(at_s, SECONDS) / SECONDS for at_s, _ in points]
    # As high as it is bright, but what is very dim must be seen on paper too.
    ys = [base + high * (level / CLEAR if level in {0.0, CLEAR} else 0.3) for _, level in points]
    page.axes.fill_between(xs, ys, base, color=COLOURS[glow.light], alpha=0.30 if is_steady(cue) else 0.85, lw=0)
    page.axes.plot([x, x + wide], [base, base], color=INK, lw=0.8)


def save(language: str, folder: Path) -> None:
    """The card as PDF and PNG, each marked with what it was drawn from."""
    figure, mark = draw(language), mark_of(language)
    title = WORDS[language].title
    pdf = {"Title": title, "Subject": mark, "Creator": "fermata", "Producer": None, "CreationDate": None}
    figure.savefig(folder / f"lamp-card-{language}.pdf", metadata=pdf)
    png = {"Title": title, "Description": mark, "Software": None}
    figure.savefig(folder / f"lamp-card-{language}.png", dpi=110, metadata=png)
