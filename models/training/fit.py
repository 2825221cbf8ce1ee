"""Training: AdamW with warm-up and cosine decay for a given time, a running mean of the weights, a log of the loss."""

import time
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from app.hearing.features import BLOCK_FRAMES
from app.hearing.model import SETTLED_LAG
from models.training.mixing import Batch, Mixer
from models.training.net import Net
from models.training.plan import Course


class Run:
    """A training run: the net, the running mean of its weights, and what goes on from an interruption."""

    def __init__(self, course: Course, path: Path) -> None:
        self.net, self.mean = Net(), Net()
        self.mean.load_state_dict(self.net.state_dict())
        self.optimiser = torch.optim.AdamW(self.net.parameters(), lr=course.rate, weight_decay=course.decay)
        self.losses: list[float] = []
        self._course = course
        self._path = path

    def resume(self) -> None:
        """Goes back to the last checkpoint, if there is one."""
        if self._path.exists():
            kept = torch.load(self._path, weights_only=True)
            self.net.load_state_dict(kept["net"])
            self.mean.load_state_dict(kept["mean"])
            self.optimiser.load_state_dict(kept["optimiser"])
            self.losses = kept["losses"]

    def keep(self) -> None:
        """Writes a checkpoint, whole or not at all."""
        part = self._path.with_suffix(".part")
        states = {name: getattr(self, name).state_dict() for name in ("net", "mean", "optimiser")}
        torch.save({**states, "losses": self.losses}, part)
        part.replace(self._path)

    def step(self, batch: Batch) -> None:
        """Learns from one batch."""
        done = len(self.losses)
        for group in self.optimiser.param_groups:
            group["lr"] = self._course.rate * _pace(done / self._course.steps, self._course.warm_up)
        self.losses.append(_learn(self.net, self.optimiser, batch))
        stays = min(self._course.mean, (done + 1) / (done + 10))
        with torch.no_grad():
            for slow, fast in zip(self.mean.parameters(), self.net.parameters(), strict=True):
                slow.lerp_(fast, 1 - stays)


def fit(mixer: Mixer, course: Course, work: Path, seed: int) -> Net:
    """A trained net: the running mean of the weights. Goes on where an interrupted run with the same seed stopped."""
    torch.manual_seed(seed)
    run = Run(course, work / f"fit-{seed}-{course.steps}.pt")
    run.resume()
    begun, started = len(run.losses), time.monotonic()
    for step in range(begun, course.steps):
        run.step(mixer.draw(np.random.default_rng([seed, step])))
        done = step + 1
        if done % course.checkpoint == 0 or done == course.steps:
            run.keep()
            left = (time.monotonic() - started) / (done - begun) * (course.steps - done)
            loss = np.mean(run.losses[-course.checkpoint :])
            print(f"step {done} of {course.steps}: loss {loss:.4f}, about {left / 60:.0f} min left", flush=True)
    run.mean.eval()
    return run.mean


def _pace(done: float, warm_up: float) -> float:
    """Factor of the learning rate: a rise, then half a cosine down to a hundredth."""
    if done < warm_up:
        return done / warm_up
    return float(0.01 + 0.99 * (0.5 + 0.5 * np.cos(np.pi * (done - warm_up) / (1 - warm_up))))


def _learn(net: Net, optimiser: "torch.optim.Optimizer", batch: Batch) -> float:
    """One step; its loss."""
    live, settled = net(torch.from_numpy(batch.shared), torch.from_numpy(batch.direction))
    loss = _loss(live, batch, 0) + _loss(settled, batch, SETTLED_LAG)
    optimiser.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(net.parameters(), 1.0)
    optimiser.step()
    return float(loss.detach())


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
