"""The wire's contract in docs/wire: schemas and samples made from the code; what may change in one major version."""

import json
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import BaseModel, Field

from app.catalogue import RELEASED
from app.sync import command, wire
from tests.conftest import TESTS, Golden

WIRE = TESTS.parent / "docs/wire"
EPOCH = "0123456789abcdef0123456789abcdef"
RANGES = {metric.id: metric.released for metric in RELEASED if metric.released}
KEY = Ed25519PrivateKey.from_private_bytes(b"\1" * 32)
"""A clinic's key that signs the sample."""
MESSAGES: dict[str, type[BaseModel]] = {
    "envelope": wire.Envelope,
    "ack": wire.Ack,
    "word": wire.Word,
    "state": wire.State,
    "command": command.Command,
    "order": command.Order,
}
FIRST_KINDS = {"envelope", "ack", "state"}
"""Those that the first version had."""
FIRST = sorted((WIRE / "first").glob("*.json"))
"""The samples of the first version; no test rewrites them."""


def release(sums: dict[str, int] | None) -> wire.Release:
    return wire.Release(
        id="5e" * 16,
        week="2026-W21",
        sessions=25 if sums else 0,
        sums=sums,
        ranges=RANGES,
        sigma2=1_500_000,
        rho=0.5,
    )


def sealed(seq: int, body: wire.Release | wire.Heartbeat | wire.Result) -> bytes:
    return wire.seal(wire.Envelope(device="room-1", epoch=EPOCH, seq=seq, simulated=False, body=body))


def samples() -> dict[str, bytes]:
    """One message of each kind, by name."""
    noised = dict(zip(RANGES, (-900, -2500, 1250, 0, 3000, -4000), strict=True))
    beat = wire.Heartbeat(software="0.1.0", microphones="ok", clock="hub", outbox_waiting=1, outbox_dropped=0)
    ack = wire.Ack(epoch=EPOCH, seqs=(40, 41, 42), hub_time=1_780_000_000)
    birth = wire.State(state="birth", epoch=EPOCH, boot=3, next_seq=43)
    renewed = wire.State(state="birth", epoch=EPOCH, boot=4, next_seq=0, before="f" * 32)
    death = wire.State(state="death", epoch=EPOCH, boot=3)
    word = wire.Word(epoch=EPOCH, generation="9a" * 16, boot=3, seq=42, sha256="b" * 64, hub_time=1_780_000_000)
    order = command.Order(
        device="room-1",
        epoch=EPOCH,
        number=1_780_000_000,
        expires=1_780_600_000,
        deed=command.Set(name="cues.dimmer", value=0.4),
    )
    return {
        "release": sealed(40, release(noised)),
        "release-withheld": sealed(41, release(None)),
        "heartbeat": sealed(42, beat),
        "result": sealed(43, wire.Result(number=1_780_000_000, outcome="done")),
        "ack": ack.model_dump_json().encode(),
        "word": word.model_dump_json().encode(),
        "order": order.model_dump_json().encode(),
        "command": command.sign(order, KEY),
        "state-birth": birth.model_dump_json().encode(),
        "state-renewed": renewed.model_dump_json().encode(),
        "state-death": death.model_dump_json().encode(),
    }


def kind_of(sample: str) -> type[BaseModel]:
    return MESSAGES.get(sample.partition("-")[0], wire.Envelope)


@pytest.mark.parametrize("name", MESSAGES)
def test_a_schema_says_what_the_code_takes(name: str, golden: Golden) -> None:
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **MESSAGES[name].model_json_schema()}
    golden(f"../docs/wire/{name}.schema.json", json.dumps(schema, indent=2) + "\n")


@pytest.mark.parametrize("name", samples())
def test_a_sample_is_what_the_code_sends(name: str, golden: Golden) -> None:
    golden(f"../docs/wire/samples/{name}.json", samples()[name].decode())


def test_there_is_a_first_sample_of_every_kind() -> None:
    assert {path.stem for path in FIRST} == {*samples()} - {"result", "word", "order", "command", "state-renewed"}


def test_the_sample_of_a_command_is_signed() -> None:
    public = KEY.public_key().public_bytes_raw().hex()
    assert command.verify(samples()["command"], public).deed == command.Set(name="cues.dimmer", value=0.4)


@pytest.mark.parametrize("name", ["ack", "word"])
def test_a_unit_passes_over_what_a_later_hub_adds(name: str) -> None:
    later = json.loads(samples()[name]) | {"weather": "fine"}
    assert wire.read_down(json.dumps(later).encode()) == MESSAGES[name].model_validate_json(samples()[name])


def test_what_no_hub_says_is_refused() -> None:
    for payload in (b"", b"[]", b"{}", samples()["heartbeat"]):
        with pytest.raises(wire.WireError, match="not from a hub"):
            wire.read_down(payload)


@pytest.mark.parametrize("path", FIRST, ids=lambda path: path.stem)
def test_a_message_of_the_first_version_stays_readable(path: Path) -> None:
    message = kind_of(path.stem).model_validate_json(path.read_bytes())
    assert message.model_dump()["v"] == wire.MAJOR


def shapes(model: type[BaseModel]) -> dict[str, dict[str, Any]]:
    """Every object of a schema by name: its own and those it holds."""
    schema = model.model_json_schema()
    return {model.__name__: schema, **schema.get("$defs", {})}


def additive(old: dict[str, dict[str, Any]], new: dict[str, dict[str, Any]]) -> list[str]:
    """What in the new shapes may turn away a message of the old: gone, asked for in addition, or of another kind."""
    faults = [f"{name} is gone" for name in old.keys() - new.keys()]
    for name in old.keys() & new.keys():
        before, now = old[name], new[name]
        faults += [f"{name}.{field} is gone" for field in before["properties"].keys() - now["properties"].keys()]
        faults += [f"{name}.{field} is asked for" for field in set(now["required"]) - set(before["required"])]
        both = before["properties"].keys() & now["properties"].keys()
        faults += [f"{name}.{field} is another" for field in both if narrower(before, now, field)]
    return sorted(faults)


def narrower(before: dict[str, Any], now: dict[str, Any], field: str) -> bool:
    """Whether a field has changed but for its words and more choices."""
    old, new = before["properties"][field], now["properties"][field]
    words = {"title", "description", "enum", "oneOf", "discriminator"}
    same = {key: old[key] for key in old.keys() - words} == {key: new[key] for key in new.keys() - words}
    kinds = [{kind["$ref"] for kind in each.get("oneOf", ())} for each in (old, new)]
    return not (same and set(old.get("enum", ())) <= set(new.get("enum", ())) and kinds[0] <= kinds[1])


@pytest.mark.parametrize("name", sorted(FIRST_KINDS))
def test_nothing_of_the_first_schema_is_gone_and_nothing_more_is_asked_for(name: str) -> None:
    first = json.loads((WIRE / f"first/schemas/{name}.schema.json").read_text())
    old = {MESSAGES[name].__name__: first, **first.get("$defs", {})}
    assert additive(old, shapes(MESSAGES[name])) == []


def test_a_field_that_goes_or_changes_or_is_newly_asked_for_is_found() -> None:
    class Ack(wire.Message):
        v: Literal[1] = 1
        epoch: int
        hub_time: Annotated[int, Field(ge=0, lt=4_102_444_800)]
        mood: str

    faults = ["Ack.epoch is another", "Ack.mood is asked for", "Ack.seqs is gone"]
    assert additive(shapes(wire.Ack), shapes(Ack)) == faults
