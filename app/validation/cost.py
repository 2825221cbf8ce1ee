"""What each stage of the analysis costs on this machine: time of one core, and memory."""

import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from time import process_time
from typing import Any

from app.conversation.conversation import Conversation
from app.conversation.units import HEARD
from app.conversation.vocabulary import Now
from app.cues.policy import Policy
from app.hearing.features import BLOCK, BLOCK_FRAMES, Ears, Features
from app.hearing.hearing import Heard, Hearing
from app.hearing.inputs import Inputs, NetInputs
from app.hearing.model import Belief, Model, at_rest
from app.hearing.seats import Seat
from app.hearing.selfcheck import SelfCheck
from app.validation.plan import Plan, PlanError
from app.validation.sessions import rehearse
from app.validation.stages import blocks
from firmware.sound import BLOCK_SAMPLES, ArrayGeometry, Block

MINUTES = (1.0, 1.0)
"""Length of the session that is heard, if none is asked for."""
ROUNDS = 5
"""The quickest counts: what else the machine does is no cost of ours."""
HOUR_BLOCKS = 3600 * 100 // BLOCK_FRAMES
AROUND = "hearing around them"
GLANCES = "glances at half blocks"


@dataclass(frozen=True, slots=True)
class Sounds:
    """A session's sound, and who hears it."""

    array: ArrayGeometry
    seats: tuple[Seat, ...]
    blocks: tuple[Block, ...]  # of 40 ms

    @property
    def azimuths(self) -> tuple[float, ...]:
        """Of the seats that can be told apart."""
        return tuple(seat.azimuth for seat in self.seats) if len(self.array.positions_mm) > 1 else ()


def cost(plan: Plan, model: Model, out: Path | None = None) -> dict[str, Any]:
    """Seconds of one core for an hour of sound, by stage, and memory; written into a folder too, if one is given.

    Raises PlanError and VoiceError.
    """
    if out:
        make(out)
    rehearsal = rehearse(plan, plan.rooms[-1], 0)
    sounds = Sounds(plan.array, rehearsal.seats, tuple(blocks(rehearsal.sound())))
    stages = by_stage(sounds, model)
    whole = sum(stages.values())
    found = {
        "array": plan.array.name,
        "microphones": len(plan.array.positions_mm),
        "seats": len(sounds.azimuths),
        "minutes": rehearsal.seconds / 60,
        "stages": [
            {"stage": name, "s_an_hour": spent, "share": spent / whole if whole else 0.0}
            for name, spent in stages.items()
        ],
        "s_an_hour": whole,
        "memory_mb": memory(sounds),
    }
    if out:
        (out / "cost.md").write_text(markdown(found), encoding="utf-8")
        (out / "cost.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return found


def make(folder: Path) -> None:
    """A folder for the report, before time is spent on it. Raises PlanError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "cost.md").touch()
    except OSError as error:
        raise PlanError(f"the report cannot be written to {folder} ({error.strerror}): name another --out") from error


def by_stage(sounds: Sounds, model: Model) -> dict[str, float]:
    """Seconds of one core for an hour of sound, of each stage by itself."""
    features = list(sense(sounds, sounds.azimuths))
    inputs = list(prepare(features))
    heard = list(hear(sounds, model))
    spent = {
        "features": timed(lambda: sense(sounds, ())),
        "directions": 0.0,
        "net inputs": timed(lambda: prepare(features)),
        "net": timed(lambda: believe(inputs, model)),
        "self-check": timed(lambda: check(sounds)),
    }
    if sounds.azimuths:
        spent["directions"] = max(0.0, timed(lambda: sense(sounds, sounds.azimuths)) - spent["features"])
    whole, halves = timed(lambda: hear(sounds, model)), timed(lambda: hear(halved(sounds), model))
    spent |= {AROUND: max(0.0, whole - sum(spent.values())), GLANCES: max(0.0, halves - whole)}
    rules, both = timed(lambda: follow(heard, sounds, None)), timed(lambda: follow(heard, sounds, Policy()))
    spent |= {"conversation": rules, "cues": max(0.0, both - rules)}
    return {name: seconds * HOUR_BLOCKS / len(sounds.blocks) for name, seconds in spent.items()}


def timed(work: Callable[[], Iterable[object]]) -> float:
    """Seconds of one core, of the quickest round."""
    rounds = []
    for _ in range(ROUNDS):
        begun = process_time()
        deque(work(), maxlen=0)  # nothing is kept, as in use: kept arrays would cost the making of new ones
        rounds.append(process_time() - begun)
    return min(rounds)


def sense(sounds: Sounds, azimuths: tuple[float, ...]) -> Iterator[Features]:
    """The features of every whole block."""
    ears = Ears(sounds.array, azimuths)
    return (ears.sense(block.samples) for block in sounds.blocks if block.samples.shape[1] == BLOCK)


def prepare(features: Sequence[Features]) -> Iterator[NetInputs]:
    """What the net is given."""
    return map(Inputs().prepare, features)


def believe(inputs: Sequence[NetInputs], model: Model) -> Iterator[Belief]:
    """Every step of the net."""
    state = at_rest(len(inputs[0].shared))
    for each in inputs:
        belief, state = model.step(each, state)
        yield belief


def check(sounds: Sounds) -> Iterator[str | None]:
    """The microphones' self-check."""
    microphones = SelfCheck(len(sounds.array.positions_mm))
    return (microphones.inspect(block.samples) for block in sounds.blocks if block.samples.shape[1] == BLOCK)


def hear(sounds: Sounds, model: Model) -> Iterator[Heard]:
    """All of hearing."""
    return map(Hearing(sounds.array, sounds.seats, model).hear, sounds.blocks)


def halved(sounds: Sounds) -> Sounds:
    """The same sound in blocks as microphones give them."""
    pieces = [(block, at) for block in sounds.blocks for at in range(0, block.samples.shape[1], BLOCK_SAMPLES)]
    parts = [Block(block.samples[:, at : at + BLOCK_SAMPLES], block.start + at) for block, at in pieces]
    return replace(sounds, blocks=tuple(parts))


def follow(heard: Sequence[Heard], sounds: Sounds, policy: Policy | None) -> Iterator[Now]:
    """Turns, silences and numbers, and the wish for light if there is a policy."""
    conversation = Conversation(sounds.seats if sounds.azimuths else (), HEARD)
    for each in heard:
        conversation.follow(each.settled, each.live)
        if policy is not None:
            policy.decide(conversation.now)
        yield conversation.now


def memory(sounds: Sounds) -> float | None:
    """Megabytes by which a fresh process grows when it loads the model and hears; None where the system tells not."""
    with get_context("spawn").Pool(1) as pool:
        return pool.apply(grow, (replace(sounds, blocks=sounds.blocks[: HOUR_BLOCKS // 360]),))


def grow(sounds: Sounds) -> float | None:
    """In the fresh process: its largest resident size after hearing less that before."""
    before = peak_mb()
    deque(hear(sounds, Model()), maxlen=0)
    after = peak_mb()
    return None if before is None or after is None else after - before


def peak_mb() -> float | None:
    """This process's largest resident size."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) / 1000 for line in lines if line.startswith("VmHWM")), None)


def markdown(found: Mapping[str, Any]) -> str:
    """The same as Markdown."""
    head = (
        f"{found['microphones']} microphones ({found['array']}), {found['seats']} seats, blocks of 40 ms, "
        f"{found['minutes']:.2g} min of rehearsed sound; the quickest of {ROUNDS} rounds."
    )
    rows = [f"| {row['stage']} | {row['s_an_hour']:.2f} | {row['share']:.0%} |" for row in found["stages"]]
    memory_mb = found["memory_mb"]
    return "\n".join(
        [
            "# What an hour of sound costs on this machine",
            "",
            head,
            "",
            "| stage | s of one core an hour of sound | share |",
            "|---|---|---|",
            *rows,
            f"| **all** | {found['s_an_hour']:.2f} | 100% |",
            "",
            "Memory is not told by this system."
            if memory_mb is None
            else f"Loading the model and hearing makes a process {memory_mb:.0f} MB larger.",
            "",
        ]
    )
