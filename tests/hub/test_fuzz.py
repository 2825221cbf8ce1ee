"""The short form of `make fuzz`: whatever comes in, sorting stands."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from app.hub.arrivals import Accepted, Arrival
from app.sync import wire
from tests.hub.fuzz import fuzzed, judge
from tests.hub.hubs import a_heartbeat, a_release, an_envelope

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)
SEALED = [
    wire.seal(an_envelope(7, body)) for body in (a_release(1), a_release(2, sessions=0, sums=None), a_heartbeat())
]


def test_thousands_of_spoilt_messages_are_sorted_and_whole_ones_accepted() -> None:
    found = [judge(arrival, is_whole) for arrival, is_whole in fuzzed(5000, 7)]
    assert sum(isinstance(item, Accepted) for item in found) >= 50
    assert sum(isinstance(item, Accepted) for item in found) < 2500


@given(st.sampled_from(SEALED), st.data())
def test_any_json_in_any_place_is_sorted(payload: bytes, data: st.DataObject) -> None:
    content: dict[str, Any] = json.loads(payload)
    where = data.draw(st.sampled_from([content, content["body"]]))
    where[data.draw(st.sampled_from(sorted(where)) | st.text())] = data.draw(JSON)
    for leaf in ("m", "state"):
        judge(Arrival("room-1", leaf, json.dumps(content).encode()), False)
