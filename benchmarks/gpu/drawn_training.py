"""A training on drawn smears in a given precision, and its Dice on other drawn smears, to compare precisions with float32."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from tqdm import tqdm

import minunet
from benchmarks.results import add_out, save
from minunet.data.synthetic.smear import draw_smear
from minunet.fused.step_plan import StepPlan
from minunet.inference.forward_pass import ForwardPass
from minunet.inference.metrics import ConfusionCounts
from minunet.kernels.backend import to_numpy
from minunet.kernels.machine import Machine
from minunet.training.loss import LOSSES
from minunet.training.schedule import Schedule
from minunet.training.step import make_step

SCHEDULE, LR, CLIP = "onecycle", 2e-3, 1.0  # as in minunet.train
LIMIT = 0.005  # the largest difference between the mean Dice of a precision and that of float32
SETTINGS = {
    "seeds": "trainings in each precision",
    "epochs": "times that every image is seen",
    "images": "drawn for training, a third as many for the test",
    "size": "side of an image in pixels, a multiple of 8",
    "batch": "images a step",
    "base": "base channels of the classic U-Net of depth 3",
}

Pictures = tuple[np.ndarray, np.ndarray]  # images and masks (N, H, W, 1)


def parser(module: str, description: str | None, **defaults: int) -> argparse.ArgumentParser:
    """The flags of a command, with its own defaults."""
    made = argparse.ArgumentParser(prog=_command(module), description=description)
    for name, text in SETTINGS.items():
        made.add_argument(f"--{name}", type=int, default=defaults[name], help=f"{text} (default {defaults[name]})")
    add_out(made)
    return made


def drawn(count: int, size: int, seed: int) -> Pictures:
    """Grey images (count, size, size, 1) in [0, 1] and their masks."""
    smears = [draw_smear(np.random.default_rng([seed, k]), (size, size)) for k in range(count)]
    images = np.stack([s.image.mean(axis=-1, keepdims=True) / 255 for s in smears]).astype(np.float32)
    return images, np.stack([s.mask[..., None] for s in smears]).astype(np.float32)


def dice(
    args: argparse.Namespace, training: Pictures, test: Pictures, *, seed: int, label: str, device: str, precision: str
) -> float:
    """The Dice coefficient on the test images after training from this seed; see `trained`."""
    model = trained(args, training, seed=seed, label=label, device=device, precision=precision)
    return ConfusionCounts.of(logits(args, model, test[0], precision) > 0, test[1] >= 0.5).dice


def logits(args: argparse.Namespace, model: Any, images: np.ndarray, precision: str) -> np.ndarray:
    """The logits of a model for images (N, H, W, 1), batch by batch."""
    forward_pass = ForwardPass(model, Machine(model.device, precision))
    parts = np.array_split(np.arange(len(images)), -(-len(images) // args.batch))
    return np.concatenate([to_numpy(forward_pass.logits(images[part])) for part in parts])


def trained(
    args: argparse.Namespace, training: Pictures, *, seed: int, label: str, device: str, precision: str
) -> minunet.UNet:
    """The network after training from this seed.

    Raises
    ------
    ArithmeticError
        If the loss or the gradient is not finite.
    """
    images, masks = training
    rng = np.random.default_rng(seed)
    model = minunet.UNet(base_channels=args.base, depth=3, variant="classic", rng=np.random.default_rng(seed)).to(
        device
    )
    optimizer = minunet.optim.Adam(model.parameters())
    plan = StepPlan.choose(model, LOSSES["bce"], (args.size, args.size), precision=precision, clip=CLIP)
    step = make_step(model, optimizer, LOSSES["bce"], plan)
    per_epoch = max(len(images) // args.batch, 1)
    schedule = Schedule(SCHEDULE, LR, args.epochs * per_epoch)
    with tqdm(total=args.epochs * per_epoch, desc=f"{label}, seed {seed}", leave=False) as bar:
        for _ in range(args.epochs):
            for part in np.array_split(rng.permutation(len(images)), per_epoch):
                optimizer.lr = schedule(bar.n)
                found = step(images[part], masks[part])
                if found.predicted is None:
                    raise ArithmeticError(f"{label}, seed {seed}: loss {found.loss}, norm of the gradient {found.norm}")
                bar.update()
                bar.set_postfix(loss=f"{found.loss:.3f}")
    return model


def compare(
    module: str, args: argparse.Namespace, precisions: Sequence[str], train: Callable[..., float], about: dict[str, Any]
) -> int:
    """Train in every precision from every seed, print and save; 1 if a mean Dice differs from the first by more than LIMIT.

    `train` is called with the precision, the seed, and the images to train on and to test on.
    """
    began = time.perf_counter()
    training, test = drawn(args.images, args.size, 0), drawn(max(args.images // 3, 1), args.size, 1)
    found: dict[str, list[float]] = {precision: [] for precision in precisions}
    seconds = dict.fromkeys(precisions, 0.0)
    for seed in range(args.seeds):
        for precision, scores in found.items():
            started = time.perf_counter()
            scores.append(train(precision, seed, training, test))
            seconds[precision] += time.perf_counter() - started
        print(
            f"seed {seed}: Dice " + ", ".join(f"{scores[-1]:.4f} in {name}" for name, scores in found.items()),
            flush=True,
        )
    first, *others = precisions
    differences = {name: float(np.mean(found[name]) - np.mean(found[first])) for name in others}
    for name, difference in differences.items():
        verdict = "within" if abs(difference) <= LIMIT else "FAILED: not within"
        print(f"{name}: mean difference {difference:+.4f} from {first}, {verdict} {LIMIT}")
    figures = {**about, "dice": found, "difference": differences, "limit": LIMIT, "seconds": seconds}
    command = f"{_command(module)} " + " ".join(f"--{name} {getattr(args, name)}" for name in SETTINGS)
    print(f"wrote {save(module, command, figures, args.out)} ({time.perf_counter() - began:.0f} s)")
    return 0 if all(abs(difference) <= LIMIT for difference in differences.values()) else 1


def _command(module: str) -> str:
    return f"python -m benchmarks.{module.replace('gpu_', 'gpu.', 1)}"
