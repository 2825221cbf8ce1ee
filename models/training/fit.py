"""Training: AdamW with warm-up and cosine decay for a given time, a running mean of the weights, a log of the loss."""

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from tqdm import tqdm

from app.hearing.features import BLOCK_FRAMES
from app.hearing.model import SETTLED_LAG
from models.training.mixing import Batch, Mixer
from models.training.net import Net


@dataclass(frozen=True, slots=True)
class Course:
    """How long and how fast to train."""

    steps: int
    rate: float = 4e-3
    decay: float = 1e-3
    warm_up: float = 0.04
    """Share of the steps in which the rate rises."""
    mean: float = 0.998
    """How much of the running mean of the weights stays at each step."""
    checkpoint: int = 200
    """Steps between two checkpoints; an interrupted run goes on from the last one."""


def fit(mixer: Mixer, course: Course, work: Path, seed: int) -> Net:
    """A trained net: the running mean of the weights. Goes on where an interrupted run with the same seed stopped."""
    torch.manual_seed(seed)
    net, mean = Net(), Net()
    mean.load_state_dict(net.state_dict())
    optimiser = torch.optim.AdamW(net.parameters(), lr=course.rate, weight_decay=course.decay)
    path = work / f"fit-{seed}-{course.steps}.pt"
    begin, losses = _resume(path, net, mean, optimiser)
    bar = tqdm(
        range(begin, course.steps), desc="training", unit="step", initial=begin, total=course.steps, mininterval=5
    )
    started = time.monotonic()
    for step in bar:
        for group in optimiser.param_groups:
            group["lr"] = course.rate * _pace(step / course.steps, course.warm_up)
        loss = _learn(net, optimiser, mixer.draw(np.random.default_rng([seed, step])))
        keep = min(course.mean, (step + 1) / (step + 10))
        with torch.no_grad():
            for slow, fast in zip(mean.parameters(), net.parameters(), strict=True):
                slow.lerp_(fast, 1 - keep)
        losses.append(loss)
        if (step + 1) % 50 == 0:
            bar.set_postfix(loss=f"{np.mean(losses[-50:]):.4f}")
        if (step + 1) % course.checkpoint == 0 or step + 1 == course.steps:
            torch.save(
                {
                    "step": step + 1,
                    "net": net.state_dict(),
                    "mean": mean.state_dict(),
                    "optimiser": optimiser.state_dict(),
                    "losses": losses,
                },
                path,
            )
            print(f"step {step + 1}: loss {np.mean(losses[-200:]):.4f}, {time.monotonic() - started:.0f} s", flush=True)
    mean.eval()
    return mean


def _resume(path: Path, net: Net, mean: Net, optimiser: "torch.optim.Optimizer") -> tuple[int, list[float]]:
    """Loads the last checkpoint, if there is one: the step to go on with, and the losses so far."""
    if not path.exists():
        return 0, []
    kept = torch.load(path, weights_only=True)
    net.load_state_dict(kept["net"])
    mean.load_state_dict(kept["mean"])
    optimiser.load_state_dict(kept["optimiser"])
    return int(kept["step"]), list(kept["losses"])


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
