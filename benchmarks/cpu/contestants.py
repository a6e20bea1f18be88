"""The contestants by name: minunet, PyTorch in three settings, ONNX Runtime; each runs the same U-Net on the same batch."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import minunet
from minunet import functional as F

OURS = "minunet"
ONNX = "ONNX Runtime"


def contestant(
    name: str, *, task: str, base: int, batch: int, size: int = 256, variant: str = "classic"
) -> Callable[[], Any]:
    """A callable that runs one training step or one inference.

    Parameters
    ----------
    name : str
        "minunet", one of `peers.torch_unet.MODES`, or "ONNX Runtime" (only inference).
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
    if name == ONNX:
        return _onnx_inference(model, x)
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


def _onnx_inference(model: minunet.UNet, x: np.ndarray) -> Callable[[], Any]:
    """PyTorch's export of the network, run by ONNX Runtime with its defaults."""
    import onnxruntime
    import torch

    from benchmarks.peers.torch_unet import TorchUNet

    net = TorchUNet(model.config).load(model).eval()
    image = np.ascontiguousarray(x.transpose(0, 3, 1, 2))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "unet.onnx"
        torch.onnx.export(net, (torch.from_numpy(image),), str(path), input_names=["x"], dynamo=False)
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return lambda: session.run(None, {"x": image})
