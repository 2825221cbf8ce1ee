"""The wire: every message between a room unit and its hub, and the topics they travel on.

    up    …/m      one envelope: a release, a heartbeat or a command's result; QoS 1, not retained
    up    …/state  birth, and death as the last will; QoS 1, retained
    down  …/ack    what the hub has committed, after COMMIT; what it knows of a unit, after its birth; QoS 1, heard at 0
    down  …/cmd    a signed command, see command.py; QoS 1

Every message of a kind has one size, so an observer of the network learns nothing from it.
"""

import hashlib
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    StringConstraints,
    ValidationError,
    model_serializer,
)

MAJOR: Literal[1] = 1
ROOT = f"fermata/v{MAJOR}"
MAX_ACK_SEQS = 100
SPAN = 500
"""A session's value is centred to -SPAN..SPAN over its metric's public range before it is summed."""

Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,48}$")]
"""An id on the wire; NATS maps dots and MQTT maps slashes, so neither may occur."""
Hex = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
Week = Annotated[str, StringConstraints(pattern=r"^\d{4}-W\d{2}$")]
Count = Annotated[int, Field(ge=0, le=2**53)]


class Message(BaseModel):
    """What all messages share: nothing unknown is taken, nothing is changed after creation."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, use_attribute_docstrings=True)


class Release(Message):
    """A noised summary of many sessions of one room, or word that this week has none."""

    kind: Literal["release"] = "release"
    id: Hex
    week: Week
    """ISO week of the sealing."""
    sessions: Count
    """How many sessions are in the sums; 0 when withheld."""
    sums: dict[str, int] | None
    """Per metric: sum over sessions of the centred value in -500..500, plus discrete Gaussian noise. None: withheld."""
    ranges: dict[str, tuple[float, float]]
    """Per metric: the public range that -500..500 stands for."""
    sigma2: Count
    """Variance of the noise in each sum."""
    rho: float
    """Zero-concentrated differential privacy of one session in this release, all metrics together."""


class Heartbeat(Message):
    """That a unit is there and well; sent at fixed times, and nothing in it varies with use."""

    kind: Literal["heartbeat"] = "heartbeat"
    software: str
    microphones: Literal["ok", "fault", "unknown"]
    """As found at a fixed hour of the day, whether the room was used or stood empty."""
    clock: Literal["hub", "own"]
    outbox_waiting: Count
    """Releases that the hub has not yet acknowledged."""
    outbox_dropped: Count
    """Heartbeats dropped for want of room since the outbox was made."""


class Result(Message):
    """What became of a command; it goes up with a heartbeat, so when it goes says nothing of the room."""

    kind: Literal["result"] = "result"
    number: Count | None
    """The command's; None for bytes that nobody has signed."""
    outcome: Literal["done", "taken", "refused"]
    """`taken`: it will be done at its hour."""
    reason: Literal["unsigned", "unreadable", "device", "epoch", "replayed", "expired", "not allowed"] | None = None
    """Why it was refused."""


Body = Annotated[Release | Heartbeat | Result, Field(discriminator="kind")]


class Envelope(Message):
    """One message up: (device, epoch, seq) is its identity, a SHA-256 of the payload its seal."""

    v: Literal[1] = MAJOR
    device: Slug
    epoch: Hex
    seq: Count
    simulated: bool
    """True for rehearsals; the hub labels them and never adds them to real ones."""
    body: Body
    pad: str = ""


class Ack(Message):
    """What the hub has committed, sent after COMMIT."""

    v: Literal[1] = MAJOR
    epoch: Hex
    seqs: Annotated[tuple[Count, ...], Field(max_length=MAX_ACK_SEQS, strict=False)]
    hub_time: Annotated[int, Field(ge=0, lt=4_102_444_800)]
    """The hub's clock, whole seconds since 1970 UTC; from the year 2100 on it is not believed."""


class Word(Message):
    """What the hub knows of a unit, said to each birth: a unit that knows less of itself was restored from a copy."""

    v: Literal[1] = MAJOR
    epoch: Hex
    """The unit's, as its birth told."""
    generation: Hex
    """The hub's memory; another one, and it may have forgotten what it acknowledged."""
    boot: Count
    """The highest start of this epoch that the hub has heard of."""
    seq: Count | None
    """The highest number of this epoch that the hub has committed; None: it has none."""
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")] | None
    """Of the message under that number."""
    hub_time: Annotated[int, Field(ge=0, lt=4_102_444_800)]
    """As in an acknowledgement."""


class State(Message):
    """A unit's birth (retained) or death (its last will)."""

    v: Literal[1] = MAJOR
    state: Literal["birth", "death"]
    epoch: Hex
    boot: Count
    next_seq: Count | None = None
    """The number its next message will have; birth only."""
    before: Hex | None = None
    """The epoch that this one has replaced, because its state was older than what the hub knew; birth only."""

    @model_serializer(mode="wrap")
    def _as_it_was(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without `before` it is, byte for byte, what the first version wrote."""
        content: dict[str, Any] = write(self)
        return content if self.before else {name: value for name, value in content.items() if name != "before"}


SIZES = {"release": 1024, "heartbeat": 512, "result": 512}
"""Bytes on the wire, by kind."""


class WireError(ValueError):
    """A message that cannot be read or written; says why in one sentence."""


def seal(envelope: Envelope, salt: str = "") -> bytes:
    """The envelope as bytes of the fixed size of its kind; as much of the salt as there is room for stands in the pad.

    Raises WireError if the content does not fit that size.
    """
    size = SIZES[envelope.body.kind]
    bare = len(envelope.model_copy(update={"pad": ""}).model_dump_json().encode())
    if bare > size:
        raise WireError(f"a {envelope.body.kind} of {bare} bytes does not fit its {size} bytes")
    return envelope.model_copy(update={"pad": salt[: size - bare].ljust(size - bare)}).model_dump_json().encode()


def unseal(payload: bytes) -> Envelope:
    """The envelope in some bytes. Raises WireError if they are not one."""
    try:
        return Envelope.model_validate_json(payload)
    except ValidationError as error:
        raise WireError(f"not an envelope of this version: {error.errors()[0]['msg']}") from error


def read_down(payload: bytes) -> Ack | Word:
    """What the hub says on `ack`; a field that a later hub has added is passed over. Raises WireError."""
    problem = ""
    for kind in (Word, Ack):
        try:
            return kind.model_validate_json(payload, extra="ignore")
        except ValidationError as error:
            problem = error.errors()[0]["msg"]
    raise WireError(f"not from a hub of this version: {problem}")


def fingerprint(payload: bytes) -> str:
    """SHA-256 of a payload, hexadecimal."""
    return hashlib.sha256(payload).hexdigest()


def topic(clinic: str, device: str, leaf: Literal["m", "ack", "state", "cmd"]) -> str:
    """The topic of a device's messages, acknowledgements, state or commands; `+` stands for any one."""
    return f"{ROOT}/{clinic}/{device}/{leaf}"
