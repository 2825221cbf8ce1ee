"""What a room attends to from its hub: time, commands, and word that it is a copy."""

import ast
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import get_args

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from app.attend import Attend, overlaid
from app.release.ledger import Ledger
from app.release.release import RANGES, Rules
from app.release.week import week_of
from app.room.rota import Rota
from app.settings import Settings
from app.sources import load
from app.sync import command, wire
from app.sync.command import Deed, Order, Reboot, Rename, RotateCertificate, Set, Update
from app.sync.outbox import Outbox
from app.sync.told import Told

KEY, OTHER = (Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n in (1, 2))
TUESDAY = datetime(2026, 3, 10, 12, tzinfo=UTC)
NOW = int(TUESDAY.timestamp())
DAY = 86400


class House:
    """A room whose clocks a test moves: this machine's own, and that of the hub."""

    def __init__(self, folder: Path, own: float = NOW, key: Ed25519PrivateKey | None = KEY) -> None:
        self.folder, self.said, self.elapsed = folder, list[str](), 0.0
        self.key = key and key.public_key().public_bytes_raw().hex()
        self.outbox = Outbox(folder / "outbox.sqlite", "room-1", simulated=True)
        self.outbox._db.do("PRAGMA synchronous = OFF")  # no power is cut here, and weeks are lived
        self.start(own)

    def start(self, own: float) -> None:
        """Switch it on, with its machine's clock at this time."""
        self.own = own
        self.ledger, self.told = Ledger(self.folder / "ledger.sqlite"), Told(self.folder / "told.sqlite")
        self.ledger._db.do("PRAGMA synchronous = OFF")
        unit = Settings.model_validate({"hub": {"command_key": self.key}})
        began = self.elapsed
        self.attend = Attend(
            unit,
            self.ledger,
            self.outbox,
            self.told,
            self.said.append,
            lambda: self.own + self.elapsed - began,
            lambda: self.elapsed,
        )
        dice, rules = Random(1), Rules(min_sessions=10)
        self.rota = Rota(self.ledger, self.outbox, rules, 7, 3, dice, self.attend.now, self.said.append, lambda: None)

    def stop(self) -> None:
        self.ledger.shut()
        self.told.shut()

    def live(self, seconds: float, hub: float | None = None, step: float = 600.0) -> None:
        """Run for so long; `hub` is the hub's time at the beginning, heard with each heartbeat."""
        begin = self.elapsed
        while self.elapsed < begin + seconds:
            if hub is not None:
                self.outbox.acknowledge(self.outbox.epoch, [], int(hub + self.elapsed - begin))
            self.attend.step(in_session=False)
            self.rota.tick()
            self.elapsed += step

    def hold(self, sessions: int = 1) -> None:
        for _ in range(sessions):
            session = self.ledger.open_session()
            week = week_of(self.attend.now().date())
            self.ledger.close(session, dict.fromkeys(RANGES, 1.0), week, 3000.0)
            self.ledger.forget(session)

    def order(self, deed: Deed, number: int = NOW, **changes: object) -> Order:
        content = {"device": "room-1", "epoch": self.outbox.epoch, "number": number, "expires": NOW + 7 * DAY}
        return Order.model_validate({**content, "deed": deed, **changes})

    def get(self, payload: bytes) -> None:
        """Have these bytes come from the hub's side, by whomever."""
        assert self.outbox.receive(payload)
        self.attend.step(in_session=False)

    def results(self) -> list[wire.Result]:
        """What the next heartbeat takes to the hub."""
        self.outbox.beat(int(self.elapsed) + len(self.outbox.messages()), "0.1.0")
        bodies = [wire.unseal(message.payload).body for message in self.outbox.messages()]
        return [body for body in bodies if isinstance(body, wire.Result)]

    def releases(self) -> list[wire.Release]:
        bodies = [wire.unseal(message.payload).body for message in self.outbox.messages()]
        return [body for body in bodies if isinstance(body, wire.Release)]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path)
    house.live(600, NOW)
    yield house
    house.stop()
    house.outbox.shut()


def test_a_command_is_obeyed_once_and_answered_with_a_heartbeat(house: House) -> None:
    house.get(command.sign(house.order(Set(name="cues.dimmer", value=0.2)), KEY))
    assert house.attend.settings.cues.dimmer == 0.2
    assert not [each for each in house.outbox.waiting() if b'"result"' in each.payload]
    assert house.results() == [wire.Result(number=NOW, outcome="done")]
    assert house.outbox.received() == []
    house.stop()
    house.start(NOW)
    assert house.attend.settings.cues.dimmer == 0.2, "also after a start"
    assert house.said == []


def test_each_deed_on_the_list_is_done(house: House) -> None:
    deeds: list[Deed] = [Rename(name="Garden"), Update(version="0.2.0", sha256="a" * 64), RotateCertificate(), Reboot()]
    for number, deed in enumerate(deeds):
        house.get(command.sign(house.order(deed, number), KEY))
    assert house.told.get("name") == "Garden"
    assert house.told.get("update") == {"kind": "update", "version": "0.2.0", "sha256": "a" * 64}
    assert house.outbox.shall_rotate()
    assert [result.outcome for result in house.results()] == ["done", "done", "taken", "taken"]


def test_the_list_of_commands_has_nothing_that_records_or_streams_or_opens_a_shell() -> None:
    kinds = {each.__name__ for each in get_args(get_args(Deed)[0])}
    assert kinds == {"Set", "Rename", "RotateCertificate", "Reboot", "Update"}, "think hard before you change this"
    tree = ast.parse((Path(__file__).parents[1] / "app/attend.py").read_text())
    modules = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    modules += [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    allowed = ("app.release.", "app.settings", "app.sync", "collections", "datetime", "time", "pydantic")
    assert all(module.startswith(allowed) for module in modules), "no microphones, no processes, no files"
    calls = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    assert not calls & {"eval", "exec", "open", "compile", "__import__"}


def test_only_the_light_and_the_length_of_a_session_can_be_set() -> None:
    unit = Settings()
    names = [
        f"{group}.{key}"
        for group in Settings.model_fields
        if group != "seats"
        for key in type(getattr(unit, group)).model_fields
    ]
    open_to_the_hub = {
        name for name in names if overlaid(unit, name, getattr(getattr(unit, name.split(".")[0]), name.split(".")[1]))
    }
    assert {name for name in open_to_the_hub if not name.startswith("cues.")} == {"session.planned_minutes"}
    assert "cues.dimmer" in open_to_the_hub
    assert len(names) > 40


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("release.rho", 1.0),
        ("release.min_sessions", 10.0),
        ("release.ranges", 1.0),
        ("release.hour", 4.0),
        ("hub.command_key", "0" * 60),
        ("send.host", "elsewhere"),
        ("paths.state", "/home"),
        ("seats.client", 30.0),
        ("cues.dimmer", 1.5),
        ("cues.dimmer", "bright"),
        ("cues.nothing", 1.0),
        ("cues", 1.0),
        ("session.planned_minutes", 1e9),
    ],
)
def test_what_is_not_on_the_list_or_out_of_range_is_refused(house: House, name: str, value: float | str) -> None:
    before = house.attend.settings
    house.get(command.sign(house.order(Set(name=name, value=value)), KEY))
    assert house.results() == [wire.Result(number=NOW, outcome="refused", reason="not allowed")]
    assert house.attend.settings == before


def refusals(house: House) -> dict[str, bytes]:
    """By reason, a command that is to be refused for it; the room has obeyed number 5."""
    dimmer = Set(name="cues.dimmer", value=0.9)
    good = command.sign(house.order(dimmer, 6), KEY)
    tampered = good.replace(b"0.9", b"0.8")
    assert tampered != good
    return {
        "replayed": command.sign(house.order(Set(name="cues.dimmer", value=0.2), 5), KEY),
        "replayed, lower": command.sign(house.order(dimmer, 4), KEY),
        "expired": command.sign(house.order(dimmer, 6, expires=NOW), KEY),
        "expired, in the far future": command.sign(house.order(dimmer, 6, expires=NOW + 400 * DAY), KEY),
        "unsigned, by another key": command.sign(house.order(dimmer, 6), OTHER),
        "unsigned, changed on the way": tampered,
        "unsigned, no command": b"\x00 shell",
        "unsigned, empty": b"",
        "epoch": command.sign(house.order(dimmer, 6, epoch="f" * 32), KEY),
        "device": command.sign(house.order(dimmer, 6, device="room-2"), KEY),
        "unreadable": signed_text('{"v":1,"device":"room-1","deed":{"kind":"shell","line":"ls"}}'),
    }


def signed_text(text: str) -> bytes:
    signature = KEY.sign(command.DOMAIN + text.encode()).hex()
    return command.Command(order=text, signature=signature).model_dump_json().encode()


@pytest.mark.parametrize(
    "case",
    [
        "replayed",
        "replayed, lower",
        "expired",
        "expired, in the far future",
        "unsigned, by another key",
        "unsigned, changed on the way",
        "unsigned, no command",
        "unsigned, empty",
        "epoch",
        "device",
        "unreadable",
    ],
)
def test_what_a_taken_over_send_lays_there_changes_nothing_and_is_told_once(house: House, case: str) -> None:
    """Whoever writes the outbox's table of the hub's bytes; `listen` believes none of it."""
    house.get(command.sign(house.order(Set(name="cues.dimmer", value=0.2), 5), KEY))
    assert [result.outcome for result in house.results()] == ["done"]
    before = house.attend.settings, house.told.last(house.outbox.epoch), house.told.get("name")
    payload = refusals(house)[case]
    for _ in range(30):
        house.get(payload)
    assert (house.attend.settings, house.told.last(house.outbox.epoch), house.told.get("name")) == before
    (sentence,) = house.said
    assert "was refused" in sentence
    _, refused = house.results()
    assert (refused.outcome, refused.reason) == ("refused", case.partition(",")[0])
    assert house.outbox.received() == []


def test_a_taken_over_send_that_goes_back_to_an_old_epoch_or_time_replays_nothing(house: House) -> None:
    first = command.sign(house.order(Set(name="cues.dimmer", value=0.2), 5), KEY)
    house.get(first)
    house.get(command.sign(house.order(Set(name="cues.dimmer", value=0.3), 6), KEY))
    epoch = house.outbox.epoch
    house.outbox.renew()
    house.get(first)
    with house.outbox._db.transaction():
        house.outbox._db.do("UPDATE state SET epoch = ?, next_seq = 0, hub_time = ?", epoch, NOW - 30 * DAY)
    house.get(first)
    assert house.attend.settings.cues.dimmer == 0.3


def test_without_the_clinics_key_nothing_is_obeyed(tmp_path: Path) -> None:
    house = House(tmp_path, key=None)
    house.live(600, NOW)
    house.get(command.sign(house.order(Rename(name="x")), KEY))
    assert house.told.get("name") is None
    assert len(house.said) == 1
    house.stop()
    house.outbox.shut()


def test_the_key_is_set_in_the_units_own_file_only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "fermata.toml").write_text(f'[hub]\ncommand_key = "{"a" * 64}"\n')
    assert load(tmp_path / "fermata.toml").hub.command_key == "a" * 64
    monkeypatch.setenv("FERMATA_HUB__COMMAND_KEY", "b" * 64)
    with pytest.raises(ValueError, match="only be set in the unit's own file"):
        load(tmp_path / "fermata.toml")


def test_before_the_hubs_time_is_known_a_command_waits(tmp_path: Path) -> None:
    house = House(tmp_path, own=0.0)
    house.get(command.sign(house.order(Rename(name="Garden")), KEY))
    assert len(house.outbox.received()) == 1
    house.live(600, NOW)
    assert house.told.get("name") == "Garden"
    house.stop()
    house.outbox.shut()


def test_a_power_cut_between_obeying_and_answering_is_answered_as_done(house: House) -> None:
    payload = command.sign(house.order(Rename(name="Garden")), KEY)
    house.told.obey(house.outbox.epoch, wire.fingerprint(payload), wire.Result(number=NOW, outcome="done"), {})
    house.get(payload)
    assert house.results() == [wire.Result(number=NOW, outcome="done")]
    house.get(payload)
    assert [each.reason for each in house.results()] == [None, "replayed"]


def test_a_reboot_waits_for_its_hour_and_for_the_sessions_end(house: House) -> None:
    house.get(command.sign(house.order(Reboot()), KEY))
    asked = []
    for in_session in (True, False):
        while house.attend.now().hour != 2:
            assert not house.attend.shall_reboot(3, in_session=False), "not at any other hour, session or not"
            house.elapsed += 600
        while house.attend.now().hour < 4:
            if house.attend.shall_reboot(3, in_session=in_session):
                asked.append(house.attend.now())
            house.elapsed += 30
    (when,) = asked
    assert when.replace(minute=0, second=0, microsecond=0) == TUESDAY.replace(hour=3) + timedelta(days=2)
    assert when.minute < 2
    assert not house.attend.shall_reboot(3, in_session=False), "once"


def test_nothing_is_answered_sooner_or_later_because_of_a_session(house: House) -> None:
    house.outbox.receive(command.sign(house.order(Rename(name="Garden")), KEY))
    house.attend.step(in_session=True)
    assert house.results() == [wire.Result(number=NOW, outcome="done")]


def test_a_damaged_file_of_what_was_told_is_put_aside(tmp_path: Path) -> None:
    (tmp_path / "told.sqlite").write_bytes(b"no database " * 1000)
    told = Told(tmp_path / "told.sqlite")
    assert told.settings() == {}
    assert (tmp_path / "told.sqlite.damaged").exists()
    told.shut()


def test_a_copy_is_emptied_when_no_session_is_open_and_begins_anew(house: House) -> None:
    house.hold(12)
    epoch, state = house.outbox.epoch, house.outbox.state()
    newer = wire.Word(epoch=epoch, generation="a" * 32, boot=99, seq=None, sha256=None, hub_time=NOW)
    house.outbox.greet(newer)
    house.attend.step(in_session=True)
    assert len(house.ledger.waiting()) == 12
    house.attend.step(in_session=False)
    assert house.ledger.waiting() == []
    assert house.outbox.messages() == []
    assert house.outbox.state().before == epoch == state.epoch
    (sentence,) = house.said
    assert "restored from an old copy" in sentence
    house.attend.step(in_session=False)
    assert len(house.said) == 1


TEN_YEARS = 3650 * DAY


@pytest.mark.parametrize("wrong", [TEN_YEARS, -TEN_YEARS, 40 * DAY, -40 * DAY])
def test_a_hub_that_goes_wrong_and_right_again_loses_nothing_and_ages_it_by_a_week_at_most(
    tmp_path: Path, wrong: float
) -> None:
    house = House(tmp_path)
    house.live(DAY, NOW)
    house.hold(3)
    house.live(DAY, NOW + DAY + wrong)
    house.hold(4)
    assert [release.sessions for release in house.releases()] == [0] * len(house.releases())
    house.live(2 * DAY, NOW + 2 * DAY)
    assert {each.week for each in house.ledger.waiting()} <= {"2026-W10", "2026-W11"}, "the other calendar's Monday"
    assert len(house.ledger.waiting()) == 7
    assert house.attend.now().date() == date(2026, 3, 14)
    house.stop()
    house.outbox.shut()


def test_a_box_that_was_off_for_three_months_erases_what_is_too_old_and_sends_what_it_had(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.live(600, NOW)
    house.hold(12)
    house.live(6 * DAY, NOW)  # over Sunday: released, and the hub has not said that it has it
    waiting = [release for release in house.releases() if release.sessions]
    house.hold(5)
    house.stop()
    house.start(0.0)  # no battery: it is 1970 again
    house.hold(2)  # before the hub is heard
    later = NOW + 6 * DAY + 95 * DAY
    house.live(600, later)
    assert len(house.ledger.waiting()) == 2
    assert {each.week for each in house.ledger.waiting()} == {week_of(datetime.fromtimestamp(later, UTC).date())}
    assert [each for each in house.releases() if each.sessions] == waiting
    house.stop()
    house.outbox.shut()


def test_a_box_that_never_had_a_clock_counts_its_weeks_all_the_same(tmp_path: Path) -> None:
    house = House(tmp_path, own=0.0)
    house.live(20 * DAY, step=3600.0)
    house.hold(11)
    house.live(DAY)
    house.live(DAY, NOW)
    assert len(house.ledger.waiting()) == 11
    assert {each.week for each in house.ledger.waiting()} == {"2026-W11"}
    house.live(6 * DAY, NOW + DAY)
    assert [release.sessions for release in house.releases() if release.sessions] == [11]
    house.stop()
    house.outbox.shut()


def test_one_release_a_week_whatever_the_clocks_do(tmp_path: Path) -> None:
    """Ten weeks with ten sessions a week, a hub that errs for a day in most, and switches thrown at night."""
    house, dice, held = House(tmp_path), Random(5), 0
    for day_number in range(70):
        hub = NOW + day_number * DAY
        house.live(DAY / 2, hub, step=1800.0)
        house.hold(2)
        held += 2
        wrong = dice.choice([0, 0, 0, TEN_YEARS, -TEN_YEARS, 300 * DAY, -2 * DAY])
        house.live(DAY / 2, hub + DAY / 2 + wrong, step=1800.0)
        if dice.random() < 0.3:
            house.live(DAY / 8, hub + DAY, step=1800.0)  # right again, before it is switched off
            house.elapsed -= DAY / 8
            house.stop()
            house.start(dice.choice([0.0, NOW + TEN_YEARS]))
    full = [release for release in house.releases() if release.sessions]
    assert sum(release.sessions for release in full) + len(house.ledger.waiting()) == held, "none lost, none twice"
    assert len({release.id for release in house.releases()}) == len(house.releases())
    assert len(house.releases()) <= 13
    house.stop()
    house.outbox.shut()


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["live", "hold", "cut"]), st.sampled_from([0, TEN_YEARS, -TEN_YEARS, 30 * DAY, -8 * DAY])
        ),
        max_size=14,
    )
)
@settings(max_examples=15, deadline=None)
def test_no_order_of_jumps_loses_a_session_of_less_than_13_weeks_or_releases_one_twice(
    tmp_path_factory: pytest.TempPathFactory, deeds: list[tuple[str, int]]
) -> None:
    """As long as a machine is not switched on just when its hub is wrong: see the decision on the time."""
    house = House(tmp_path_factory.mktemp("law"))
    house.live(600, NOW)
    held, right = 0, float(NOW + 600)
    for deed, wrong in deeds:
        match deed:
            case "live":
                house.live(DAY, right + wrong, step=1200.0)
                right += DAY
            case "hold":
                house.hold(4)
                held += 4
            case "cut":
                house.live(DAY, right, step=1200.0)
                right += DAY
                house.stop()
                house.start(float(wrong))
    released = [release.sessions for release in house.releases()]
    assert sum(released) + len(house.ledger.waiting()) == held
    house.stop()
    house.outbox.shut()
