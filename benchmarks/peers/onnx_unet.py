"""The same U-Net as an ONNX file, as PyTorch exports it, run by ONNX Runtime and by OpenVINO."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

import minunet


def onnx_runtime(model: minunet.UNet, x: np.ndarray) -> Callable[[], Any]:
    """A callable that computes the logits of an NHWC array in ONNX Runtime, with its defaults."""
    import onnxruntime

    image = _nchw(x)
    with _exported(model, image) as path:
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return lambda: session.run(None, {"x": image})


class OpenVino:
    """A callable that computes the logits of an NHWC array in OpenVINO, with its hint for a low latency.

    Parameters
    ----------
    model : minunet.UNet
    x : array (N, H, W, C)
    precision : str or None
        Its hint for the precision, such as "f32". None lets OpenVINO choose, which takes bf16 where the processor has
        instructions for it.

    Attributes
    ----------
    precision : str
        The type that OpenVINO says it computes in.
    """

    def __init__(self, model: minunet.UNet, x: np.ndarray, precision: str | None):
        import openvino

        hints: dict[str, Any] = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_NUM_THREADS": minunet.get_num_threads(),
        }
        if precision is not None:
            hints["INFERENCE_PRECISION_HINT"] = precision
        self._image = _nchw(x)
        with _exported(model, self._image) as path:
            core = openvino.Core()
            network = core.compile_model(core.read_model(path), "CPU", hints)
        self._request = network.create_infer_request()
        self.precision = network.get_property("INFERENCE_PRECISION_HINT").to_string()

    def __call__(self) -> np.ndarray:
        return self._request.infer({0: self._image}, share_inputs=True, share_outputs=True)[0]


def _nchw(x: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(x.transpose(0, 3, 1, 2))


@contextmanager
def _exported(model: minunet.UNet, image: np.ndarray) -> Iterator[Path]:
    """The network as a file, for inputs of the shape of `image` (N, C, H, W)."""
    import torch

    from benchmarks.peers.torch_unet import TorchUNet

    net = TorchUNet(model.config).load(model).eval()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "unet.onnx"
        torch.onnx.export(net, (torch.from_numpy(image),), str(path), input_names=["x"], dynamo=False)
        yield path
