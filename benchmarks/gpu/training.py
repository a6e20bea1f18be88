"""Compares training on the device with training in NumPy: five steps from the same start, in every precision.

Once each value counts alike in the loss, and once each has a weight, as where a network also learns what separates cells.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import minunet
from minunet import optim
from minunet.functional import binary_cross_entropy_with_logits
from minunet.fused.step_plan import StepPlan
from minunet.fused.unet_step import UNetStep
from minunet.kernels.machine import Machine

STEPS, LR = 5, 1e-3
# Allowed relative difference of a loss from NumPy's: the effect of rounded factors after five updates.
TOLERANCES = {"fp32": 1e-3, "tf32": 2e-2, "bf16": 5e-2}


def parity(device: Any, shape: tuple[int, int, int, int] = (2, 32, 48, 3), base_channels: int = 16) -> dict[str, Any]:
    """The losses of five steps in NumPy, and on the device in float32 (op by op), tf32 and bf16 (the fused step)."""
    rng = np.random.default_rng(0)
    images = rng.random(shape, np.float32)
    cells = (images.mean(axis=-1, keepdims=True) > 0.5).astype(np.float32)
    weights = rng.integers(0, 4, (*shape[:3], 2)).astype(np.float32) / 2
    batches = {"": [images, cells], " weighted": [images, np.concatenate([cells, cells / 2], axis=-1), weights]}
    losses, failed = {}, []
    for name, batch in batches.items():
        expected = losses[f"numpy{name}"] = _ordinary(batch, base_channels)
        with device.use():
            losses[f"fp32{name}"] = _ordinary([device.put(array) for array in batch], base_channels, device)
        for precision in ("tf32", "bf16"):
            losses[f"{precision}{name}"] = _fused(device, batch, base_channels, precision)
        for precision, tolerance in TOLERANCES.items():
            found = losses[f"{precision}{name}"]
            far = max(abs(a - b) / abs(b) for a, b in zip(found, expected, strict=True))
            if not far <= tolerance:
                failed.append(f"{precision}{name}: a loss is off by {far:.1e}, allowed {tolerance:.0e}")
    return {"losses": losses, "failed": failed}


def _model(images: Any, targets: Any, base_channels: int) -> minunet.UNet:
    ins, outs = images.shape[-1], targets.shape[-1]
    return minunet.UNet(ins, outs, base_channels=base_channels, depth=2, rng=np.random.default_rng(1))


def _ordinary(batch: list[Any], base_channels: int, device: Any = None) -> list[float]:
    """With a batch of images, targets and, for a loss that weighs values, weights."""
    images, *targets = batch
    model = _model(images, targets[0], base_channels)
    if device is not None:
        for p in model.parameters():
            p.data = device.put(p.data)
    optimizer = optim.Adam(model.parameters(), lr=LR)
    losses = []
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = binary_cross_entropy_with_logits(model(images), *targets)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def _fused(device: Any, batch: list[np.ndarray], base_channels: int, precision: str) -> list[float]:
    images, targets = batch[:2]
    model = _model(images, targets, base_channels)
    optimizer = optim.Adam(model.parameters(), lr=LR)
    for p in model.parameters():
        p.data = device.put(p.data)
    for moments in optimizer.state.values():
        moments[:] = [device.put(moment) for moment in moments]
    plan = StepPlan(Machine("cuda", precision), why_not_fused=None, weighs_values=len(batch) > 2)
    step = UNetStep(model, optimizer, images.shape, device.launcher, plan)
    step.set_learning_rate(LR)
    array = step.arena.array
    for buffer, values in zip(step.batch, batch, strict=True):
        array(buffer)[...] = device.put(values)
    losses = []
    for _ in range(STEPS):
        step.run()
        losses.append(float(device.get(array(step.loss))))
    return losses
