"""A command: what the hub may ask of a unit, signed by the clinic's key and verified by the unit's `listen`.

The list below is all there is: nothing on it records, streams, opens a shell, or touches what a release protects.
Device, epoch, number and expiry are inside the signed bytes (Ed25519, RFC 8032), so a command is for one unit, once.
"""

from typing import Annotated, Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from pydantic import Field, StringConstraints, ValidationError

from app.sync.wire import MAJOR, Count, Hex, Message, Slug

DOMAIN = b"fermata command 1\n"
"""Before the signed bytes: the key's other signatures, should it ever make any, are no commands."""
LONGEST_S = 14 * 86400
"""A command is valid no longer than this, and the hub signs none that is."""


class Set(Message):
    """Change a setting of the room, within its range; from the next session on."""

    kind: Literal["set"] = "set"
    name: Annotated[str, StringConstraints(max_length=60)]
    """As in the settings file: cues.dimmer."""
    value: bool | float | Annotated[str, StringConstraints(max_length=60)]


class Rename(Message):
    """Change the name that people read; the device's id stays."""

    kind: Literal["rename"] = "rename"
    name: Annotated[str, StringConstraints(min_length=1, max_length=40)]


class RotateCertificate(Message):
    """Make a new key and ask for a new certificate."""

    kind: Literal["rotate-certificate"] = "rotate-certificate"


class Reboot(Message):
    """Start the machine anew, at the unit's fixed hour and never in a session."""

    kind: Literal["reboot"] = "reboot"


class Update(Message):
    """Which software this unit shall have; it is noted, and whoever installs software reads it."""

    kind: Literal["update"] = "update"
    version: Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z.+-]{1,40}$")]
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


Deed = Annotated[Set | Rename | RotateCertificate | Reboot | Update, Field(discriminator="kind")]


class Order(Message):
    """What is signed."""

    v: Literal[1] = MAJOR
    device: Slug
    epoch: Hex
    number: Count
    """Rises within the epoch."""
    expires: Count
    """Seconds since 1970 UTC."""
    deed: Deed


class Command(Message):
    """What goes over the wire: the order as it was signed, byte for byte, and the signature."""

    v: Literal[1] = MAJOR
    order: Annotated[str, StringConstraints(max_length=2000)]
    signature: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{128}$")]


class Refused(Exception):  # noqa: N818 - it is the sentence's verb
    """A command that is not obeyed; `reason` is the wire's word for why, `number` the order's once it is verified."""

    def __init__(self, reason: str, number: int | None = None) -> None:
        super().__init__(f"a command was refused ({reason}) and nothing changed: look who uses the hub's key or broker")
        self.reason, self.number = reason, number


def sign(order: Order, key: Ed25519PrivateKey) -> bytes:
    """The command to send."""
    text = order.model_dump_json()
    return Command(order=text, signature=key.sign(DOMAIN + text.encode()).hex()).model_dump_json().encode()


def verify(payload: bytes, key: str | None) -> Order:
    """The order in some bytes, if this public key (64 hexadecimal digits) has signed it. Raises Refused."""
    if key is None:
        raise Refused("unsigned")
    try:
        command = Command.model_validate_json(payload)
        text = command.order.encode()
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(key)).verify(bytes.fromhex(command.signature), DOMAIN + text)
    except (ValidationError, InvalidSignature, UnicodeEncodeError):
        raise Refused("unsigned") from None
    try:
        return Order.model_validate_json(text)
    except ValidationError:
        raise Refused("unreadable") from None


def check(order: Order, device: str, epoch: str, last: int | None, now: float) -> None:
    """Whether this unit may obey a verified order now; `last` is the number obeyed last. Raises Refused."""
    if order.device != device:
        raise Refused("device", order.number)
    if order.epoch != epoch:
        raise Refused("epoch", order.number)
    if last is not None and order.number <= last:
        raise Refused("replayed", order.number)
    if not now < order.expires <= now + LONGEST_S:
        raise Refused("expired", order.number)
