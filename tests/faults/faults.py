"""The faults: each a place to happen in, and one blow at a random moment from which all must come back."""

import random
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from tests.faults.clinic import Clinic, Miss, free_port
from tests.faults.places import Mosquitto, Wire, filled, mosquitto_program, namespace, small_disk
from tests.faults.replay import Parrot
from tests.hub.postgres import Postgres, programs

TEN_YEARS_S = 3652.5 * 86400
UNDER_WAY_S = 2.5
"""By then a release has gone, with the heartbeat after its sealing, and perhaps been acknowledged."""
Place = Callable[[Path, random.Random], AbstractContextManager[Clinic]]


@dataclass(frozen=True, slots=True)
class Fault:
    """What is done to a clinic."""

    name: str
    place: Place
    strike: Callable[[Clinic], str | None]
    """One round: work, the blow, and what brings the processes back; what the blow has met, if that can differ."""
    heartbeats: bool = True
    """False where heartbeats may be dropped or forgotten, which is the rule for them; releases never."""
    needs: Callable[[], str | None] = lambda: None
    """Why it cannot be tried here, if so."""


@contextmanager
def embedded(folder: Path, dice: random.Random) -> Iterator[Clinic]:
    """The hub as it comes: broker and database its own."""
    with closing(Clinic(folder, dice)) as clinic:
        yield clinic


@contextmanager
def with_mosquitto(folder: Path, dice: random.Random, *, deletes_on_puback: bool = False) -> Iterator[Clinic]:
    """A mosquitto with persistence, everything else about it as it comes."""
    broker = Mosquitto(folder / "mosquitto", free_port())
    with closing(broker), closing(Clinic(folder, dice, broker=f"mqtt://127.0.0.1:{broker.port}")) as clinic:
        clinic.port, clinic.place, clinic.deletes_on_puback = broker.port, broker, deletes_on_puback
        yield clinic


@contextmanager
def with_postgresql(folder: Path, dice: random.Random) -> Iterator[Clinic]:
    """PostgreSQL in place of the file."""
    with closing(Postgres()) as postgres, closing(Clinic(folder, dice, database=postgres.url)) as clinic:
        clinic.place = postgres
        yield clinic


@contextmanager
def with_a_wire(folder: Path, dice: random.Random) -> Iterator[Clinic]:
    """All in a network namespace of its own, where packets can be dropped."""
    with namespace() as name, closing(Clinic(folder, dice, namespace=name)) as clinic:
        clinic.place = Wire(name, clinic.port)
        yield clinic


@contextmanager
def with_a_small_card(folder: Path, dice: random.Random) -> Iterator[Clinic]:
    """A room unit on a disk of 8 MB."""
    with small_disk(folder / "card", 8), closing(Clinic(folder, dice)) as clinic:
        yield clinic


@contextmanager
def with_a_small_hub(folder: Path, dice: random.Random) -> Iterator[Clinic]:
    """A hub, broker and database and all, on a disk of 64 MB."""
    with small_disk(folder / "hub", 64), closing(Clinic(folder, dice)) as clinic:
        yield clinic


def kill_send(clinic: Clinic) -> None:
    """SIGKILL of `send` with a release under way."""
    with clinic.week_that_ends():
        clinic.at_random(UNDER_WAY_S)
        clinic.kill("send")
        clinic.start("send")


def kill_listen(clinic: Clinic) -> str:
    """SIGKILL of `listen` around the sealing of a release."""
    with clinic.week_that_ends() as before:
        clinic.at_random(0.12)
        clinic.kill("room")
        met = clinic.how_far_sealed(before)
        clinic.start("room")
    return met


def kill_hub(clinic: Clinic) -> None:
    """SIGKILL of the hub, and with it of its broker, with messages coming in."""
    with clinic.week_that_ends():
        clinic.at_random(UNDER_WAY_S)
        clinic.kill("hub")
        clinic.at_random(1.0)
        clinic.start("hub")


def kill_embedded_broker(clinic: Clinic) -> None:
    """SIGKILL of NATS while the hub is stopped and messages lie in NATS."""
    clinic.tell("hub", signal.SIGSTOP)
    clinic.live_a_week()
    clinic.live_a_week()
    clinic.at_random(1.5)
    pid = int((clinic.folder / "hub" / "broker" / "broker.pid").read_text())
    subprocess.run(["kill", "-KILL", str(pid)], check=True)
    clinic.tell("hub", signal.SIGCONT)


def kill_mosquitto(clinic: Clinic) -> None:
    """SIGKILL of mosquitto while the hub is away and messages lie in mosquitto."""
    assert isinstance(clinic.place, Mosquitto)
    clinic.kill("hub", signal.SIGTERM)
    for _ in range(2):
        clinic.live_a_week()
    clinic.at_random(1.5)
    clinic.place.kill()
    clinic.place.start()
    clinic.start("hub")


def break_the_wire(clinic: Clinic) -> str:
    """The network is cut, or carries only one way, for a while; a `send` that dies meanwhile leaves its end open."""
    assert isinstance(clinic.place, Wire)
    how = clinic.dice.choice(("cut", "only to the hub", "only from the hub"))
    dies = clinic.dice.random() < 0.5
    with clinic.week_that_ends():
        clinic.at_random(UNDER_WAY_S)
        with clinic.place.broken(how):
            if dies:
                clinic.kill("send")
            clinic.at_random(5.0)
        clinic.keep_up("send")
    return how + (", send dies" if dies else "")


def fill_the_card(clinic: Clinic) -> str:
    """The room unit's disk is full to the last byte for a while, also while it should seal."""
    clinic.hold()
    before = clinic.weeks_made()
    early = clinic.dice.random() < 0.7
    if not early:
        clinic.pass_a_week()
        clinic.at_random(0.1)
    with filled(clinic.card):
        if early:
            clinic.pass_a_week()
        end = time.monotonic() + clinic.dice.uniform(0.3, 2.0)
        while time.monotonic() < end:
            clinic.keep_up("room", "send")
            time.sleep(0.2)
    clinic.until(lambda: not clinic.keep_up("room", "send") and clinic.weeks_made() > before, "the week's message")
    return "full before the week ends" if early else "full as it ends"


def fill_the_hub(clinic: Clinic) -> str:
    """The hub's disk is full to the last byte for a while; it may be killed meanwhile, and cannot start then."""
    dies = clinic.dice.random() < 0.3
    with clinic.week_that_ends():
        clinic.at_random(UNDER_WAY_S)
        with filled(clinic.folder / "hub"):
            if dies:
                clinic.kill("hub")
            clinic.at_random(5.0)
        clinic.keep_up("hub")
    return "full, killed" if dies else "full"


def wrong_clock(clinic: Clinic) -> str:
    """The clock of the room unit, or of the hub, is ten years off for a while, and what runs meanwhile may restart."""
    who = clinic.dice.choice((("send", "room"), ("hub",)))
    years = clinic.dice.choice((-1, 1))
    with clinic.week_that_ends():
        clinic.wrong |= dict.fromkeys(who, years * TEN_YEARS_S)
        clinic.set_clocks()
        restarts = clinic.dice.random() < 0.5
        if restarts:
            for name in who:
                clinic.kill(name, signal.SIGTERM)
                clinic.start(name)
        clinic.at_random(1.5)
        clinic.wrong |= dict.fromkeys(who, 0.0)
        clinic.set_clocks()
        clinic.pass_a_week()
    return f"{'hub' if who == ('hub',) else 'room unit'} {years * 10:+} years" + (", restarted" if restarts else "")


def replay(clinic: Clinic) -> None:
    """Everything ever said is said again, several times and in any order, while the hub cannot answer, and after."""
    assert isinstance(clinic.place, Mosquitto)
    with closing(Parrot(clinic.place.port, clinic.dice)) as parrot:
        clinic.tell("hub", signal.SIGSTOP)
        clinic.live_a_week()
        clinic.at_random(1.0)
        parrot.repeat(200)
        clinic.tell("hub", signal.SIGCONT)
        clinic.live_a_week()
        parrot.repeat(200)


def restore_the_hub(clinic: Clinic) -> None:
    """The hub's database is put back to an older copy."""
    copy = clinic.folder / "backup.sqlite"
    copy.unlink(missing_ok=True)
    clinic.hub_command("backup", str(copy))
    for _ in range(clinic.dice.randint(1, 3)):
        clinic.live_a_week()
        clinic.at_random(UNDER_WAY_S)
    clinic.kill("hub")
    clinic.hub_command("restore", str(copy))
    clinic.start("hub")
    clinic.until(lambda: clinic.releases_missing() == 0, "the releases that the hub has forgotten")


def restore_the_card(clinic: Clinic) -> None:
    """The room unit's card is put back to an older image, from before some of its sessions were released."""
    for name in ("room", "send"):
        clinic.kill(name)
    image = clinic.folder / "image"
    shutil.rmtree(image, ignore_errors=True)
    shutil.copytree(clinic.card, image)
    epoch = clinic.epoch()
    for name in ("room", "send"):
        clinic.start(name)
    for _ in range(clinic.dice.randint(1, 3)):
        clinic.live_a_week()
    clinic.hold()
    clinic.settle()
    clinic.lose_card()
    shutil.copytree(image, clinic.card, dirs_exist_ok=True)
    order = ["room", "send"]
    clinic.dice.shuffle(order)
    for name in order:
        clinic.start(name)
        clinic.at_random(0.5)
    clinic.until(lambda: clinic.epoch() != epoch, "a new epoch")
    clinic.live_a_week()
    clinic.excuse_what_was_erased()


def cut_postgresql(clinic: Clinic) -> None:
    """PostgreSQL is stopped at once, with messages coming in, and started again."""
    assert isinstance(clinic.place, Postgres)
    with clinic.week_that_ends():
        clinic.at_random(UNDER_WAY_S)
        clinic.place.cut()
        clinic.at_random(0.5)
        clinic.place.start()


def needs(*programs: str) -> Callable[[], str | None]:
    """Root and these programs."""

    def missing() -> str | None:
        gone = [program for program in programs if shutil.which(program) is None]
        if gone:
            return f"{', '.join(gone)} not installed"
        done = subprocess.run(["id", "-u"], check=True, capture_output=True, text=True)
        return None if done.stdout.strip() == "0" else "only root can do this"

    return missing


def needs_mosquitto() -> str | None:
    return None if mosquitto_program() else "mosquitto is not installed"


def needs_postgresql() -> str | None:
    return None if programs() else "PostgreSQL is not installed"


FAULTS = (
    Fault("kill -9 of send", embedded, kill_send),
    Fault("kill -9 of listen while sealing", embedded, kill_listen),
    Fault("kill -9 of the hub", embedded, kill_hub),
    Fault("kill -9 of NATS with a backlog", embedded, kill_embedded_broker),
    Fault("kill -9 of mosquitto with a backlog", with_mosquitto, kill_mosquitto, needs=needs_mosquitto),
    Fault("network cut and half-open", with_a_wire, break_the_wire, needs=needs("ip", "nft", "sysctl")),
    Fault("disk full", with_a_small_card, fill_the_card, heartbeats=False, needs=needs("mount", "umount")),
    Fault("disk of the hub full", with_a_small_hub, fill_the_hub, needs=needs("mount", "umount")),
    Fault("clock off by ten years", embedded, wrong_clock),
    Fault("replay and reorder", with_mosquitto, replay, needs=needs_mosquitto),
    Fault("hub restored from a backup", embedded, restore_the_hub, heartbeats=False),
    Fault("card image restored", embedded, restore_the_card),
    Fault("PostgreSQL immediate restart", with_postgresql, cut_postgresql, needs=needs_postgresql),
)
CONTROL = Fault(
    "control: a device that deletes on PUBACK, mosquitto killed",
    partial(with_mosquitto, deletes_on_puback=True),
    kill_mosquitto,
    needs=needs_mosquitto,
)


@dataclass(slots=True)
class Result:
    """What became of a fault's rounds."""

    name: str
    rounds: int = 0
    miss: str | None = None
    """What was lost, there twice or released twice, in the last round; None if nothing was."""
    generated: int = 0
    stored: int = 0
    sessions: int = 0
    met: Counter[str] = field(default_factory=Counter)
    skipped: str | None = None

    def said(self, rounds: int) -> str:
        """Progress in a line."""
        verdict = self.miss or "nothing lost, nothing twice"
        return f"{self.name}: round {self.rounds} of {rounds}, {self.generated} messages: {verdict}"


def try_faults(
    faults: Sequence[Fault], folder: Path, rounds: int, seed: int, progress: Callable[[str], None]
) -> list[Result]:
    """Strike with each so many times in one clinic, and look at its books after each blow.

    All are of one place. What has missed is not tried again, nor what comes after it: books do not heal.
    """
    results = [Result(fault.name, skipped=fault.needs()) for fault in faults]
    for each in results:
        if each.skipped:
            progress(f"{each.name}: skipped, {each.skipped}")
    if any(each.skipped for each in results):
        return results
    folder.mkdir(parents=True)
    dice = random.Random(f"{seed} {faults[0].name}")
    with faults[0].place(folder, dice) as clinic:
        try:
            clinic.open()
            clinic.live_a_week()
            clinic.check()
        except Miss as miss:
            results[0].miss = f"before any blow: {miss}"
            return results
        for fault, result in zip(faults, results, strict=True):
            for result.rounds in range(1, rounds + 1):
                strike(clinic, fault, result)
                progress(result.said(rounds))
                if result.miss:
                    return results
    return results


def strike(clinic: Clinic, fault: Fault, result: Result) -> None:
    """One round."""
    clinic.heartbeats_count &= fault.heartbeats
    try:
        result.met[fault.strike(clinic) or ""] += 1
        result.generated, result.stored = clinic.check()
    except Miss as miss:
        result.miss = " ".join(str(miss).split())
        result.generated, result.stored = len(clinic.generated()), len(clinic.stored())
    result.sessions = clinic.held().total()
