"""A model's logits on its machine: by the fused forward pass on a GPU where there is one, else operation by operation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from minunet.autograd import Tensor, no_grad
from minunet.kernels.backend import to_device
from minunet.kernels.machine import Machine
from minunet.kernels.precision import use_precision
from minunet.nn.module import Module
from minunet.nn.unet import UNet

if TYPE_CHECKING:
    from minunet.fused.fused_forward import FusedForward


class ForwardPass:
    """Forward passes without a tape; the weights may change between them.

    Parameters
    ----------
    model : Module
        On the device of the machine; called with a Tensor (N, H, W, C), gives logits.
    machine : Machine
    """

    def __init__(self, model: Module, machine: Machine):
        self.model, self.machine = model, machine
        self._fused: FusedForward | None = None
        if machine.device != "cpu" and isinstance(model, UNet):
            from minunet.fused.fused_forward import FusedForward  # with all that is for a GPU only

            self._fused = FusedForward(model, machine)

    def logits(self, images: np.ndarray) -> Any:
        """Logits (N, H, W, out_channels) of NumPy images, on the model's device; overwritten by the next call."""
        if self._fused is not None and self._fused.why_not(*images.shape[1:3]) is None:
            return self._fused.logits(images)
        with no_grad(), use_precision(self.machine.precision):
            return self.model(Tensor(to_device(np.ascontiguousarray(images), self.model.device))).data
