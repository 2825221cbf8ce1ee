"""What the inbox makes of bytes, good and bad."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.hub.arrivals import Accepted, Arrival, Aside, Standing, sort
from app.sync import wire
from tests.hub.hubs import EPOCH, a_heartbeat, a_release, an_envelope


def arriving(payload: bytes, leaf: str = "m", device: str = "room-1") -> Accepted | Standing | Aside | None:
    return sort(Arrival(device, leaf, payload))


def changed(**fields: object) -> bytes:
    """A sealed heartbeat with some fields of the envelope replaced."""
    content = json.loads(wire.seal(an_envelope(7, a_heartbeat())))
    return json.dumps(content | fields).encode()


@pytest.mark.parametrize("body", [a_release(1), a_release(2, sessions=0, sums=None), a_heartbeat()])
def test_what_a_room_seals_is_accepted(body: wire.Release | wire.Heartbeat) -> None:
    payload = wire.seal(an_envelope(7, body))
    item = arriving(payload)
    assert isinstance(item, Accepted)
    assert item.envelope.body == body
    assert item.sha256 == wire.fingerprint(payload)


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        (changed(extra=1), "not an envelope"),
        (changed(body={"kind": "poem"}), "not an envelope"),
        (changed(device="room-2"), "comes from room-2, but came from room-1"),
        (wire.seal(an_envelope(7, a_heartbeat(software="0.1\0"))), "cannot be shown"),
        (wire.seal(an_envelope(7, a_release(1, week="2026-W54"))), "no week"),
        (wire.seal(an_envelope(7, a_release(1, week="2027-W53"))), "no week"),
        (wire.seal(an_envelope(7, a_release(1, sessions=9))), "never leave a room"),
        (wire.seal(an_envelope(7, a_release(1, sums=None))), "withheld and yet"),
        (wire.seal(an_envelope(7, a_release(1, ranges={}))), "different metrics"),
        (wire.seal(an_envelope(7, a_release(1, rho=0.0))), "not possible"),
        (wire.seal(an_envelope(7, a_release(1, sums={"x": 10**20}, ranges={"x": (0.0, 1.0)}))), "larger than"),
        (wire.seal(an_envelope(7, a_release(1, sums={"x": 1}, ranges={"x": (1.0, 1.0)}))), "range is empty"),
    ],
)
def test_an_invalid_message_is_set_aside_and_acknowledged(payload: bytes, words: str) -> None:
    item = arriving(payload)
    assert isinstance(item, Aside)
    assert words in item.reason
    assert item.key == (EPOCH, 7)
    assert item.acknowledge


@pytest.mark.parametrize(
    "payload", [b"", b"\xff\xfe", b"[]", b"{}", b"[" * 60_000, changed(epoch="short"), changed(seq=True)]
)
def test_without_a_readable_number_there_is_nothing_to_acknowledge(payload: bytes) -> None:
    item = arriving(payload)
    assert isinstance(item, Aside)
    assert item.key is None
    assert not item.acknowledge


def test_a_newer_version_is_kept_and_not_acknowledged() -> None:
    item = arriving(changed(v=2, body={"kind": "unheard of"}))
    assert isinstance(item, Aside)
    assert "version 2" in item.reason
    assert item.key == (EPOCH, 7)
    assert not item.acknowledge


def test_a_state_is_read_and_a_cleared_one_is_nothing() -> None:
    state = wire.State(state="birth", epoch=EPOCH, boot=3, next_seq=9)
    assert arriving(state.model_dump_json().encode(), "state") == Standing("room-1", state)
    assert arriving(b"", "state") is None
    assert isinstance(arriving(b"{}", "state"), Aside)
    assert isinstance(arriving(state.model_dump_json().encode(), "state", "Room 1"), Aside)


@given(st.binary(max_size=300))
def test_no_bytes_break_it(payload: bytes) -> None:
    assert isinstance(arriving(payload), Aside)
    arriving(payload, "state")
