"""From a corpus to streams: decode, label, render. Every stage is kept in the work folder and not done twice."""

import hashlib
from pathlib import Path

from models.training.channels import ChannelStreams, aligned
from models.training.corpus import CorpusError, read_manifest
from models.training.plan import Amounts
from models.training.scenes import SceneStreams
from models.training.streams import make
from models.training.teachers import label
from models.training.voices import Noises, Voices, load_sounds, read_labels, save_labels


def prepare(data: Path, work: Path, amounts: Amounts, seed: int) -> None:
    """Fills the work folder with labels and streams. Raises CorpusError."""
    work.mkdir(parents=True, exist_ok=True)
    clips = read_manifest(data)
    claim(work, data)
    spoken, sounds = load_sounds(clips, "speech")
    _, noise_sounds = load_sounds(clips, "noise")
    responses = [aligned(r) for r in load_sounds(clips, "rir")[1]] if any(c.kind == "rir" for c in clips) else []
    labels = work / "labels.npz"
    if not labels.exists():
        save_labels(labels, label(sounds))
    voices, noises = Voices(spoken, sounds, read_labels(labels)), Noises(noise_sounds)
    channels = ChannelStreams(voices, noises, responses)
    make(work, "noise", amounts.noise, channels.draw_noise, seed)
    make(work, "speech", amounts.speech, channels.draw_speech, seed)
    make(work, "scene", amounts.scene, SceneStreams(voices, noises).draw, seed)


def claim(work: Path, data: Path) -> None:
    """Marks the work folder as made from this corpus. Raises CorpusError when it was made from another."""
    mark = work / "corpus.sha256"
    print_of = hashlib.sha256((data / "manifest.csv").read_bytes()).hexdigest()
    if mark.exists() and mark.read_text() != print_of:
        raise CorpusError(f"{work} holds work on another corpus than {data}: name another work folder, or empty it")
    mark.write_text(print_of)
