"""From sound on disk to the shipped model and its card: `python -m models.training --data FOLDER --out models`."""

import argparse
import sys
from pathlib import Path

import numpy as np
import torch

from app.hearing.features import BLOCK, RATE, Ears
from app.hearing.inputs import Inputs, NetInputs
from app.hearing.model import ModelError
from models.training import card
from models.training.convert import ConversionError, compare, convert, write_check
from models.training.corpus import Clip, CorpusError, decode, read_manifest
from models.training.fit import fit, look_ahead
from models.training.mixing import Mixer, Recipe
from models.training.net import size
from models.training.plan import AHEAD, FULL, QUICK, Amounts, Course
from models.training.prepare import prepare
from models.training.scenes import ONE_CIRCLE
from models.training.shipped import read_net
from models.training.streams import read

CHECKED = 60
"""Blocks of real sound (2.4 s) that go with the model to check a runtime."""


def main() -> int:
    """Reads the arguments, trains, writes; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m models.training", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="a folder with manifest.csv: speech, noise, rir")
    parser.add_argument("--out", type=Path, required=True, help="where hearing.tflite and card.md go")
    parser.add_argument(
        "--work", type=Path, default=Path("build/training"), help="kept between runs (default: %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="minutes instead of hours, to try the pipeline")
    parser.add_argument("--steps", type=int, help="steps of training (default: 6000, quick: 400)")
    parser.add_argument("--keep", type=Path, metavar="MODEL", help="train only what looks ahead, on this model's net")
    parser.add_argument("--threads", type=int, default=1, help="threads of torch (default: %(default)s)")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    amounts = QUICK if arguments.quick else FULL
    course = Course(steps=arguments.steps or (400 if arguments.quick else 6000))
    try:
        train(arguments.data, arguments.out, arguments.work, amounts, course, arguments.seed, arguments.keep)
    except (CorpusError, ConversionError, ModelError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def train(
    data: Path, out: Path, work: Path, amounts: Amounts, course: Course, seed: int, keep: Path | None = None
) -> None:
    """All stages; with a model to keep, its net is taken as it is. Raises CorpusError, ConversionError, ModelError."""
    prepare(data, work, amounts, seed)
    mixer = Mixer(
        read(work, "scene", amounts.scene),
        read(work, "speech", amounts.speech),
        read(work, "noise", amounts.noise),
        Recipe(),
    )
    net = read_net(keep) if keep else fit(mixer, course, work, seed)
    net = look_ahead(net, mixer, AHEAD, work, seed)
    clips = read_manifest(data)
    out.mkdir(parents=True, exist_ok=True)
    content = convert(net, out / "hearing.tflite")
    blocks = real_sound(clips)
    difference = compare(net, out / "hearing.tflite", blocks)
    write_check(out / "hearing.check.npz", net, blocks[:CHECKED])
    card.write(out, clips, amounts, course, seed=seed, parameters=size(net), size=content, difference=difference)
    print(f"{out / 'hearing.tflite'}: {content} bytes, mean difference from torch {difference:.6f}")


def real_sound(clips: tuple[Clip, ...]) -> list[NetInputs]:
    """Some seconds of real speech, one talker after another, each from the direction of another microphone's delay."""
    spoken = [decode(clip.path) for clip in clips if clip.kind == "speech"][:: max(1, len(clips) // 20)][:20]
    sound = np.concatenate(spoken)[: 20 * RATE]
    channels = np.stack([np.roll(sound, shift) for shift in (0, 1, 3, 2)])
    ears, inputs = Ears(ONE_CIRCLE, (45.0, 225.0)), Inputs()
    return [inputs.prepare(ears.sense(channels[:, at : at + BLOCK])) for at in range(0, len(sound) - BLOCK, BLOCK)]


if __name__ == "__main__":
    sys.exit(main())
