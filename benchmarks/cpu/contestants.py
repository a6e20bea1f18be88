"""The contestants by name: minunet, PyTorch, ONNX Runtime, OpenVINO; each runs the same U-Net on the same batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import minunet
from minunet import functional as F

OURS = "minunet"
ONNX = "ONNX Runtime"
OPENVINO = ("OpenVINO f32", "OpenVINO default")


def contestant(
    name: str, *, task: str, base: int, batch: int, size: int = 256, variant: str = "classic"
) -> Callable[[], Any]:
    """A callable that runs one training step or one inference.

    Parameters
    ----------
    name : str
        "minunet", one of `peers.torch_unet.MODES`, or for inference "ONNX Runtime" or one of `OPENVINO`.
    task : {"step", "inference"}
    base, batch, size : int
        Base channels, images a batch, and their side in pixels.
    variant : {"classic", "paper"}
    """
    model = minunet.UNet(base_channels=base, variant=variant)
    rng = np.random.default_rng(0)
    x = rng.random((batch, size, size, 1), dtype=np.float32)
    target = (rng.random((batch, size, size, 1)) > 0.5).astype(np.float32)
    if name == OURS:
        return _our_step(model, x, target) if task == "step" else _our_inference(model, x)
    if name == ONNX or name in OPENVINO:
        from benchmarks.peers import onnx_unet

        if name == ONNX:
            return onnx_unet.onnx_runtime(model, x)
        return onnx_unet.OpenVino(model, x, "f32" if name == "OpenVINO f32" else None)
    from benchmarks.peers import torch_unet

    if task == "step":
        return torch_unet.training_step(model, x, target, name)
    return torch_unet.inference(model, x, name)


def _our_step(model: minunet.UNet, x: np.ndarray, target: np.ndarray) -> Callable[[], float]:
    optimizer = minunet.optim.Adam(model.parameters(), 1e-4)

    def step() -> float:
        optimizer.zero_grad()
        loss = F.binary_cross_entropy_with_logits(model(x), target)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def _our_inference(model: minunet.UNet, x: np.ndarray) -> Callable[[], Any]:
    model.eval()

    def run() -> Any:
        with minunet.no_grad():
            return model(x).data

    return run
