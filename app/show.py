"""What `fermata send --show` prints: every message that would leave or has left, byte for byte, in plain words."""

import math
from collections.abc import Iterator
from datetime import UTC, datetime

from app.catalogue import BY_ID
from app.settings import Settings
from app.sync import wire
from app.sync.outbox import Message, Outbox

Z95 = 1.959964
HEAD = """\
# What would leave this room and what has left it, from {file} and nothing else.
# A line without # is one message, exactly the bytes that the hub gets; the spaces in it make all of a kind one size.
# Around them travel the unit's address, its MQTT name {name} and the topics below. Whoever
# watches the network sees when messages are sent: at fixed times. The program sends nothing else.
# To come: a heartbeat every {heartbeat_s:g} s, one release or word of none a week, a birth and a death at each start.\
"""


def show(settings: Settings) -> Iterator[str]:
    """The lines to print. Raises DurableError where there is no outbox; uses no network, and changes nothing."""
    file, room = settings.paths.outbox_file, settings.room
    outbox = Outbox(file, room.device)
    try:
        name, heartbeat_s = f"fermata_{room.clinic}_{room.device}", settings.send.heartbeat_s
        yield from HEAD.format(file=file, name=name, heartbeat_s=heartbeat_s).splitlines()
        yield from of_states(outbox, wire.topic(room.clinic, room.device, "state"))
        messages = outbox.messages()
        for message in messages:
            yield from of_message(message, wire.topic(room.clinic, room.device, "m"))
        yield from of_the_rest(outbox, messages)
    finally:
        outbox.shut()


def of_states(outbox: Outbox, topic: str) -> Iterator[str]:
    """What `send` says of itself."""
    birth = outbox.state()
    words = "when `send` connects: it is there, this is its start number {boot}, its next message has number {next_seq}"
    yield from of_bytes(f"birth, {words.format(**birth.model_dump())}", topic, birth.model_dump_json().encode())
    death = birth.model_copy(update={"state": "death", "next_seq": None, "before": None})
    yield from of_bytes("death, when `send` ends or its line breaks", topic, death.model_dump_json().encode())


def of_message(message: Message, topic: str) -> Iterator[str]:
    """One message: what it is, whether it has left, what it says, its bytes."""
    envelope = wire.unseal(message.payload)
    yield from of_bytes(
        f"{envelope.body.kind}, number {message.seq}", topic, message.payload, (*standing(message), *gloss(envelope))
    )


def of_bytes(title: str, topic: str, payload: bytes, words: tuple[str, ...] = ()) -> Iterator[str]:
    """A heading, some words, and the bytes as they are."""
    yield ""
    yield f"# {title}"
    yield f"# topic {topic}, {len(payload)} bytes, SHA-256 {wire.fingerprint(payload)}"
    yield from (f"# {line}" for line in words)
    yield payload.decode()


def standing(message: Message) -> tuple[str, ...]:
    """Whether it has left."""
    if message.acknowledged is None:
        return ("Waits: the hub has not yet said that it has stored it, so it may have been sent and will be again.",)
    told = datetime.fromtimestamp(message.acknowledged, UTC)
    return (f"Has left: the hub said on {told:%Y-%m-%d} that it has stored it. Kept here for 100 days.",)


def gloss(envelope: wire.Envelope) -> tuple[str, ...]:
    """What a message says, in plain words."""
    rehearsal = ("It is of a rehearsal: the hub never adds it to real ones.",) if envelope.simulated else ()
    match envelope.body:
        case wire.Heartbeat() as beat:
            return (
                f"The unit is there: software {beat.software}, microphones {beat.microphones}, clock {beat.clock}.",
                f"Releases that wait: {beat.outbox_waiting}. Heartbeats dropped so far: {beat.outbox_dropped}.",
                *rehearsal,
            )
        case wire.Result() as result:
            why = f" ({result.reason})" if result.reason else ""
            return (f"What became of the hub's command {result.number}: {result.outcome}{why}.", *rehearsal)
        case wire.Release(sums=None) as release:
            return (f"In week {release.week} too few sessions waited: it holds nothing of any.", *rehearsal)
        case wire.Release() as release:
            return (*of_release(release), *rehearsal)


def of_release(release: wire.Release) -> tuple[str, ...]:
    """A release's sums as what they tell: means with the interval that the noise alone makes."""
    first = (
        f"A noised summary of {release.sessions} sessions, sealed in week {release.week}; one session spent "
        f"rho = {release.rho}. Means, and where noise alone puts 95 % of them:"
    )
    lines = []
    for metric, total in (release.sums or {}).items():
        low, high = release.ranges[metric]
        scale = (high - low) / (2 * wire.SPAN) / release.sessions
        mean, half = (low + high) / 2 + scale * total, Z95 * scale * math.sqrt(release.sigma2)
        title, unit = (BY_ID[metric].title, BY_ID[metric].unit) if metric in BY_ID else (metric, "1")
        lines.append(f"  {title}: {mean:.2f} +- {half:.2f}{'' if unit == '1' else f' {unit}'}")
    return first, *lines


def of_the_rest(outbox: Outbox, messages: list[Message]) -> Iterator[str]:
    """What is no more here, and what has come."""
    stock, given = outbox.stock(), outbox.state().next_seq or 0
    gone = given - len(messages) - stock.dropped
    yield ""
    yield f"# Messages made so far: {given}. Above: {len(messages)}. Stored at the hub and erased here: {gone}"
    yield f"# (heartbeats at once, releases after 100 days). Heartbeats dropped for want of room: {stock.dropped}."
    yield f"# Commands from the hub that wait for `fermata listen`: {len(outbox.received())}."
