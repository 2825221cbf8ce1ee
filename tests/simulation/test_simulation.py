"""Many simulated rooms on a real hub: nothing lost, all marked as simulated, and no hub of real rooms spoken to."""

import json
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from threading import Thread

import pytest
from click.testing import CliRunner, Result

from app.__main__ import cli
from app.hub.broker import Broker
from app.hub.plate import FILE, Plate, look
from app.hub.registry import Registry
from app.hub.store import Store
from app.hub.weeks import Week
from app.simulation.errors import SimulationError
from app.simulation.line import Line
from app.simulation.outcome import Outcome
from app.simulation.simulation import HEARTBEAT_S, Plan, Simulation
from app.sync import wire
from tests.hub.hubs import Hub, Room, a_heartbeat, wait_until

CLINIC = "north"


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    hub = Hub(tmp_path / "hub", rehearsal=True)
    hub.start()
    yield hub
    if hub.process:
        hub.end(signal.SIGKILL)


def simulate(hub: Hub, *arguments: str) -> Result:
    """The command, on a hub's folder."""
    return CliRunner().invoke(cli, ["hub", "--state", str(hub.state), "simulate-rooms", *arguments])


def rows(hub: Hub, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(hub.state / "hub.sqlite")) as database:
        return database.execute(query).fetchall()


def test_what_rooms_send_is_there_once_and_marked_as_simulated(hub: Hub) -> None:
    said = simulate(hub, "--rooms", "12", "--minutes", "60", "--speed", "1000", "--seed", "7")
    assert said.exit_code == 0, said.output
    assert "sent          156: 144 heartbeats, 12 releases" in said.output
    assert "acknowledged  156" in said.output
    assert "lost          0" in said.output
    assert "12, simulated, seed 7: 60.0 minutes of their life in 4 s" in said.output
    wait_until(lambda: rows(hub, "SELECT count(*), min(simulated), max(state) FROM health") == [(12, 1, "death")])
    assert rows(hub, "SELECT count(*), count(DISTINCT device), min(simulated) FROM releases") == [(12, 12, 1)]
    assert rows(hub, "SELECT sum(messages) FROM health") == [(156,)]
    assert rows(hub, "SELECT count(*) FROM quarantine") == [(0,)]
    with closing(Store(hub.state / "hub.sqlite")) as store:
        assert not store.holds_real()
        (week,) = store.weeks()
        assert isinstance(week, Week)
        assert (week.released, week.simulated) == (12, True)


def test_a_second_run_adds_to_the_first(hub: Hub) -> None:
    for _ in range(2):
        said = simulate(hub, "--rooms", "3", "--minutes", "10", "--speed", "1000")
        assert said.exit_code == 0, said.output
    assert rows(hub, "SELECT count(*) FROM health") == [(3,)]


def test_a_hub_that_holds_a_real_room_is_not_spoken_to(hub: Hub) -> None:
    room = Room(hub.mqtt_port)
    room.connect()
    room.send(room.seal(1, a_heartbeat()))
    wait_until(lambda: len(room.acknowledged) == 1)
    room.close()
    before = rows(hub, "SELECT * FROM health")
    said = simulate(hub)
    assert said.exit_code == 1
    assert "this hub is for real rooms" in str(said.exception)
    assert rows(hub, "SELECT * FROM health") == before


def test_a_hub_that_has_invited_a_real_room_is_not_spoken_to(hub: Hub) -> None:
    with closing(Registry(hub.state / "hub.sqlite")) as registry:
        registry.add("Blue room", 1_790_000_000)
    assert "this hub is for real rooms" in str(simulate(hub).exception)


def test_a_hub_for_rooms_on_other_machines_is_not_spoken_to(tmp_path: Path) -> None:
    hub = Hub(tmp_path / "hub", address="localhost", door_port=0)
    hub.start()
    try:
        assert "this hub is for real rooms" in str(simulate(hub).exception)
    finally:
        hub.end(signal.SIGTERM)


def test_without_a_hub_it_says_how_to_start_one(tmp_path: Path, hub: Hub) -> None:
    hub.end(signal.SIGTERM)
    assert "no hub runs on" in str(simulate(hub).exception)
    said = CliRunner().invoke(cli, ["hub", "--state", str(tmp_path / "nowhere"), "simulate-rooms"])
    assert "no hub runs on" in str(said.exception)
    assert not (tmp_path / "nowhere").exists()


def test_a_hub_with_another_database_is_not_spoken_to(hub: Hub) -> None:
    plate = json.loads((hub.state / FILE).read_text())
    (hub.state / FILE).write_text(json.dumps(plate | {"generation": "f" * 32}))
    assert "keeps another database" in str(simulate(hub).exception)


def test_another_hub_on_the_wire_ends_it(hub: Hub) -> None:
    plate = look(hub.state)
    assert plate == Plate(CLINIC, "127.0.0.1", hub.mqtt_port, guarded=False, generation=plate.generation)
    simulation = Simulation(Plan(2, speed=3600), CLINIC, (plate.host, plate.port), "f" * 32)

    def run() -> None:
        simulation.connect(lambda _: None)
        simulation.live(lambda _: None)

    with pytest.raises(SimulationError, match="another hub answers"):
        run()
    simulation.leave()


def test_a_hub_killed_in_between_loses_nothing(hub: Hub) -> None:
    plate, acknowledged, done = look(hub.state), list[int](), list[float]()
    simulation = Simulation(Plan(20, 3600, 360), CLINIC, (plate.host, plate.port), plate.generation)
    simulation.connect(lambda _: None)
    living = Thread(target=lambda: done.append(simulation.live(acknowledged.append)))
    living.start()
    wait_until(lambda: sum(acknowledged) > 50)
    hub.end(signal.SIGKILL)
    hub.start()
    living.join(60)
    simulation.leave()
    counts = simulation.counts
    assert done
    assert (counts.heartbeats, counts.releases) == (240, 20)
    assert counts.acknowledged == len(counts.lags) == 260
    assert rows(hub, "SELECT count(*) FROM messages") == [(260,)]
    assert rows(hub, "SELECT sum(messages) FROM health") == [(260,)]


def test_more_rooms_connect_than_a_stream_of_nats_has_consumers_by_default(tmp_path: Path) -> None:
    with closing(Broker(CLINIC, tmp_path, 0)) as broker:
        broker.start()
        lines = [Line(CLINIC, f"simulated-{number}") for number in range(520)]
        for line in lines:
            line.open("127.0.0.1", broker.port, wire.State(state="death", epoch="0" * 32, boot=1))
        wait_until(lambda: all(turned(line).ready or line.broken for line in lines), 180)
        assert not any(line.broken for line in lines)
        for line in lines:
            line.close()


def turned(line: Line) -> Line:
    line.turn(read=True, write=True)
    return line


def test_together_all_beat_at_the_same_moments() -> None:
    plan = Plan(3, together=True)
    simulation = Simulation(plan, CLINIC, ("127.0.0.1", 1), "0" * 32)
    assert simulation.expected() == 3 * (plan.lived_s / HEARTBEAT_S + 1)


def test_an_outcome_counts_what_is_missing_on_either_side() -> None:
    def outcome(acknowledged: int, stored: int) -> Outcome:
        return Outcome(1, 600, 60, 1, 10, 2, acknowledged, 0, stored, tuple(sorted((0.1, 0.2, 2.5))))

    assert outcome(12, 12).complete
    assert outcome(12, 11).lost == 1
    assert outcome(10, 12).lost == 2
    assert not outcome(12, 13).complete
    assert "lag           median 200 ms, 95 % within 2.5 s, longest 2.5 s" in str(outcome(12, 12))
