"""The card in the room says what the lamp and the button do; `make lamp-card` draws it anew."""

import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.catalogue import CUES
from app.cues.lamp import GLOWS, Microphones
from app.cues.presets import PRESETS
from app.drawings.card_words import LANGUAGES, WORDS, mark_of, shape_of, text_of
from app.drawings.header import HEADER
from firmware.pins import Pins
from tests.conftest import Golden

DOCS = Path(__file__).parent.parent / "docs"
FORBIDDEN = ("empath", "rapport", "alliance", "alianza", "emotion", "emocion", "diagnos", "quality", "calidad")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_text_of_the_card_is_that_of_the_code(language: str, golden: Golden) -> None:
    golden(f"../docs/lamp-card-{language}.md", text_of(language))


BEGIN, END = "<!-- presets: written by pytest tests/test_lamp_card.py --regold -->", "<!-- end of presets -->"


def presets() -> Iterator[str]:
    """What each way of working begins with, as a table."""
    yield "| `cues.preset` | long turn | mostly you from | silence held after | check in | why |"
    yield "|---|---|---|---|---|---|"
    for name, preset in PRESETS.items():
        choice = preset.choice
        cells = (
            f"{choice.long_turn:g} s" if choice.floor_held_long else "off",
            f"{choice.mostly_you_share:g}" if choice.mostly_you else "off",
            f"{choice.silence:g} s" if choice.silence_held else "off",
            "on" if choice.check_in else "off",
        )
        yield f"| `{name}`: {preset.title.lower()} | {' | '.join(cells)} | {preset.why} |"


def test_the_table_of_presets_is_that_of_the_code(golden: Golden) -> None:
    text = (DOCS / "lamp.md").read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    golden("../docs/lamp.md", f"{before}{BEGIN}\n{chr(10).join(presets())}\n{END}{rest.partition(END)[2]}")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", ["pdf", "png"])
def test_the_drawn_card_is_of_these_words_and_this_lamp(language: str, kind: str) -> None:
    drawn = (DOCS / f"lamp-card-{language}.{kind}").read_bytes()
    assert mark_of(language).encode() in drawn, "it is out of date: make lamp-card"


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_card_is_one_page_a4(language: str) -> None:
    pdf = (DOCS / f"lamp-card-{language}.pdf").read_bytes()
    assert pdf.count(b"/Type /Page\n") + pdf.count(b"/Type /Page ") == 1
    wide, high = struct.unpack(">II", (DOCS / f"lamp-card-{language}.png").read_bytes()[16:24])
    assert high / wide == pytest.approx(297 / 210, rel=0.01)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_cue_and_every_state_of_the_microphones_is_on_the_card(language: str) -> None:
    words = WORDS[language]
    assert set(words.cues) == {cue.id for cue in CUES} == set(GLOWS)
    assert set(words.microphone) == set(Microphones)
    assert {shape_of(cue) for cue in GLOWS} == set(words.shapes)


def test_the_drawing_of_the_wires_has_the_pins_that_the_software_uses() -> None:
    drawn, pins = (DOCS / "pictures" / "wiring.svg").read_text(encoding="utf-8"), Pins()
    for gpio in (pins.left, pins.right, pins.microphone, pins.button, pins.privacy):
        assert f"GPIO {gpio}  ·  pin {HEADER[gpio]}" in drawn, "it is out of date: make lamp-card"


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_card_says_how_long_one_can_say_stop(language: str) -> None:
    text = text_of(language)
    assert {"en": "Hold the button 5 seconds", "es": "Mantenga el botón 5 segundos"}[language] in text
    assert {"en": "up to 2 minutes after its end", "es": "hasta 2 minutos después de su final"}[language] in text
    assert not [word for word in FORBIDDEN if word in text.lower()]
    assert "{" not in text
