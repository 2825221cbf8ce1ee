"""Alerts: told once and in time, over when it is over, and nobody is blamed for the hub's own absence."""

from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.hub.alerts import GAP_S, LONGEST_HUB, Alerts
from app.hub.arrivals import Arrival, sort
from app.hub.authority import Authority, Shown
from app.hub.conditions import AWAY_S, DAY_S, HUB, RULES, Evidence, Kind, Own, find
from app.hub.journal import By, Deed
from app.hub.rooms import Room
from app.hub.rounds import Ward
from app.hub.standing import CERTIFICATE_S
from app.sync.identity import new_key, signing_request
from tests.hub.households import NOW, Clinic, a_clinic
from tests.hub.hubs import EPOCH
from tests.hub.nights import Watch, told

PLENTY = 2**40
HALF_HOUR = AWAY_S / 60


@pytest.fixture
def clinic(tmp_path: Path) -> Iterator[Clinic]:
    with a_clinic(tmp_path) as clinic:
        yield clinic


@pytest.fixture
def watch(clinic: Clinic, tmp_path: Path) -> Iterator[Watch]:
    with closing(Watch(clinic, tmp_path / "hub.sqlite")) as watch:
        watch.on("room-1", "room-2")
        watch.pass_(1)
        yield watch


def test_a_room_that_is_away_is_told_once_after_half_an_hour_and_over_half_an_hour_after_it_is_back(
    watch: Watch,
) -> None:
    del watch.rooms["room-1"]
    watch.pass_(HALF_HOUR - 1)
    assert watch.open() == set()
    watch.pass_(6)
    assert watch.open() == {("room-1", Kind.AWAY)}
    watch.pass_(300, 150)
    watch.on("room-1")
    watch.pass_(HALF_HOUR - 1)
    assert watch.open() == {("room-1", Kind.AWAY)}
    watch.pass_(2)
    assert watch.open() == set()
    assert told(watch.alerts, watch.clinic.now) == [("room-1", Kind.AWAY)]


def test_a_last_will_counts_like_silence(watch: Watch) -> None:
    watch.clinic.die("room-1")
    del watch.rooms["room-1"]
    watch.pass_(HALF_HOUR - 1)
    assert watch.open() == set()
    watch.pass_(2)
    assert watch.open() == {("room-1", Kind.AWAY)}


def test_a_short_absence_is_not_told(watch: Watch) -> None:
    for _ in range(5):
        del watch.rooms["room-1"]
        watch.pass_(20)
        watch.on("room-1")
        watch.pass_(10)
    assert told(watch.alerts, watch.clinic.now) == []


def test_a_room_that_comes_and_goes_for_half_a_day_is_told_a_few_times(watch: Watch) -> None:
    for _ in range(8):
        del watch.rooms["room-1"]
        watch.pass_(45, 150)
        watch.on("room-1")
        watch.pass_(45, 150)
    assert len(told(watch.alerts, watch.clinic.now)) <= 3


def test_a_hub_that_was_itself_away_blames_no_room_until_it_has_listened_half_an_hour(watch: Watch) -> None:
    watch.pass_(10)
    watch.up = False
    watch.pass_(60)
    watch.up = True
    gone = watch.rooms.pop("room-1")
    watch.pass_(HALF_HOUR - 1)
    assert told(watch.alerts, watch.clinic.now) == []
    watch.pass_(2)
    assert watch.open() == {("room-1", Kind.AWAY)}
    watch.rooms["room-1"] = gone


def test_a_cut_that_takes_hub_and_rooms_at_once_is_not_told_of_every_room(watch: Watch) -> None:
    for device in ("room-1", "room-2"):
        watch.clinic.die(device)
    watch.lookout.look()
    watch.up = False
    watch.pass_(120)
    watch.up = True
    watch.pass_(3)
    watch.on("room-1", "room-2")
    watch.pass_(120)
    assert told(watch.alerts, watch.clinic.now) == []


def test_a_broker_that_is_away_is_the_hubs_trouble_and_no_rooms(watch: Watch) -> None:
    watch.hears, watch.trouble = False, "the broker does not answer"
    rooms, watch.rooms = watch.rooms, {}
    watch.pass_(4)
    assert watch.open() == set()
    watch.pass_(120)
    assert watch.open() == {(f"{HUB}north-1", Kind.STORING)}
    watch.hears, watch.trouble, watch.rooms = True, "", rooms
    watch.pass_(30)
    assert watch.open() == set()


def test_what_was_told_before_the_hub_was_away_stays_as_it_was_until_the_room_is_heard(watch: Watch) -> None:
    watch.on("room-1", microphones="fault")
    watch.pass_(20)
    assert watch.open() == {("room-1", Kind.MICROPHONES)}
    del watch.rooms["room-1"]
    watch.pass_(120)
    assert watch.open() == {("room-1", Kind.MICROPHONES), ("room-1", Kind.AWAY)}
    watch.on("room-1")
    watch.pass_(40)
    assert watch.open() == set()


@pytest.mark.parametrize(
    ("says", "kind", "minutes"),
    [
        ({"microphones": "fault"}, Kind.MICROPHONES, 10),
        ({"clock": "own"}, Kind.CLOCK, 60),
        ({"outbox_waiting": 1}, Kind.UNACKNOWLEDGED, 60),
    ],
)
def test_what_heartbeats_tell_is_told_when_it_lasts(
    watch: Watch, says: dict[str, object], kind: Kind, minutes: int
) -> None:
    watch.on("room-1", **says)
    watch.pass_(minutes - 1)
    assert watch.open() == set()
    watch.pass_(7)
    assert watch.open() == {("room-1", kind)}
    watch.on("room-1")
    watch.pass_(9)
    assert watch.open() == {("room-1", kind)}
    watch.pass_(3)
    assert watch.open() == set()


def test_dropped_messages_are_told_for_a_day_and_not_for_ever(watch: Watch) -> None:
    watch.on("room-1", outbox_dropped=3)
    watch.pass_(1)
    (alert,) = watch.alerts.open()
    assert (alert.kind, alert.fact) == (Kind.OUTBOX, 3)
    watch.rooms["room-2"] = {}
    watch.clinic.now += DAY_S
    watch.on("room-1", outbox_dropped=3)
    watch.on("room-2")
    watch.pass_(6)
    assert watch.open() == set()
    watch.on("room-1", outbox_dropped=5)
    watch.pass_(1)
    assert [alert.fact for alert in watch.alerts.open()] == [2]


def test_a_certificate_is_told_twenty_days_before_its_end_and_over_once_renewed(watch: Watch) -> None:
    clinic = watch.clinic
    then = clinic.now - 71 * DAY_S
    invited = clinic.registry.add("Blue room", then)
    authority = Authority(clinic.options.authority, "north", then)
    clinic.registry.admit(authority, invited.device, invited.code, signing_request(new_key()), then)
    watch.pass_(1)
    (alert,) = watch.alerts.open()
    assert (alert.kind, alert.name, alert.device) == (Kind.CERTIFICATE, "Blue room", "blue-room")
    assert alert.fact
    assert alert.fact - clinic.now < CERTIFICATE_S
    shown = Shown("blue-room.1", alert.fact)
    assert clinic.registry.renew(authority, shown, signing_request(new_key()), clinic.now, fresh=False)
    watch.pass_(1)
    assert watch.open() == set()
    assert told(watch.alerts, clinic.now) == [("blue-room", Kind.CERTIFICATE)]


def test_an_invited_room_that_was_never_there_is_not_told(watch: Watch) -> None:
    watch.clinic.registry.add("Blue room", watch.clinic.now)
    watch.pass_(90)
    assert told(watch.alerts, watch.clinic.now) == []


def test_a_room_that_is_shut_out_is_no_trouble_any_more(watch: Watch) -> None:
    clinic = watch.clinic
    clinic.registry.add("room-1", clinic.now)
    del watch.rooms["room-1"]
    watch.pass_(40)
    assert watch.open() == {("room-1", Kind.AWAY)}
    clinic.registry.revoke("room-1", clinic.now)
    watch.pass_(31)
    assert watch.open() == set()


def test_a_rehearsals_rooms_are_no_trouble(watch: Watch) -> None:
    watch.clinic.beat("stage-1", 1, simulated=True, microphones="fault")
    watch.pass_(120)
    assert watch.open() == set()


def test_a_newer_unit_is_told_until_it_can_be_read(watch: Watch) -> None:
    newer = sort(Arrival("room-1", "m", b'{"v":2,"epoch":"%s","seq":900}' % EPOCH.encode()))
    assert newer
    watch.clinic.store.commit([newer], watch.clinic.now)
    watch.pass_(1)
    assert watch.open() == {("room-1", Kind.NEWER)}
    watch.clinic.beat("room-1", 900)
    watch.pass_(1)
    assert watch.open() == set()


def test_messages_set_aside_are_told_for_a_day_and_strangers_under_one_name(watch: Watch) -> None:
    for device in ("room-1", "made-up-1", "made-up-2", "Room 1\r\nBcc: x"):
        poison = sort(Arrival(device, "m", b"{"))
        assert poison
        watch.clinic.store.commit([poison], watch.clinic.now)
    watch.pass_(1)
    assert {(a.subject, a.kind, a.fact) for a in watch.alerts.open()} == {
        ("room-1", Kind.ASIDE, 1),
        ("", Kind.ASIDE, 3),
    }
    watch.clinic.now += DAY_S
    watch.on("room-1", "room-2")
    watch.pass_(1)
    assert watch.open() == set()


def test_two_hubs_agree_on_rooms_and_keep_what_is_their_own(watch: Watch, tmp_path: Path) -> None:
    with closing(Watch(watch.clinic, tmp_path / "hub.sqlite", "north-2")) as other:
        other.hears, other.trouble = False, "the broker does not answer"
        del watch.rooms["room-1"]
        for _ in range(30):
            watch.pass_(2)
            other.lookout.look()
        own = (f"{HUB}north-2", Kind.STORING)
        assert watch.open() == {("room-1", Kind.AWAY), own}
        watch.pass_(60 * 25, 150)  # the second hub is taken down for good
        assert watch.open() == {("room-1", Kind.AWAY)}


def test_two_hubs_whose_clocks_differ_by_seconds_count_on_together(watch: Watch) -> None:
    alerts, start = watch.alerts, watch.clinic.now
    for second in range(0, 900, 60):
        assert alerts.listened("north-1", start + second, listening=True) == alerts.listened(
            "north-2", start + second - 7, listening=True
        )


def test_nobody_listens_when_none_has_for_a_while(watch: Watch) -> None:
    now = watch.clinic.now
    assert watch.alerts.listened("north-1", now + GAP_S, listening=False) is not None
    assert watch.alerts.listened("north-1", now + GAP_S + 1, listening=False) is None
    assert watch.alerts.listened("north-1", now + GAP_S + 60, listening=True) == now + GAP_S + 60


@pytest.mark.parametrize("jump", [-3650 * DAY_S, 3650 * DAY_S])
def test_a_hub_whose_clock_jumps_by_ten_years_blames_no_room(watch: Watch, jump: int) -> None:
    watch.pass_(30)
    watch.clinic.now += jump
    watch.on("room-1", "room-2")
    watch.pass_(60)
    watch.clinic.now -= jump
    watch.on("room-1", "room-2")
    watch.pass_(60)
    assert told(watch.alerts, watch.clinic.now) == []


def test_seen_by_the_first_who_says_so_and_written_down(watch: Watch) -> None:
    del watch.rooms["room-1"]
    watch.pass_(40)
    (alert,) = watch.alerts.open()
    assert watch.alerts.count() == (1, 1)
    assert watch.alerts.see(alert.id, By("tom", "127.0.0.1"), watch.clinic.now)
    assert not watch.alerts.see(alert.id, By("ana", "127.0.0.1"), watch.clinic.now)
    assert not watch.alerts.see(alert.id + 1, By("ana", "127.0.0.1"), watch.clinic.now)
    assert watch.alerts.count() == (1, 0)
    assert watch.alerts.open()[0].seen_by == "tom"
    (entry,) = [entry for entry in watch.clinic.desk.journal.read() if entry.what == Deed.ALERT_SEEN]
    assert (entry.by.who, entry.about) == ("tom", "room-1: away")


def test_what_is_over_is_kept_for_two_years(watch: Watch) -> None:
    watch.on("room-1", outbox_dropped=3)
    watch.pass_(1)
    watch.on("room-1")
    watch.pass_(1)
    now = watch.clinic.now
    watch.alerts.forget(now + 729 * DAY_S)
    assert len(watch.alerts.over(now + DAY_S)) == 1
    watch.alerts.forget(now + 731 * DAY_S)
    assert watch.alerts.over(now + DAY_S) == []


@pytest.mark.parametrize(
    ("free", "kinds", "unknown"),
    [(2**30 - 1, [Kind.DISK], set()), (2**30, [], {(f"{HUB}h", Kind.DISK)}), (3 * 2**29, [], set())],
)
def test_a_disk_is_low_below_one_gibibyte_and_well_from_one_and_a_half(
    free: int, kinds: list[Kind], unknown: set[tuple[str, Kind]]
) -> None:
    found = find(Evidence([], {}, {}, [], NOW, Own("h", free, None)), NOW)
    assert [trouble.kind for trouble in found.troubles] == kinds
    assert found.unknown == unknown


ROOMS = st.builds(
    lambda state, since, heartbeat, microphones, clock, waiting: Room(
        "room-1", False, state, NOW - since, NOW - heartbeat, "0.1.0", microphones, clock, waiting, 0
    ),
    st.sampled_from(["birth", "death"]),
    st.integers(-2 * DAY_S, 2 * DAY_S),
    st.integers(-2 * DAY_S, 2 * DAY_S),
    st.sampled_from(["ok", "fault", "unknown"]),
    st.sampled_from(["hub", "own"]),
    st.integers(0, 3),
)


@given(ROOMS, st.none() | st.integers(0, 2 * DAY_S))
def test_no_room_is_away_before_somebody_has_listened_half_an_hour(room: Room, listened: int | None) -> None:
    since = None if listened is None else NOW - listened
    ward = Ward(room, "Blue room", None, registered=True)
    found = find(Evidence([ward], {}, {}, [], since, Own("h", PLENTY, None)), NOW)
    told_of = {trouble.kind for trouble in found.troubles}
    if listened is None or listened < AWAY_S:
        assert Kind.AWAY not in told_of
    if listened is None:
        assert told_of == set()
    assert not {("room-1", kind) for kind in told_of} & found.unknown


@settings(max_examples=12)  # each opens a database of its own
@given(st.lists(st.tuples(st.booleans(), st.integers(1, 24)), max_size=8))
def test_never_two_alerts_of_a_kind_at_once_and_always_time_between(spells: list[tuple[bool, int]]) -> None:
    now = heard = NOW
    with closing(Alerts(Path(":memory:"))) as alerts:
        for on, beats in spells:
            for _ in range(beats):
                now += 300
                heard = now if on else heard
                room = Room("room-1", False, "birth", NOW, heard, "0.1.0", "ok", "hub", 0, 0)
                evidence = Evidence([Ward(room, "", None, registered=True)], {}, {}, [], NOW, Own("h", PLENTY, None))
                alerts.observe("h", find(evidence, now), now)
        told_of = sorted([*alerts.open(), *alerts.over(now)], key=lambda alert: alert.opened)
        for earlier, later in pairwise(told_of):
            assert earlier.closed is not None
            assert later.opened - earlier.closed >= AWAY_S
            assert earlier.closed - earlier.opened >= AWAY_S
        assert bool(alerts.open()) or now - heard < AWAY_S or not spells


def test_every_kind_has_its_rule_and_a_hubs_name_fits() -> None:
    assert set(RULES) == set(Kind)
    assert len("look:") + LONGEST_HUB <= 32


def test_only_devices_are_told_of() -> None:
    assert {kind.value for kind in Kind} == {
        *("away", "microphones", "certificate", "clock", "outbox", "unacknowledged", "newer", "aside"),
        *("disk", "storing"),
    }
