"""The API: the page's numbers and no other, the reason where there is none, devices and alerts, and its schema."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from app.catalogue import METRICS, RELEASED
from app.hub.accounts import Role
from app.hub.conditions import HUB, Findings, Kind, Trouble
from app.hub.journal import TERMINAL, Deed
from app.hub.tokens import Scope
from tests.hub.households import NOW, Clinic, a_clinic
from tests.hub.programs import Program, a_program
from tests.hub.test_pages import Outline
from tests.hub.visitors import Browser


@pytest.fixture
def clinic(tmp_path: Path) -> Iterator[Clinic]:
    with a_clinic(tmp_path) as clinic:
        yield clinic


@pytest.fixture
def numbers(clinic: Clinic) -> Program:
    return a_program(clinic, Scope.NUMBERS)


@pytest.fixture
def health(clinic: Clinic) -> Program:
    return a_program(clinic, Scope.HEALTH)


def read(program: Program, path: str) -> Any:  # noqa: ANN401  whatever JSON holds
    answer = program.get(path)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    return answer.json()


def test_the_numbers_are_those_of_the_page_and_no_other(clinic: Clinic, numbers: Program) -> None:
    clinic.release(range(36, 48))
    shown = {
        (attrs["data-metric"], *(round(float(attrs[f"data-{name}"] or "nan"), 4) for name in ("value", "low", "high")))
        for tag, attrs in Outline(clinic.browser(Role.MANAGER).get("/").text).tags
        if tag == "td" and "data-metric" in attrs
    }
    (world,) = read(numbers, "/api/v1/clinic")["worlds"]
    given = {
        (metric, number["value"], number["low"], number["high"])
        for period in (*world["months"], *world["quarters"])
        for metric, number in period["numbers"].items()
    }
    assert given == shown
    (september, *_) = world["months"]
    assert september["period"] == "2026-09"
    assert september["numbers"].keys() == {metric.id for metric in RELEASED}
    share = september["numbers"]["therapist_talk_share"]
    assert (share["unit"], share["grade"], share["sessions"]) == ("1", "C", 200)
    assert share["interval_shows"] == "noise and scatter"
    assert share["beyond_possible"] is False


def test_what_is_withheld_has_its_reason_and_no_number(clinic: Clinic, numbers: Program) -> None:
    clinic.release(range(36, 48))
    (world,) = read(numbers, "/api/v1/clinic")["worlds"]
    withheld = {period["period"]: period["withheld"] for period in (*world["months"], *world["quarters"])}
    assert withheld == {
        "2026-09": None,
        "2026-10": None,
        "2026-11": "running",
        "2026-Q3": None,
        "2026-Q4": "running",
    }
    assert all(bool(period["numbers"]) is (period["withheld"] is None) for period in world["months"])


def test_with_few_therapists_there_is_no_number(clinic: Clinic) -> None:
    clinic.release(range(36, 45))
    clinic.declarations.count(4, clinic.now, TERMINAL)
    (world,) = read(a_program(clinic, Scope.NUMBERS), "/api/v1/clinic")["worlds"]
    assert world["off"] == "few_therapists"
    assert not [period for period in (*world["months"], *world["quarters"]) if period["numbers"]]


def test_simulated_numbers_stand_apart(clinic: Clinic, numbers: Program) -> None:
    clinic.release(range(36, 45), simulated=True)
    clinic.release(range(36, 38), rooms=1)
    assert [world["data"] for world in read(numbers, "/api/v1/clinic")["worlds"]] == ["real", "simulated"]


def test_no_answer_about_conversations_names_a_room_or_a_week(clinic: Clinic, numbers: Program) -> None:
    clinic.release(range(36, 48))
    assert not re.search(r"room-\d|W\d\d", numbers.get("/api/v1/clinic").text)


def test_the_catalogue_says_what_each_number_does_not(numbers: Program) -> None:
    told = read(numbers, "/api/v1/catalogue")
    assert [metric["id"] for metric in told] == [metric.id for metric in RELEASED]
    assert all(metric["does_not_say"] and metric["evidence"] for metric in told)


def test_rooms_tell_how_their_units_are(clinic: Clinic, health: Program) -> None:
    clinic.beat("room-0", microphones="fault", outbox_waiting=2)
    (room,) = read(health, "/api/v1/rooms")
    assert room == {
        "device": "room-0",
        "name": "room-0",
        "simulated": False,
        "presence": "online",
        "needs_a_look": True,
        "last_heartbeat": "2026-11-23T12:00:00Z",
        "microphones": "fault",
        "clock": "hub",
        "certificate_ends": None,
        "outbox_waiting": 2,
        "outbox_dropped": 0,
        "software": "0.1.0",
    }
    one = read(health, "/api/v1/rooms/room-0")
    assert one["room"] == room
    assert one["days"] == [
        {
            "day": "2026-11-23",
            "heard_s": 0,
            "heartbeats": 1,
            "microphone_faults": 1,
            "without_hub_time": 0,
            "most_waiting": 2,
            "dropped": 0,
            "software": "0.1.0",
        }
    ]


def test_nothing_of_conversations_is_in_what_a_health_token_reads(clinic: Clinic, health: Program) -> None:
    clinic.beat("room-0")
    clinic.release(range(36, 45))
    clinic.alerts.observe("h", Findings([Trouble("room-0", Kind.OUTBOX, "room-0", 3)]), NOW)
    told = "".join(health.get(path).text for path in ("/api/v1/rooms", "/api/v1/rooms/room-0", "/api/v1/alerts"))
    assert not [metric.id for metric in METRICS if metric.id in told]
    for word in ("session", "sums", "release", "week"):
        assert word not in told


def test_alerts_tell_of_rooms_and_hubs(clinic: Clinic, health: Program) -> None:
    troubles = [Trouble("room-0", Kind.NEWER, "Blue room"), Trouble(f"{HUB}north-1", Kind.DISK, "north-1", 5)]
    clinic.alerts.observe("north-1", Findings([*troubles, Trouble("", Kind.ASIDE, "", 1)]), NOW - 60)
    clinic.alerts.observe("north-1", Findings(troubles), NOW)
    told = read(health, "/api/v1/alerts")
    assert {(a["kind"], a["room"], a["hub"]) for a in told["open"]} == {
        ("newer", "room-0", None),
        ("disk", None, "north-1"),
    }
    (over,) = told["over"]
    assert (over["kind"], over["room"], over["closed"]) == ("aside", None, "2026-11-23T12:00:00Z")


@pytest.mark.parametrize("device", ["nowhere", "%2e%2e%2fclinic", "%7B%7B7*7%7D%7D", "'%20OR%201=1"])
def test_a_room_that_is_not_there_is_said_in_json(clinic: Clinic, health: Program, device: str) -> None:
    clinic.beat("room-0")
    answer = health.get(f"/api/v1/rooms/{device}")
    assert answer.status_code == 404
    assert set(answer.json()) == {"detail"}
    assert "49" not in answer.text


def test_a_database_that_cannot_be_read_is_said_in_json(health: Program, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "hub.sqlite")) as database:
        database.execute("ALTER TABLE health RENAME TO gone")
    for path in ("/api/v1/rooms", "/metrics"):
        answer = health.get(path)
        assert answer.status_code == 503
        assert "cannot be shown at the moment" in answer.json()["detail"]


def test_who_has_signed_in_reads_it_too_and_is_written_down(clinic: Clinic) -> None:
    assert clinic.browser(Role.AUDITOR).get("/api/v1/clinic").status_code == 200
    assert clinic.browser(Role.TECH).get("/api/v1/clinic").status_code == 403
    assert clinic.browser(Role.TECH).get("/api/v1/alerts").status_code == 200
    assert Browser(clinic.pages()).get("/api/v1/clinic").status_code == 401
    told = [(entry.by.who, entry.about) for entry in clinic.desk.journal.read() if entry.what == Deed.EXPORTED]
    assert told == [("auditor", "api/v1/clinic")]


def test_nothing_can_be_changed_by_it(health: Program) -> None:
    schema = read(health, "/api/v1/openapi.json")
    assert {method for path in schema["paths"].values() for method in path} == {"get"}
    for path in schema["paths"]:
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            answer = health.browser.ask(method, path, headers={"Authorization": f"Bearer {health.token}"})
            assert answer.status_code == 405


def test_the_schema_names_every_call_its_refusals_and_no_foreign_host(clinic: Clinic, health: Program) -> None:
    schema = read(health, "/api/v1/openapi.json")
    assert schema["openapi"].startswith("3.")
    assert set(schema["paths"]) == {
        *("/api/v1/clinic", "/api/v1/catalogue", "/api/v1/rooms", "/api/v1/rooms/{device}", "/api/v1/alerts"),
    }
    assert schema["security"] == [{"token": []}]
    for path in schema["paths"].values():
        assert {"200", "400", "401", "403", "413", "429", "503"} <= path["get"]["responses"].keys()
        assert path["get"]["description"]
    assert "http://" not in str(schema)
    assert "https://" not in str(schema)
    page = clinic.browser(Role.TECH).get("/api").text
    assert all(f"GET {path}" in page for path in schema["paths"])
    assert Browser(clinic.pages()).get("/api/v1/openapi.json").status_code == 401
    for path in ("/docs", "/redoc", "/openapi.json"):
        assert Browser(clinic.pages()).get(path).status_code == 404


METRIC_NAMES = {
    "fermata_room_online",
    "fermata_room_last_heartbeat_timestamp_seconds",
    "fermata_room_microphones_ok",
    "fermata_room_clock_set",
    "fermata_room_certificate_end_timestamp_seconds",
    "fermata_room_outbox_waiting",
    "fermata_room_outbox_dropped",
    "fermata_room_unit",
    "fermata_alerts_open",
    "fermata_hub_storing",
    "fermata_hub_disk_free_bytes",
}


def test_prometheus_is_told_of_devices_and_of_nothing_else(clinic: Clinic, health: Program) -> None:
    clinic.beat("room-0", microphones="fault", outbox_waiting=1, outbox_dropped=4, software='0.1"\\')
    clinic.beat("stage", simulated=True)
    clinic.beat("room-1", ago=3600)
    clinic.release(range(36, 48))
    clinic.alerts.observe("h", Findings([Trouble("room-0", Kind.OUTBOX, "room-0", 3)]), NOW)
    answer = health.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    families = {family.name: family for family in text_string_to_metric_families(answer.text)}
    assert {name.removesuffix("_info") for name in families} == METRIC_NAMES
    assert {frozenset(sample.labels) for family in families.values() for sample in family.samples} == {
        frozenset(),
        frozenset({"room"}),
        frozenset({"kind"}),
        frozenset({"room", "software"}),
    }

    def value(name: str, **labels: str) -> list[float]:
        return [
            sample.value
            for family in families.values()
            for sample in family.samples
            if sample.name == name and sample.labels == labels
        ]

    assert value("fermata_room_online", room="room-0") == [1.0]
    assert value("fermata_room_online", room="room-1") == [0.0]
    assert value("fermata_room_online", room="stage") == []
    assert value("fermata_room_microphones_ok", room="room-0") == [0.0]
    assert value("fermata_room_outbox_dropped_total", room="room-0") == [4.0]
    assert value("fermata_alerts_open", kind="outbox") == [1.0]
    assert value("fermata_hub_storing") == [1.0]
    clinic.trouble = "the broker does not answer"
    assert "fermata_hub_storing 0.0" in health.get("/metrics").text


def test_prometheus_may_ask_for_openmetrics(health: Program) -> None:
    answer = health.get("/metrics", Accept="application/openmetrics-text; version=1.0.0")
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert answer.text.endswith("# EOF\n")
