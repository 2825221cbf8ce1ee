"""Three days of a unit, its weekly release among them: used, empty, or used with microphones that fail in sessions."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.side_channel.weeks import Seen, live

SLOTS = 11
Three = dict[str, Seen]


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Three]:
    """The same time of three units, side by side."""
    top: Path = tmp_path_factory.mktemp("side-channel")
    with ThreadPoolExecutor(3) as pool:
        lives = {
            "empty": pool.submit(live, top / "empty", SLOTS, 1, sessions=False),
            "used": pool.submit(live, top / "used", SLOTS, 1, sessions=True),
            "deaf": pool.submit(live, top / "deaf", SLOTS, 1, sessions=True, deaf=True),
        }
        yield {name: life.result() for name, life in lives.items()}


def test_the_rooms_were_used_and_not(seen: Three) -> None:
    assert seen["empty"].sessions == 0
    assert all(seen[name].sessions >= 15 for name in ("used", "deaf"))
    assert all(release.sums is None for release in seen["empty"].releases())
    assert all(any(release.sessions >= 10 for release in seen[name].releases()) for name in ("used", "deaf"))


@pytest.mark.parametrize("name", ["used", "deaf"])
def test_times_sizes_counts_topics_and_retained_messages_do_not_tell_of_sessions(seen: Three, name: str) -> None:
    assert seen[name].shapes() == seen["empty"].shapes()


@pytest.mark.parametrize("name", ["used", "deaf"])
def test_client_id_last_will_and_subscriptions_do_not_tell_of_sessions(seen: Three, name: str) -> None:
    assert seen[name].greeting() == seen["empty"].greeting()
    assert len(seen[name].greeting()) == 2


@pytest.mark.parametrize("name", ["used", "deaf"])
def test_heartbeats_tell_the_hub_nothing_of_sessions(seen: Three, name: str) -> None:
    assert seen[name].said() == seen["empty"].said()
    assert sum(said["kind"] == "heartbeat" for said in seen[name].said()) == SLOTS + 1


@pytest.mark.parametrize("name", ["used", "deaf"])
def test_the_journal_does_not_tell_of_sessions(seen: Three, name: str) -> None:
    assert seen[name].logs == seen["empty"].logs
    assert seen[name].logs["send"]


def test_a_release_goes_with_the_heartbeat_after_it_was_sealed(seen: Three) -> None:
    for each in seen.values():
        slots = [packet.slot for packet in each.packets if packet.up and packet.topic.endswith("/m")]
        twice = {slot for slot in slots if slots.count(slot) == 2}
        assert len(twice) == 2, "the week before the start, and the one that ends on Sunday"
