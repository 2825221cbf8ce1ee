"""What each certificate's name may do at a broker: a room its own four topics, the hub the other side of them all."""

from collections.abc import Mapping
from dataclasses import dataclass

from app.hub.authority import HUB
from app.sync import wire


@dataclass(frozen=True, slots=True)
class Permit:
    """One name's topics; what is not here is forbidden."""

    name: str
    write: tuple[str, ...]
    read: tuple[str, ...]


def permits(clinic: str, rooms: Mapping[str, str]) -> list[Permit]:
    """The hub's permit and those of rooms, given as names in certificates and their devices."""
    up, down = ("m", "state"), ("ack", "cmd")

    def topics(device: str, leaves: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(f"{wire.ROOT}/{clinic}/{device}/{leaf}" for leaf in leaves)

    hub = Permit(HUB, topics("+", down), topics("+", up))
    return [hub, *(Permit(name, topics(rooms[name], up), topics(rooms[name], down)) for name in sorted(rooms))]


def nats_users(given: list[Permit]) -> str:
    """As users of a NATS server that maps certificates to them."""
    return "\n".join(
        f'    {{ user: "{permit.name}", allowed_connection_types: ["MQTT"], permissions: '
        f"{{ publish: {_subjects(permit.write)}, subscribe: {_subjects(permit.read)} }} }}"
        for permit in given
    )


def mosquitto_acl(given: list[Permit]) -> str:
    """As mosquitto's acl_file, with `use_identity_as_username`."""
    lines = ["# Written by the hub when a room is added or revoked: it will be written again."]
    for permit in given:
        lines += ["", f"user {permit.name}"]
        lines += [f"topic write {topic}" for topic in permit.write]
        lines += [f"topic read {topic}" for topic in permit.read]
    return "\n".join(lines) + "\n"


def _subjects(topics: tuple[str, ...]) -> str:
    if not topics:  # to NATS an empty list forbids nothing
        return '{ deny: [">"] }'
    return "[" + ", ".join(f'"{topic.replace("/", ".").replace("+", "*")}"' for topic in topics) + "]"
