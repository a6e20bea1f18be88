"""A U-Net's fused forward pass on a GPU for images of any size: one graph per shape of batch, with the current weights."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import numpy as np

from minunet.fused.graphs import ForwardGraph
from minunet.fused.step_plan import why_no_fused_forward
from minunet.kernels.machine import Machine
from minunet.nn.unet import UNet

MAX_GRAPHS = 4  # each holds memory of its own, and images of many sizes would fill the device


class FusedForward:
    """Logits of a model on the GPU.

    Parameters
    ----------
    model : UNet
    machine : Machine
    """

    def __init__(self, model: UNet, machine: Machine):
        self.model, self.machine = model, machine
        self._graphs: OrderedDict[tuple[int, ...], ForwardGraph] = OrderedDict()
        self._arrays: list[Any] = []

    def why_not(self, height: int, width: int) -> str | None:
        """None where images of this size have a fused forward pass, else the reason as a sentence."""
        return why_no_fused_forward(self.model, self.model.padded_size(height, width), self.machine)

    def logits(self, images: np.ndarray) -> Any:
        """The logits of NumPy images (N, H, W, C) of any size for which `why_not` gives no reason.

        Sides that are not multiples of 2**depth are continued with zeros at the bottom and right and the result is cropped, as
        in `UNet`.

        Returns
        -------
        CuPy array (N, H, W, out_channels), float32
            Overwritten by the next call.

        Raises
        ------
        ValueError
            If there is no fused pass.
        """
        height, width = images.shape[1:3]
        padded = self.model.padded_size(height, width)
        if padded != (height, width):
            images = np.pad(images, ((0, 0), (0, padded[0] - height), (0, padded[1] - width), (0, 0)))
        return self._graph(images.shape).run(images)[:, :height, :width]

    def _graph(self, shape: tuple[int, ...]) -> ForwardGraph:
        arrays = [p.data for p in self.model.parameters()]
        if any(a is not b for a, b in zip(arrays, self._arrays, strict=False)):
            self._graphs.clear()  # a graph holds the addresses of the arrays it was captured with
        self._arrays = arrays
        if shape in self._graphs:
            self._graphs.move_to_end(shape)
            self._graphs[shape].refresh()
            return self._graphs[shape]
        while len(self._graphs) >= MAX_GRAPHS:
            self._graphs.popitem(last=False)
        self._graphs[shape] = ForwardGraph(self.model, shape, self.machine)
        return self._graphs[shape]
