"""A U-Net's answers from captured forward passes: one per shape of batch, always from the weights as they are now."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import numpy as np

from minunet.fused.fused_step import why_no_pass
from minunet.fused.graphs import ForwardGraph
from minunet.fused.unet_layers import whole_sides

SHAPES = 4  # passes kept; each holds memory of its own, and images of many sizes would fill the device


class FusedForward:
    """Logits of a model on the GPU.

    Parameters
    ----------
    model : UNet
    precision : {"tf32", "bf16"}
    """

    def __init__(self, model: Any, precision: str):
        self.model, self.precision = model, precision
        self._passes: OrderedDict[tuple[int, ...], ForwardGraph] = OrderedDict()
        self._arrays: list[Any] = []

    def why_not(self, height: int, width: int) -> str | None:
        """None where images of this size have a fused pass, else the reason as a sentence."""
        return why_no_pass(self.model, *whole_sides(self.model.config, height, width))

    def logits(self, images: np.ndarray) -> Any:
        """The model's answer to NumPy images (N, H, W, C) of any size that `why_not` has nothing against.

        Sides that are no multiple of 2**depth are continued with zeros at the bottom and right and the answer is cropped, as
        `UNet` does.

        Returns
        -------
        CuPy array (N, H, W, out_channels), float32
            Overwritten by the next call.

        Raises
        ------
        ValueError
            Where there is no fused pass.
        """
        height, width = images.shape[1:3]
        whole = whole_sides(self.model.config, height, width)
        if whole != (height, width):
            images = np.pad(images, ((0, 0), (0, whole[0] - height), (0, whole[1] - width), (0, 0)))
        return self._pass(images.shape).run(images)[:, :height, :width]

    def _pass(self, shape: tuple[int, ...]) -> ForwardGraph:
        arrays = [p.data for p in self.model.parameters()]
        if any(a is not b for a, b in zip(arrays, self._arrays, strict=False)):
            self._passes.clear()  # a graph holds the addresses of the arrays it was captured with
        self._arrays = arrays
        if shape in self._passes:
            self._passes.move_to_end(shape)
            self._passes[shape].refresh()
            return self._passes[shape]
        while len(self._passes) >= SHAPES:
            self._passes.popitem(last=False)
        self._passes[shape] = ForwardGraph(self.model.config, arrays, shape, precision=self.precision)
        return self._passes[shape]
