"""Compares training on the device with training in NumPy: five steps from the same start, in every precision."""

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
    targets = (images.mean(axis=-1, keepdims=True) > 0.5).astype(np.float32)
    losses = {"numpy": _ordinary(images, targets, base_channels)}
    with device.use():
        losses["fp32"] = _ordinary(device.put(images), device.put(targets), base_channels, device)
    for precision in ("tf32", "bf16"):
        losses[precision] = _fused(device, images, targets, base_channels, precision)
    failed = []
    for precision, tolerance in TOLERANCES.items():
        far = max(abs(a - b) / abs(b) for a, b in zip(losses[precision], losses["numpy"], strict=True))
        if not far <= tolerance:
            failed.append(f"{precision}: a loss is off by {far:.1e}, allowed {tolerance:.0e}")
    return {"losses": losses, "failed": failed}


def _model(channels: int, base_channels: int) -> minunet.UNet:
    return minunet.UNet(channels, 1, base_channels=base_channels, depth=2, rng=np.random.default_rng(1))


def _ordinary(images: Any, targets: Any, base_channels: int, device: Any = None) -> list[float]:
    model = _model(images.shape[-1], base_channels)
    if device is not None:
        for p in model.parameters():
            p.data = device.put(p.data)
    optimizer = optim.Adam(model.parameters(), lr=LR)
    losses = []
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = binary_cross_entropy_with_logits(model(images), targets)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def _fused(device: Any, images: np.ndarray, targets: np.ndarray, base_channels: int, precision: str) -> list[float]:
    model = _model(images.shape[-1], base_channels)
    optimizer = optim.Adam(model.parameters(), lr=LR)
    for p in model.parameters():
        p.data = device.put(p.data)
    for moments in optimizer.state.values():
        moments[:] = [device.put(moment) for moment in moments]
    plan = StepPlan(Machine("cuda", precision), why_not_fused=None)
    step = UNetStep(model, optimizer, images.shape, device.launcher, plan)
    step.set_learning_rate(LR)
    array = step.arena.array
    array(step.images)[...], array(step.targets)[...] = device.put(images), device.put(targets)
    losses = []
    for _ in range(STEPS):
        step.run()
        losses.append(float(device.get(array(step.loss))))
    return losses
