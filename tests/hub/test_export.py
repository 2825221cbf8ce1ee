"""The export says what the clinic's page shows and no more; and the glossary tells of every metric and cue."""

import csv
import io
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.catalogue import CUES, METRICS, RELEASED
from app.hub.accounts import Role
from app.hub.export import FORMULA, safe
from app.hub.journal import Deed
from app.hub.words import FOLDER, LANGUAGES
from tests.hub.households import Clinic, a_clinic
from tests.hub.test_pages import Outline
from tests.hub.visitors import Browser

FORBIDDEN = ("empath", "empat", "rapport", "attun", "sinton", "emotion", "emoci", "feeling", "rupture", "ruptura")
MORE_FORBIDDEN = ("diagnos", "risk", "riesgo", "quality of a", "calidad de un", "sentimiento")


@pytest.fixture
def clinic(tmp_path: Path) -> Iterator[Clinic]:
    with a_clinic(tmp_path) as clinic:
        yield clinic


def lines(browser: Browser, path: str = "/export/clinic.csv") -> list[dict[str, str]]:
    answer = browser.get(path)
    assert answer.status_code == 200
    assert answer.text.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(answer.text[1:])))


def test_the_export_has_the_numbers_of_the_page_and_no_other(clinic: Clinic) -> None:
    clinic.release(range(36, 48))
    browser = clinic.browser(Role.MANAGER)
    shown = {
        (attrs["data-metric"], *(round(float(attrs[f"data-{name}"] or "nan"), 4) for name in ("value", "low", "high")))
        for tag, attrs in Outline(browser.get("/").text).tags
        if tag == "td" and "data-metric" in attrs
    }
    numbers = [line for line in lines(browser) if line["value"]]
    assert {(n["metric"], float(n["value"]), float(n["low"]), float(n["high"])) for n in numbers} == shown
    assert {n["metric"] for n in numbers} == {metric.id for metric in RELEASED}
    assert {n["data"] for n in numbers} == {"real"}


def test_what_the_page_withholds_has_its_reason_and_no_number(clinic: Clinic) -> None:
    clinic.release(range(36, 48))
    withheld = [line for line in lines(clinic.browser(Role.AUDITOR)) if line["withheld_because"]]
    assert [line["period"] for line in withheld] == ["November 2026", "Quarter 4, 2026"]
    assert not [line for line in withheld if line["value"] or line["low"] or line["high"] or line["metric"]]


def test_with_few_therapists_no_number_is_exported(clinic: Clinic) -> None:
    clinic.release(range(36, 45))
    assert not [line for line in lines(clinic.browser(Role.OWNER, therapists=4)) if line["value"]]


def test_simulated_numbers_are_labelled(clinic: Clinic) -> None:
    clinic.release(range(36, 45), simulated=True)
    assert {line["data"] for line in lines(clinic.browser(Role.OWNER))} == {"simulated"}


def test_no_line_names_a_room_or_a_week(clinic: Clinic) -> None:
    clinic.release(range(36, 48))
    assert not re.search(r"room-\d|W\d\d|Week", clinic.browser(Role.OWNER).get("/export/clinic.csv").text)


def test_technicians_and_strangers_get_no_export_and_others_are_noted(clinic: Clinic) -> None:
    assert clinic.browser(Role.TECH).get("/export/clinic.csv").status_code == 403
    assert Browser(clinic.pages()).get("/export/clinic.csv").status_code == 303
    lines(clinic.browser(Role.AUDITOR))
    exported = [(entry.by.who, entry.about) for entry in clinic.desk.journal.read() if entry.what == Deed.EXPORTED]
    assert exported == [("auditor", "clinic.csv")]


@given(text=st.text(), sign=st.sampled_from(["", *FORMULA]))
def test_no_text_is_taken_for_a_formula(text: str, sign: str) -> None:
    made = safe(sign + text)
    assert isinstance(made, str)
    assert not made.startswith(FORMULA)
    assert made.removeprefix("'") == (sign + text).removeprefix("'")


def test_a_number_below_zero_stays_a_number() -> None:
    assert safe(-0.5) == -0.5


@pytest.mark.parametrize("code", LANGUAGES)
def test_the_glossary_tells_of_every_metric_and_cue(clinic: Clinic, code: str) -> None:
    page = clinic.browser(Role.TECH).get("/glossary", {"lang": code}).text
    for metric in METRICS:
        assert f'id="{metric.id}"' in page
    for cue in CUES:
        assert f'id="cue-{cue.id}"' in page
    text = Outline(page).words.lower()
    assert not [word for word in FORBIDDEN + MORE_FORBIDDEN if word in text]
    for name in ("Bordin", "Goldberg", "Flückiger", "Norwood", "Boland"):
        assert name in page


def test_both_glossaries_have_the_same_parts() -> None:
    first, *others = (tomllib.loads((FOLDER / "glossary" / f"{code}.toml").read_text()) for code in LANGUAGES)

    def shape(book: dict[str, object]) -> object:
        parts = book["part"]
        assert isinstance(parts, list)
        told = [(part["id"], *(len(part.get(name, [])) for name in ("text", "terms", "points"))) for part in parts]
        return told, [key for key in book if key != "metric"], book["cue"].keys()  # type: ignore[attr-defined]

    for other in others:
        assert shape(other) == shape(first)
        assert other["metric"].keys() == {metric.id for metric in METRICS}
        words = {"title", "definition", "evidence", "does_not_say"}
        assert all(entry.keys() == words for entry in other["metric"].values())
