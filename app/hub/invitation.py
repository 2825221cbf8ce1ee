"""A new room's settings file: all that its unit needs to find the hub, to know it, and to join once."""

import time
from contextlib import closing
from datetime import UTC, datetime

from app.hub.authority import Authority
from app.hub.errors import RegistryError
from app.hub.members import Invitation
from app.hub.options import HubOptions
from app.hub.orders import Signer
from app.hub.registry import Registry

TEXT = """\
# Fermata: settings of the room "{name}". Copy this file to the card of its unit as fermata.toml.
# The code below works once, until {until} UTC. Where the unit needs Wi-Fi, set that up with the card's own tool.

[room]
clinic = "{clinic}"
device = "{device}"

[send]
host = "{host}"
port = {port}

[join]
host = "{address}"
port = {door}
fingerprint = "{fingerprint}"
code = "{code}"

[hub]
command_key = "{command_key}"
"""


def invite(options: HubOptions, room: str, days: int, now: int) -> tuple[str, Invitation]:
    """Add a room; its settings file's text, and what was invited. Raises HubError."""
    if options.address is None:
        raise RegistryError(
            "this hub has no address by which a room could reach it: set hub.address first", "hub_unreachable"
        )
    authority = Authority(options.authority, options.clinic, time.time())
    with closing(Registry(options.where)) as registry:
        invited = registry.add(room, now, days)
    host, port = options.broker_address() if options.guarded else (options.address, options.mqtt_port)
    text = TEXT.format(
        name=invited.name.replace('"', "'"),
        until=f"{datetime.fromtimestamp(invited.ends, UTC):%Y-%m-%d %H:%M}",
        clinic=options.clinic,
        device=invited.device,
        host=host if options.broker_url else options.address,
        port=port,
        address=options.address,
        door=options.door_port,
        fingerprint=authority.fingerprint,
        code=invited.code,
        command_key=Signer(options.state).public,
    )
    return text, invited
