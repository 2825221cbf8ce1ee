from pathlib import Path

import pytest

from app.commented import as_toml
from app.hearing.seats import Role, Seat
from app.settings import Group, Settings, SettingsError
from app.sources import load, sourced


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "fermata.toml"
    path.write_text(text)
    return path


def test_the_first_source_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = written(
        tmp_path, "[cues]\nlong_turn = 40\ndimmer = 0.2\n[session]\nplanned_minutes = 45\n[room]\ndevice='a'"
    )
    (tmp_path / "FERMATA_CUES__DIMMER").write_text("0.3")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    monkeypatch.setenv("FERMATA_CUES__LONG_TURN", "50")
    settings, origin = sourced(file, {"room": {"device": "b"}})
    assert (settings.room.device, settings.cues.long_turn, settings.cues.dimmer) == ("b", 50.0, 0.3)
    assert settings.session.planned_minutes == 45.0
    assert origin == {
        "room.device": "an argument",
        "cues.long_turn": "the environment",
        "cues.dimmer": "a systemd credential",
        "session.planned_minutes": str(file),
    }


def test_seats_are_degrees_or_tables(tmp_path: Path) -> None:
    file = written(tmp_path, "[seats]\ntherapist = 30\nwindow = { azimuth = -90, role = 'client' }")
    assert load(file).placed_seats() == (Seat("therapist", Role.THERAPIST, 30.0), Seat("window", Role.CLIENT, 270.0))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[cues]\nlong_tern = 40", r"cues.long_tern .* is not a setting"),
        ("[lamp]\nx = 1", r"lamp.* is not a setting"),
        ("[cues]\nlong_turn = 5", r"cues.long_turn = 5 .* cannot be used"),
        ("[release]\nmin_sessions = 9", r"release.min_sessions = 9 .* cannot be used"),
        ("[release]\nrho = 1.5", r"release.rho = 1.5 .* cannot be used"),
        ("[room]\ndevice = 'Room.1'", r"room.device"),
        ("[seats]\nclient = 'north'", r"seats.client"),
        ("[cues\n", r"cannot be read as TOML"),
    ],
)
def test_a_bad_file_is_one_sentence_that_names_the_setting(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(SettingsError, match=says) as caught:
        load(written(tmp_path, text))
    assert "\n" not in str(caught.value).partition("TOML:")[0]


@pytest.mark.parametrize("name", ["FERMATA_CUE__LONG_TURN", "FERMATA_LONG_TURN", "FERMATA_CUES"])
def test_an_unknown_variable_is_an_error(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "1")
    with pytest.raises(SettingsError, match=name):
        load()


def test_the_floor_of_the_guarantee_is_set_in_the_file_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FERMATA_RELEASE__RHO", "1")
    with pytest.raises(SettingsError, match="only be set in the unit's own file"):
        load()


def test_a_named_file_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="is not there"):
        load(tmp_path / "none.toml")


def test_the_printed_settings_are_read_back_as_they_are(tmp_path: Path) -> None:
    mail = {"host": "mail.example", "to": ["a@example", 'b"@example']}
    seats = {"therapist": 30, "the window": {"azimuth": 90.0, "role": "client"}}
    settings = load(None, {"seats": seats, "hub": {"mail": mail, "therapists": 7}})
    assert load(written(tmp_path, as_toml(settings, {}))) == settings


def test_every_setting_is_documented() -> None:
    for name in Settings.model_fields:
        if name != "seats":
            documented(name, getattr(Settings(), name))


def documented(path: str, group: Group) -> None:
    for key, field in type(group).model_fields.items():
        assert (field.description or "").endswith("."), f"{path}.{key}"
        if isinstance(inner := getattr(group, key), Group):
            documented(f"{path}.{key}", inner)


def test_a_file_on_the_boot_partition_says_what_the_units_own_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, boot = tmp_path / "own.toml", tmp_path / "boot.toml"
    monkeypatch.setattr("app.sources.FILE", own)
    monkeypatch.setattr("app.sources.BOOT", boot)
    key = "0" * 64
    boot.write_text(
        f'[room]\ndevice = "blue-room"\n[send]\nhost = "hub.example"\nport = 8883\n[hub]\ncommand_key = "{key}"\n'
    )
    own.write_text("[send]\nport = 9000\n")
    settings, origin = sourced()
    assert (settings.room.device, settings.send.host, settings.send.port) == ("blue-room", "hub.example", 9000)
    assert settings.hub.command_key == key
    assert origin["send.host"] == str(boot)
    assert load(own).send.host == "127.0.0.1"


def test_the_floor_of_the_guarantee_is_not_set_on_the_boot_partition(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    boot = tmp_path / "boot.toml"
    monkeypatch.setattr("app.sources.FILE", tmp_path / "none.toml")
    monkeypatch.setattr("app.sources.BOOT", boot)
    boot.write_text("[release]\nrho = 1.0\n")
    with pytest.raises(SettingsError, match="can only be set in the unit's own file"):
        load()


def test_whom_to_obey_is_set_on_the_card_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FERMATA_HUB__COMMAND_KEY", "0" * 64)
    with pytest.raises(SettingsError, match="can only be set in the unit's own file"):
        load()


def test_a_joining_code_is_not_printed(tmp_path: Path) -> None:
    file = tmp_path / "fermata.toml"
    file.write_text('[join]\ncode = "ABCD-EFGH-JKMN-PQRS"\n')
    assert "ABCD" not in as_toml(*sourced(file))
