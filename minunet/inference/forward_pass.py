"""A model's answers on its own device in a chosen precision: by fused passes on the GPU where there are any, else op by op."""

from __future__ import annotations

from typing import Any

import numpy as np

from minunet.autograd import Tensor, no_grad
from minunet.fused.fused_forward import FusedForward
from minunet.fused.fused_step import is_unet
from minunet.kernels.backend import to_device
from minunet.kernels.cuda.precision import use_precision


class ForwardPass:
    """Forward passes without a tape; the weights may change between them.

    Parameters
    ----------
    model : Module
        Called with a Tensor (N, H, W, C), gives logits.
    precision : {"fp32", "tf32", "bf16"}
        Of a model on a GPU; the CPU computes in the parameters' own type.
    """

    def __init__(self, model: Any, precision: str = "fp32"):
        self.model, self.precision = model, precision
        self._fused = FusedForward(model, precision) if precision != "fp32" and is_unet(model) else None

    def logits(self, images: np.ndarray) -> Any:
        """Logits (N, H, W, out_channels) of NumPy images, where the model is; overwritten by the next call."""
        device = self.model.device
        if device == "cuda" and self._fused is not None and self._fused.why_not(*images.shape[1:3]) is None:
            return self._fused.logits(images)
        with no_grad(), use_precision(self.precision):
            return self.model(Tensor(to_device(np.ascontiguousarray(images), device))).data
