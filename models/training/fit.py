"""Training: AdamW with warm-up and cosine decay for a given time, a running mean of the weights, a log of the loss.

First the net; then, with all of it frozen, what looks ahead and what glances at half a block.
"""

import hashlib
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

import numpy as np
import torch
from click import progressbar
from numpy.typing import NDArray
from torch import Tensor, nn

from app.hearing.features import BLOCK_FRAMES, HALF_FRAMES
from app.hearing.model import AHEAD, SETTLED_LAG
from models.training.curve import draw_losses
from models.training.mixing import Batch, Mixer, first_half
from models.training.net import Net
from models.training.plan import Course


class Run:
    """A training run: the net, the running mean of its weights, and what goes on from an interruption."""

    def __init__(self, net: Net, loss: "Callable[[Net, Batch], Tensor]", course: Course, path: Path) -> None:
        self.net, self.mean = net, deepcopy(net)
        self.optimiser = torch.optim.AdamW(net.parameters(), lr=course.rate, weight_decay=course.decay)
        self.losses: list[float] = []
        self._loss = loss
        self._course = course
        self.path = path

    def resume(self) -> None:
        """Goes back to the last checkpoint, if there is one."""
        if self.path.exists():
            kept = torch.load(self.path, weights_only=True)
            self.net.load_state_dict(kept["net"])
            self.mean.load_state_dict(kept["mean"])
            self.optimiser.load_state_dict(kept["optimiser"])
            self.losses = kept["losses"]

    def keep(self) -> None:
        """Writes a checkpoint, whole or not at all."""
        part = self.path.with_suffix(".part")
        states = {name: getattr(self, name).state_dict() for name in ("net", "mean", "optimiser")}
        torch.save({**states, "losses": self.losses}, part)
        part.replace(self.path)

    def step(self, batch: Batch) -> None:
        """Learns from one batch."""
        done = len(self.losses)
        for group in self.optimiser.param_groups:
            group["lr"] = self._course.rate * _pace(done / self._course.steps, self._course.warm_up)
        self.losses.append(self._learn(batch))
        stays = min(self._course.mean, (done + 1) / (done + 10))
        with torch.no_grad():
            for slow, fast in zip(self.mean.parameters(), self.net.parameters(), strict=True):
                slow.lerp_(fast, 1 - stays)

    def _learn(self, batch: Batch) -> float:
        """One step; its loss."""
        loss = self._loss(self.net, batch)
        self.optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
        self.optimiser.step()
        return float(loss.detach())


def fit(mixer: Mixer, course: Course, work: Path, seed: int) -> Net:
    """A trained net, but for what looks ahead. Goes on where an interrupted run with the same seed stopped."""
    torch.manual_seed(seed)
    run = Run(Net(), told, course, work / f"fit-{seed}-{course.steps}.pt")
    return _run("the net", run, mixer, course, seed)


def look_ahead(net: Net, mixer: Mixer, course: Course, work: Path, seed: int) -> Net:
    """The same net with what looks ahead and glances trained; the rest stays to the last bit. Can be interrupted."""
    torch.manual_seed(seed)
    known = hashlib.sha256(b"".join(p.detach().numpy().tobytes() for p in net.parameters())).hexdigest()[:8]
    net.requires_grad_(requires_grad=False)
    for part in (net.trend, net.ahead, net.seen, net.soon):
        part.requires_grad_(requires_grad=True)
    run = Run(net, ahead, course, work / f"ahead-{seed}-{course.steps}-{known}.pt")
    return _run("what looks ahead", run, mixer, course, seed)


def _run(what: str, run: Run, mixer: Mixer, course: Course, seed: int) -> Net:
    """Makes the steps of a run that are still to be made; the running mean of its weights, the curve beside it."""
    run.resume()
    begun = len(run.losses)
    with progressbar(
        range(begun, course.steps),
        label=f"training {what}",
        item_show_func=lambda _: f"loss {np.mean(run.losses[-course.checkpoint :]):.4f}" if run.losses else "",
    ) as steps:
        for step in steps:
            run.step(mixer.draw(np.random.default_rng([seed, step])))
            if (step + 1) % course.checkpoint == 0 or step + 1 == course.steps:
                run.keep()
    draw_losses(run.losses, f"Training {what}", run.path.with_suffix(".png"))
    run.mean.eval()
    return run.mean


def _pace(done: float, warm_up: float) -> float:
    """Factor of the learning rate: a rise, then half a cosine down to a hundredth."""
    if done < warm_up:
        return done / warm_up
    return float(0.01 + 0.99 * (0.5 + 0.5 * np.cos(np.pi * (done - warm_up) / (1 - warm_up))))


def told(net: Net, batch: Batch) -> Tensor:
    """How far the live and the settled outputs are from the truth."""
    live, settled, _ = net(torch.from_numpy(batch.shared), torch.from_numpy(batch.direction))
    return _loss(live, batch, 0) + _loss(settled, batch, SETTLED_LAG)


def ahead(net: Net, batch: Batch) -> Tensor:
    """How far what is told beforehand is from what the net itself tells of the same frames a block later.

    Not from the truth: learning that again on a few hundred parameters cost real meetings a little.
    """
    with torch.no_grad():
        live, settled, second = net(torch.from_numpy(batch.shared), torch.from_numpy(batch.direction))
    told_after = torch.sigmoid(live[:, 1:, BLOCK_FRAMES : BLOCK_FRAMES + AHEAD])
    told_before = net.look_ahead(live, settled, torch.from_numpy(batch.loudness))[:, :-1]
    glanced = net.glance(second[:, :-1], torch.from_numpy(first_half(batch.shared, batch.loudness)[:, 1:]))
    cross = nn.functional.binary_cross_entropy_with_logits
    return cross(told_before, told_after) + cross(glanced, told_after[..., -HALF_FRAMES:])


def _loss(logits: Tensor, batch: Batch, lag: int) -> Tensor:
    """Weighted cross-entropy of seat and anybody, the truth of `lag` frames earlier."""
    seat = logits[..., :BLOCK_FRAMES].flatten(1)
    anybody = logits[..., BLOCK_FRAMES:].flatten(1)
    return _cross(seat, batch.seat, batch.seat_weight, lag) + _cross(anybody, batch.anybody, batch.any_weight, lag)


def _cross(logits: Tensor, truth: NDArray[np.float32], weight: NDArray[np.float32], lag: int) -> Tensor:
    target, weights = torch.from_numpy(_later(truth, lag)), torch.from_numpy(_later(weight, lag))
    each = nn.functional.binary_cross_entropy_with_logits(logits, target, reduction="none")
    return (each * weights).sum() / (weights.sum() + 1)


def _later(values: NDArray[np.float32], lag: int) -> NDArray[np.float32]:
    """Values moved so many frames later, zeros before."""
    return np.pad(values, ((0, 0), (lag, 0)))[:, : values.shape[1]]
