"""A unit's compressed weeks on a tapped wire, and what an observer of the wire, or the hub itself, can see of them.

Real `listen`, `send` and hub; a slot is the time between two heartbeats and passes at once. With `sessions`, a room is
used every day; without, it stands empty; `deaf`, it is used and its microphones fail in every session.
"""

import json
import random
import re
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.sync import wire
from tests.faults.clinic import Clinic
from tests.faults.clocked import set_ahead
from tests.side_channel.tap import Packet, Tap

DAY_S = 86400
WEEK_S = 7 * DAY_S
SLOT_S = DAY_S // 4
SLOTS = WEEK_S // SLOT_S
RANDOM = re.compile(rb'"(epoch|id|generation|sha256)":"[0-9a-f]+"|"(seqs|seq|next_seq|boot|hub_time)":\[?\d+\]?')
"""What differs between any two units, or with the time of day at which a week was tried."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen of a unit."""

    packets: list[Packet]
    logs: dict[str, list[str]]
    """The lines of `listen` and `send` in the journal."""
    sessions: int

    def shapes(self) -> list[Counter[tuple[bool, str, str, bool, int]]]:
        """Per slot: which packets went which way, on which topic, retained or not, of which size; and how many.

        In how many packets the hub says what it has committed is the hub's: what it says is counted instead.
        """
        slots = max(packet.slot for packet in self.packets) + 1
        found: list[Counter[tuple[bool, str, str, bool, int]]] = [Counter() for _ in range(slots)]
        for each in self.packets:
            if seqs := acknowledged(each):
                found[each.slot][False, "acknowledged", each.topic, each.retained, 0] += len(seqs)
            elif not (each.up and each.kind == "PUBACK"):
                found[each.slot][each.up, each.kind, each.topic, each.retained, len(each.content)] += 1
        return found

    def greeting(self) -> list[bytes]:
        """Client id, last will and subscriptions, as they were sent."""
        first = [each.content for each in self.packets if each.up and each.kind in {"CONNECT", "SUBSCRIBE"}]
        return [RANDOM.sub(b"", content) for content in first]

    def said(self) -> list[dict[str, Any]]:
        """What the unit said, without what is random and without the releases' numbers: all that a heartbeat tells."""
        bodies = [json.loads(each.payload) for each in self.packets if each.up and each.topic.endswith("/m")]
        return [body["body"] if body["body"]["kind"] != "release" else {"kind": "release"} for body in bodies]

    def releases(self) -> list[wire.Release]:
        """The weekly messages that passed."""
        ups = [each for each in self.packets if each.up and each.topic.endswith("/m")]
        bodies = [wire.unseal(each.payload).body for each in ups]
        return [body for body in bodies if isinstance(body, wire.Release)]

    def delays(self) -> list[float]:
        """Seconds of real time from each slot's begin to its first message up."""
        first: dict[int, float] = {}
        for each in self.packets:
            if each.up and each.topic.endswith("/m"):
                first.setdefault(each.slot, each.after_s)
        return [first[slot] for slot in sorted(first)]


def live(folder: Path, slots: int, seed: int, *, sessions: bool, deaf: bool = False, apart_s: float = 0.0) -> Seen:
    """So many slots of one unit, up to `apart_s` seconds of real time between two.

    A slot that comes at once after a session would meet `send` at another place in its half-second round than one that
    comes at once after none; where delays are compared, chance must place it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    dice, chance = random.Random(seed), random.Random(f"{seed} {sessions}")
    with closing(Clinic(folder, dice)) as clinic, closing(Tap(clinic.port)) as tap:
        clinic.send_port, clinic.heartbeat_s, clinic.resend_s, clinic.deaf = tap.port, SLOT_S, 60, deaf
        clinic.ahead = first_ahead()
        clinic.set_clocks()
        clinic.open()
        clinic.settle()
        clinic.until(lambda: is_answered(tap, 0), "the first slot")
        for slot in range(1, slots + 1):
            clinic.ahead += SLOT_S
            time.sleep(chance.uniform(0.0, apart_s))
            hear_the_hub(clinic)
            move(clinic, "room")  # before the hub: a room that hears of later hours would doubt its own clock
            hear_the_hub(clinic)
            tap.next_slot()
            move(clinic, "hub", "send")
            clinic.until(lambda slot=slot: is_answered(tap, slot), "a heartbeat's acknowledgement")  # type: ignore[misc]
            if sessions and slot % 4 in {1, 2}:  # in the day
                clinic.ask(hold=dice.randint(3, 4))
                clinic.ask(press=True)
        held = clinic.held().total()
        clinic.kill("send")
    return Seen(tap.packets, {name: log_lines(folder / f"{name}.log") for name in ("room", "send")}, held)


def first_ahead() -> float:
    """Seconds from now to ten past midnight on a Friday, so that all weeks have the same slots."""
    now = time.time()
    return (now // WEEK_S + 1) * WEEK_S + DAY_S + 600 - now  # 1970 began on a Thursday


def hear_the_hub(clinic: Clinic) -> None:
    """What the hub has said is written down, and the room has done its chores since: no word comes hours late."""
    clinic.settle()
    for _ in range(2):
        clinic.ask(waiting=True)


def move(clinic: Clinic, *names: str) -> None:
    """Let the slot pass for these."""
    for name in names:
        set_ahead(clinic.folder / f"{name}.clock", clinic.ahead, clinic.ahead)


def is_answered(tap: Tap, slot: int) -> bool:
    """Whether everything of this slot has its answer on the wire, both ways, and the unit has had its sign of life."""
    seen = Counter((each.up, each.kind) for each in tap.packets if each.slot == slot)
    sent = [each for each in tap.packets if each.slot == slot and each.up and each.topic.endswith("/m")]
    asked = Counter(each.up for each in tap.packets if each.slot == slot and each.asks)
    acked = [seq for each in tap.packets if each.slot == slot for seq in acknowledged(each)]
    return (
        bool(sent)
        and len(acked) == len(sent)
        and all(asked[up] == seen[not up, "PUBACK"] for up in (True, False))
        and (slot == 0 or seen[True, "PINGREQ"] == seen[False, "PINGRESP"] == 1)
    )


def acknowledged(packet: Packet) -> list[int]:
    """The numbers that a packet acknowledges."""
    if packet.up or not packet.topic.endswith("/ack"):
        return []
    seqs: list[int] = json.loads(packet.payload).get("seqs", [])
    return seqs


def log_lines(log: Path) -> list[str]:
    """A log without the ports, and without the complaint that hours have passed since a message went: here they do."""
    lines = [line for line in log.read_text().splitlines() if "no acknowledgement from the hub for an hour" not in line]
    return [re.sub(r":\d+", ":PORT", line) for line in lines]
