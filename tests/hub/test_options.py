"""What a hub with rooms on other machines may be told."""

from pathlib import Path

import pytest

from app.hub.errors import HubError
from app.hub.invitation import invite
from app.hub.options import HubOptions

NOW = 1_790_000_000


def options(tmp_path: Path, **changes: object) -> HubOptions:
    return HubOptions(**({"clinic": "north", "state": tmp_path / "hub"} | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("address", "outward"),
    [
        (None, "127.0.0.1"),
        ("localhost", "127.0.0.1"),
        ("127.0.0.2", "127.0.0.1"),
        ("hub.clinic.example", "0.0.0.0"),  # noqa: S104
        ("192.0.2.7", "0.0.0.0"),  # noqa: S104
        ("2001:db8::7", "::"),
    ],
)
def test_it_listens_to_the_network_only_where_it_has_an_address_there(
    address: str | None, outward: str, tmp_path: Path
) -> None:
    assert options(tmp_path, address=address).outward == outward


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"address": "the hub"}, "no name or address"),
        ({"address": ""}, "no name or address"),
        ({"address": 'x"; y'}, "no name or address"),
        ({"broker_url": "mqtts://broker.example"}, "hub.address"),
        ({"address": "hub.example", "broker_url": "mqtt://broker.example"}, "unprotected"),
        ({"broker_files": Path("/tmp")}, "set hub.address"),  # noqa: S108  only named
        ({"address": "hub.example", "door_port": -1}, "door's port"),
    ],
)
def test_what_would_not_be_safe_is_one_sentence(changes: dict[str, object], words: str, tmp_path: Path) -> None:
    with pytest.raises(HubError, match=words):
        options(tmp_path, **changes)


def test_certificates_are_for_every_name_of_the_hub_and_its_broker(tmp_path: Path) -> None:
    own = options(tmp_path, address="hub.example", broker_url="mqtts://broker.example:8884")
    assert own.names == ["hub.example", "localhost", "127.0.0.1", "::1", "broker.example"]
    assert own.guarded
    assert not options(tmp_path).guarded


def test_a_rooms_file_names_broker_and_door(tmp_path: Path) -> None:
    own = options(tmp_path, address="hub.example", broker_url="mqtts://broker.example:8884", door_port=9000)
    text, invited = invite(own, 'The "Blue"\troom', 7, NOW)
    assert invited.name == 'The "Blue" room'
    assert 'device = "the-blue-room"' in text
    assert '[send]\nhost = "broker.example"\nport = 8884\n' in text
    assert '[join]\nhost = "hub.example"\nport = 9000\n' in text
