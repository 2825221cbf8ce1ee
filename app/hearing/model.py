"""The net: loads the .tflite, says what is wrong with a file that is not ours, and makes one step at a time.

The only importer of the TFLite runtime: tflite-runtime below Python 3.12, ai-edge-litert from there on. A model ends
with a seal, a SHA-256 of what comes before: tflite-runtime 2.14 dies without a word of a file that was cut off.
"""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.hearing.features import BLOCK_FRAMES, HALF_FRAMES
from app.hearing.inputs import BEGUN, DIRECTED, LOUDNESS, SHARED, NetInputs

try:
    from tflite_runtime.interpreter import Interpreter
except ModuleNotFoundError:  # there is none from Python 3.12 on
    from ai_edge_litert.interpreter import Interpreter

Floats = NDArray[np.float32]

MEMORY = 64
"""Values in each of the net's three state tensors."""
SETTLED_LAG = 7
"""Frames by which the settled outputs lie before the live ones."""
AHEAD = BLOCK_FRAMES - 1
"""Frames after a block that the net tells beforehand: they are over before the next block is."""
INPUTS = {
    "shared": SHARED,
    "direction": DIRECTED,
    "loudness": LOUDNESS,
    "first": MEMORY,
    "second": MEMORY,
    "before": MEMORY,
}
OUTPUTS = {
    "live": 2 * BLOCK_FRAMES,
    "settled": 2 * BLOCK_FRAMES,
    "ahead": AHEAD,
    "first_next": MEMORY,
    "second_next": MEMORY,
}
GLANCE = "glance"
"""Name of the other, small signature of the file: between two steps, at half a block."""
GLANCE_INPUTS, GLANCE_OUTPUTS = {"second": MEMORY, "begun": BEGUN}, {"soon": HALF_FRAMES}
SEAL = b"fermata-hearing:"
"""What the seal begins with; 32 bytes of SHA-256 follow and end the file."""


class ModelError(Exception):
    """A model that cannot be used; says in one sentence what is wrong with it."""


class State(NamedTuple):
    """What the net remembers between steps, a row for each seat."""

    first: Floats  # (row, MEMORY)
    second: Floats
    before: Floats
    """`second` one step earlier: the settled outputs look at three steps."""


def at_rest(rows: int) -> State:
    """The state before the first step."""
    return State(*(np.zeros((rows, MEMORY), np.float32) for _ in range(3)))


class Belief(NamedTuple):
    """One step's outputs, probabilities, a row for each seat; settled lies SETTLED_LAG frames before live."""

    live_seat: Floats  # (row, BLOCK_FRAMES)
    live_any: Floats
    settled_seat: Floats
    settled_any: Floats
    ahead: Floats  # (row, AHEAD) P(anybody speaks) in the frames to come


class Model:
    """A net in the runtime, on one thread; it keeps no state between steps but its tensors' sizes."""

    def __init__(self, path: Path | None = None) -> None:
        """Loads the file, or the shipped one. Raises ModelError."""
        if path is None:
            with as_file(files("models") / "hearing.tflite") as shipped:
                self._interpreter, self._glance = load(shipped), load_glance(shipped)
        else:
            self._interpreter, self._glance = load(path), load_glance(path)
        self._inputs = {plain(d["name"]): int(d["index"]) for d in self._interpreter.get_input_details()}
        outputs = {plain(d["name"]): int(d["index"]) for d in self._interpreter.get_output_details()}
        self._into = tuple(self._inputs[name] for name in INPUTS)
        self._from = tuple(outputs[name] for name in OUTPUTS)
        self._rows = 1

    def glance(self, state: State, begun: Floats) -> Floats:
        """(row, HALF_FRAMES) P(anybody speaks) in the last frame of a block's first half and in the frame after it.

        begun: (1, BEGUN) of that half, from Inputs.glance; state: that after the block before.
        """
        rows = np.repeat(begun, len(state.second), axis=0)
        soon: Floats = self._glance(second=state.second, begun=rows)["soon"]
        return soon

    def step(self, inputs: NetInputs, state: State) -> tuple[Belief, State]:
        """What the net believes of the next block, and its new state."""
        if len(inputs.shared) != self._rows:
            self._fit(len(inputs.shared))
        give, take = self._interpreter.set_tensor, self._interpreter.get_tensor
        shared, direction, loudness, first, second, before = self._into
        give(shared, inputs.shared)
        give(direction, inputs.direction)
        give(loudness, inputs.loudness)
        give(first, state.first)
        give(second, state.second)
        give(before, state.before)
        self._interpreter.invoke()
        live, settled, ahead, first, second = map(take, self._from)
        belief = Belief(
            live[:, :BLOCK_FRAMES], live[:, BLOCK_FRAMES:], settled[:, :BLOCK_FRAMES], settled[:, BLOCK_FRAMES:], ahead
        )
        return belief, State(first, second, state.second)

    def _fit(self, rows: int) -> None:
        """Makes the tensors as many rows long as there are seats."""
        for name, width in INPUTS.items():
            self._interpreter.resize_tensor_input(self._inputs[name], (rows, width))
        self._interpreter.allocate_tensors()
        self._rows = rows


def plain(name: str) -> str:
    """A tensor's name without what the converter puts around it."""
    return name.removeprefix("serving_default_").removesuffix("_output")


def seal(content: bytes) -> bytes:
    """A .tflite with its seal; TFLite ignores what comes after the model."""
    return content + SEAL + hashlib.sha256(content).digest()


def load(path: Path) -> Any:  # noqa: ANN401 - the runtimes ship no types
    """The file in an interpreter, checked. Raises ModelError."""
    interpreter = open_model(path)
    check(path, interpreter)
    return interpreter


def load_glance(path: Path) -> Any:  # noqa: ANN401 - the runtimes ship no types
    """The other signature as a function, in an interpreter of its own: held, it would bar steps. Raises ModelError."""
    given = {name: np.zeros((1, width), np.float32) for name, width in GLANCE_INPUTS.items()}
    try:
        with hushed():
            glance = Interpreter(model_content=read(path), num_threads=1).get_signature_runner(GLANCE)
            found = {name: out.shape for name, out in glance(**given).items()}
    except (ValueError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise ModelError(f"the model {path} does not {GLANCE} in the installed TFLite runtime: {reason}") from error
    if found != {name: (1, width) for name, width in GLANCE_OUTPUTS.items()}:
        raise ModelError(f"the model {path} is not made for this version of Fermata: at a {GLANCE} it gives {found}")
    return glance


def open_model(path: Path) -> Any:  # noqa: ANN401 - the runtimes ship no types
    """The file in an interpreter, whole but perhaps of another version. Raises ModelError."""
    content = read(path)
    try:
        with hushed():
            interpreter = Interpreter(model_content=content, num_threads=1)
            interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise ModelError(f"the model {path} does not run in the installed TFLite runtime: {reason}") from error
    return interpreter


def read(path: Path) -> bytes:
    """What is in a sealed file. Raises ModelError."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(
            f"the model {path} cannot be read ({error.strerror}): reinstall it, or name another file"
        ) from error
    if content[4:8] != b"TFL3":
        raise ModelError(f"{path} is not a TFLite model: name the hearing.tflite that came with Fermata")
    if content != seal(content[: -len(SEAL) - 32]):
        raise ModelError(f"the model {path} is cut off, damaged or not made by Fermata's training: reinstall it")
    return content


@contextmanager
def hushed() -> Iterator[None]:
    """Lets nobody write on stderr: XNNPACK, which makes a step three times as fast, announces itself there."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def check(path: Path, interpreter: Any) -> None:  # noqa: ANN401 - the runtimes ship no types
    """Raises ModelError unless the tensors are those of a hearing model of this version."""
    if GLANCE not in interpreter.get_signature_list():
        raise ModelError(f"the model {path} is not made for this version of Fermata: it lacks the signature {GLANCE}")
    for wanted, details, what in (
        (INPUTS, interpreter.get_input_details(), "takes"),
        (OUTPUTS, interpreter.get_output_details(), "gives"),
    ):
        found = {plain(d["name"]): tuple(int(n) for n in d["shape"][1:]) for d in details}
        if found != {name: (width,) for name, width in wanted.items()}:
            raise ModelError(
                f"the model {path} is not made for this version of Fermata: it {what} {describe(found)} "
                f"where {describe({name: (width,) for name, width in wanted.items()})} is needed"
            )


def describe(tensors: dict[str, tuple[int, ...]]) -> str:
    """Tensor names with their shapes, for a message."""
    return ", ".join(f"{name} {'x'.join(map(str, shape))}" for name, shape in sorted(tensors.items()))
