"""Messages that nobody should send, by the million: `python -m tests.hub.fuzz --messages 1000000 --seed 1`.

Each is a sealed message with something done to it, or none at all. Whatever comes, sorting must not fail nor grow; what
was sent whole must be accepted as it was, and committed.
"""

import argparse
import json
import random
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

from app.hub.arrivals import Accepted, Arrival, Aside, Sorted, Standing, sort
from app.hub.store import Store
from app.sync import wire
from tests.hub.hubs import EPOCH, a_heartbeat, a_release, an_envelope

WHOLE = 100
"""One in so many is sent whole."""
BATCH = 500
ALL = 20_000
"""Of the first so many, all is committed, also what is set aside."""
MOST_MB = 8.0
"""More than this is growth."""
ODD: tuple[object, ...] = (
    *(None, True, -1, 0, 2**53, 2**53 + 1, 10**400, 1.5, "", "\0", "x" * 70_000, "é", "\ud800", "1", [], {}, [[]]),
    *({"kind": "release"}, float("1e999"), -0.0, "9999-W99", "2026-W53", "0" * 32, 2, ["a"] * 1000),
)
"""What no field is ready for."""
SHARDS = (b"", b"{}", b"[" * 60_000, b'{"v":1', b"\xff\xfe\x00", b"null", b'"', b"1e999", b'{"v":1,"v":2}', b"NaN")


def whole(number: int, dice: random.Random) -> bytes:
    """A message as a room seals it, each number once."""
    body = a_heartbeat() if dice.random() < 0.5 else a_release(number, sessions=dice.randint(10, 400))
    return wire.seal(an_envelope(number, body))


def flip(payload: bytes, dice: random.Random) -> bytes:
    """Some bytes changed."""
    changed = bytearray(payload)
    for _ in range(dice.randint(1, 8)):
        changed[dice.randrange(len(changed))] = dice.randrange(256)
    return bytes(changed)


def cut(payload: bytes, dice: random.Random) -> bytes:
    """A part missing, or twice."""
    at, to = sorted(dice.randrange(len(payload)) for _ in range(2))
    return payload[:at] + payload[to:] if dice.random() < 0.5 else payload[:to] + payload[at:]


def dress(payload: bytes, dice: random.Random) -> bytes:
    """A field, or one within, given an odd value, another name, or taken away."""
    content = json.loads(payload)
    at = content
    while True:
        field = dice.choice(sorted(at))
        inner = at[field]
        if not (isinstance(inner, dict) and inner and dice.random() < 0.7):
            break
        at = inner
    deed = dice.randrange(3)
    value = at.pop(field)
    if deed < 2:
        at[field if deed else field + "x"] = value if deed == 0 else dice.choice(ODD)
    return json.dumps(content).encode("utf-8", "surrogatepass")


def shard(_payload: bytes, dice: random.Random) -> bytes:
    """Something that never was a message."""
    return dice.choice(SHARDS) if dice.random() < 0.5 else dice.randbytes(dice.randrange(300))


SPOIL: tuple[Callable[[bytes, random.Random], bytes], ...] = (flip, cut, dress, dress, shard)
TOPICS = ("room-1", "room-2", "Room 1", "", "+", "x" * 300)


def fuzzed(count: int, seed: int) -> Iterator[tuple[Arrival, bool]]:
    """Arrivals, and whether each is a whole message on its own topic."""
    dice = random.Random(seed)
    for number in range(count):
        payload = whole(number, dice)
        if number % WHOLE == 0:
            yield Arrival("room-1", "m", payload), True
        else:
            leaf = "m" if dice.random() < 0.9 else "state"
            if leaf == "state":
                payload = (
                    wire.State(state="birth", epoch=EPOCH, boot=number, next_seq=number).model_dump_json().encode()
                )
            topic = "room-1" if dice.random() < 0.8 else dice.choice(TOPICS)
            yield Arrival(topic, leaf, dice.choice(SPOIL)(payload, dice)), False


def judge(arrival: Arrival, is_whole: bool) -> Sorted | None:
    """Sort one, and see that the outcome is possible. Raises AssertionError."""
    item = sort(arrival)
    match item:
        case Accepted():
            assert item.envelope.device == arrival.device
            assert item.sha256 == wire.fingerprint(arrival.payload)
            assert wire.unseal(arrival.payload) == item.envelope
        case Aside():
            assert item.reason
            assert not (item.acknowledge and item.key is None)
        case Standing():
            assert arrival.leaf == "state"
        case None:
            assert (arrival.leaf, arrival.payload) == ("state", b"")
    assert isinstance(item, Accepted) or not is_whole
    return item


def grown_mb() -> float:
    """The most memory this process has had, MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def run(count: int, seed: int, store: Store) -> tuple[Counter[str], int, int, float]:
    """Sort so many; commit the whole ones, and of the first batches all. What came, sent, committed; MB grown."""
    seen: Counter[str] = Counter()
    batch: list[Sorted] = []
    sent, stored, warm = set[int](), set[int](), 0.0
    for number, (arrival, is_whole) in enumerate(fuzzed(count, seed)):
        item = judge(arrival, is_whole)
        seen[type(item).__name__] += 1
        if is_whole:
            sent.add(number)
        if item is not None and (is_whole or number < ALL):
            batch.append(item)
        if len(batch) == BATCH or number == count - 1:
            stored |= {
                seq for device, epoch, seq in store.commit(batch, number) if (device, epoch) == ("room-1", EPOCH)
            }
            batch.clear()
        if number == count // 10:
            warm = grown_mb()
    return seen, len(sent), len(sent & stored), grown_mb() - warm


def main() -> None:
    """Fuzz and report; exit 1 if something was lost or memory grew."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, closing(Store(Path(folder) / "hub.sqlite")) as store:
        seen, sent, stored, grew = run(asked.messages, asked.seed, store)
        kept = store.counts()
    print(  # noqa: T201 - a long proof reports what it found
        f"{asked.messages} messages, seed {asked.seed}, {time.monotonic() - began:.0f} s: {dict(seen)}; "
        f"sent whole {sent}, committed {stored}; {kept}; memory grew {grew:.1f} MB after the first tenth"
    )
    sys.exit(0 if stored == sent and grew < MOST_MB else 1)


if __name__ == "__main__":
    main()
