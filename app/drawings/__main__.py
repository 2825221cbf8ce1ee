"""`python -m app.drawings`: draw the cards and the wires into docs/."""

from pathlib import Path

from app.drawings import card, wiring
from app.drawings.card_words import LANGUAGES

DOCS = Path(__file__).parent.parent.parent / "docs"


def main() -> None:
    """Draw all."""
    for language in LANGUAGES:
        card.save(language, DOCS)
    wiring.save(DOCS / "pictures")


if __name__ == "__main__":
    main()
