import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from app.catalogue import RELEASED
from app.sync import wire

RANGES = {metric.id: metric.released for metric in RELEASED if metric.released}
LARGEST = 2**53
RELEASES = st.builds(
    wire.Release,
    id=st.just("0" * 32),
    week=st.just("2026-W06"),
    sessions=st.integers(0, 10_000),
    sums=st.none() | st.fixed_dictionaries({metric: st.integers(-(10**7), 10**7) for metric in RANGES}),
    ranges=st.just(RANGES),
    sigma2=st.integers(1, LARGEST),
    rho=st.floats(0.001, 1),
)
HEARTBEATS = st.builds(
    wire.Heartbeat,
    software=st.just("0.1.0.dev12345+local"),
    microphones=st.sampled_from(["ok", "fault", "unknown"]),
    clock=st.sampled_from(["hub", "own"]),
    outbox_waiting=st.integers(0, LARGEST),
    outbox_dropped=st.integers(0, LARGEST),
)


@given(RELEASES | HEARTBEATS, st.integers(0, LARGEST), st.sampled_from(["a", "x" * 48]), st.booleans())
def test_every_message_of_a_kind_has_one_size_and_comes_back_as_it_was(
    body: wire.Release | wire.Heartbeat, seq: int, device: str, simulated: bool
) -> None:
    envelope = wire.Envelope(device=device, epoch="f" * 32, seq=seq, simulated=simulated, body=body)
    payload = wire.seal(envelope)
    assert len(payload) == wire.SIZES[body.kind]
    assert wire.unseal(payload).model_copy(update={"pad": ""}) == envelope


def test_what_does_not_fit_is_refused() -> None:
    body = wire.Heartbeat(software="x" * 600, microphones="ok", clock="own", outbox_waiting=0, outbox_dropped=0)
    with pytest.raises(wire.WireError, match="does not fit its 512 bytes"):
        wire.seal(wire.Envelope(device="room-1", epoch="0" * 32, seq=1, simulated=False, body=body))


@given(st.binary(max_size=200))
def test_what_is_no_envelope_is_refused(payload: bytes) -> None:
    with pytest.raises(wire.WireError, match="not an envelope"):
        wire.unseal(payload)


@pytest.mark.parametrize("hub_time", [-1, 4_102_444_800, 2**60])
def test_a_hub_in_another_century_is_not_believed(hub_time: int) -> None:
    with pytest.raises(ValidationError):
        wire.Ack(epoch="0" * 32, seqs=(1,), hub_time=hub_time)
