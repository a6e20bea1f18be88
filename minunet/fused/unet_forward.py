"""The forward pass of a U-Net on tensor cores: every buffer in one arena, nothing computed in between but by our convolutions.

What a framework does in passes of its own is part of a convolution here: bias, ReLU, pooling, joining the skip. It is a fixed
sequence of launches, which a CUDA graph can replay.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minunet.fused.step_plan import why_no_fused_forward
from minunet.fused.unet_layers import ConvLayer, layers_of
from minunet.fused.weight_copies import WeightCopies
from minunet.kernels.cuda import tensor_cores
from minunet.kernels.cuda.arena import Arena, Buffer
from minunet.kernels.cuda.dtypes import BFLOAT16, DType
from minunet.kernels.cuda.launcher import Launcher
from minunet.kernels.cuda.pad_channels import copy_padded, padded_channels
from minunet.kernels.cuda.window import Window, forward_window, transposed_windows
from minunet.kernels.machine import Machine
from minunet.nn.unet import UNet

DTYPES: dict[str, DType] = {"tf32": np.dtype(np.float32), "bf16": BFLOAT16}
Buffers = tuple[Buffer, ...]
UP = (2, 2), (0, 0)  # stride and padding of the up-convolution
# Input channels up to which an up-convolution is bound by memory: two operations each, and one element to write. A large GPU
# multiplies some 200 times in bfloat16 while it writes a byte.
SHALLOW = 128


class UNetForward:
    """Logits for batches of one shape.

    Parameters
    ----------
    model : UNet
        With its parameters on the device of the launcher; one without memory looks only at their shapes.
    shape : tuple of int
        (N, H, W, C) of the images.
    launcher : Launcher
    machine : Machine
        Its precision, tf32 or bf16, is the type of the activations and of the factors of every product; parameters and sums are
        float32.

    Attributes
    ----------
    images : Buffer
        Where a batch must be before `run`: float32, (N, H, W, C).
    logits : Buffer
        (N, H, W, out_channels) float32.

    Raises
    ------
    ValueError
        Where there is no such pass; `why_no_fused_forward` says so beforehand.
    """

    def __init__(
        self,
        model: UNet,
        shape: tuple[int, ...],
        launcher: Launcher,
        machine: Machine,
    ):
        problem = why_no_fused_forward(model, (shape[1], shape[2]), machine)
        if problem:
            raise ValueError(problem)
        self.layers, self.dtype = layers_of(model), DTYPES[machine.precision]
        self.params = [p.data for p in model.parameters()]
        # The products of sm_90a read floats as they are, so these are kept as tf32 values.
        self.rounded = machine.precision == "tf32" and launcher.why_not_sm_90a() is None
        self.arena = Arena(launcher)
        take, outs = self.arena.alloc, self.layers.head.outs
        self.images, self.logits = take(shape, np.float32), take((*shape[:3], outs), np.float32)
        self.weights = WeightCopies(self.layers.all(), self.params, self.arena, self.dtype)
        self.head_bias = take((padded_channels(outs, self.dtype),), np.float32)
        self._reserve()
        held = self.arena.allocated
        self.run()  # lays the arena out
        if self.arena.allocated != held:
            raise RuntimeError("a pass did not give back all that it took")
        self.arena.commit()
        self.refresh()

    def refresh(self) -> None:
        """Take over parameters that were changed from outside, such as loaded ones."""
        self.weights.follow(all_copies=True)

    def run(self) -> None:
        """Fill `logits` from `images`."""
        logits, _ = self._forward(keep=False)
        copy_padded(logits, self.logits, 1)
        self.arena.free(logits)

    def _reserve(self) -> None:
        """What else must hold its place from one run to the next."""

    def _forward(self, *, keep: bool) -> tuple[Buffer, dict[str, Any]]:
        """The logits; and, where `keep`, the places that the way back needs, not yet given back.

        What takes hardly longer to compute again than to write is not among them: the output of the first layer, which has few
        input channels, and those of shallow up-convolutions, for which None stands.
        """
        take, (images, first) = self.arena.alloc, self._first()
        self.arena.free(images)
        again = {first}

        def done(*places: Buffer) -> None:
            self.arena.free(*(place for place in places if not keep or place in again))

        x, contraction = first, []
        for level, block in enumerate(self.layers.contraction):
            inputs = [x]
            for layer in block[1 if level == 0 else 0 : -1]:
                inputs.append(self._convolve(layer, (inputs[-1],)))
                done(inputs[-2])
            (n, h, w, _), outs = x.shape, block[-1].outs
            x = take((n, h // 2, w // 2, outs), self.dtype)
            argmax = take(x.shape, np.uint8) if keep else None
            skip = self._convolve(block[-1], (inputs[-1],), pooled=x, argmax=argmax)
            done(inputs[-1])
            contraction.append(([place for place in inputs if place not in again], skip, argmax))
        bottleneck = [x]
        for layer in self.layers.bottleneck:
            bottleneck.append(self._convolve(layer, (bottleneck[-1],)))
            done(bottleneck[-2])
        x = bottleneck.pop()
        expansion = []
        for (up, first, second), (_, skip, _) in zip(self.layers.expansion, reversed(contraction), strict=True):
            raised = self._raise(up, x, skip)
            if up.shape[2] <= SHALLOW:
                again.add(raised)
            done(x)
            middle = self._convolve(first, (skip, raised))
            done(skip, raised)
            expansion.append((x, None if raised in again else raised, middle))
            x = self._convolve(second, (middle,))
            done(middle)
        copy_padded(self.params[self.layers.head.bias], self.head_bias, 1)
        logits = self._convolve(self.layers.head, (x,), relu=False, bias=self.head_bias)
        done(x)
        return logits, {"contraction": contraction, "bottleneck": bottleneck, "expansion": expansion, "last": x}

    def _first(self) -> tuple[Buffer, Buffer]:
        """The images in the activations' type and whole chunks of channels, and the first layer's output."""
        images = self.arena.alloc(
            (*self.images.shape[:3], padded_channels(self.images.shape[3], self.dtype)), self.dtype
        )
        copy_padded(self.images, images, 1, round_to_tf32=self.rounded)
        return images, self._convolve(self.layers.contraction[0][0], (images,))

    def _raise(self, up: ConvLayer, x: Buffer, skip: Buffer) -> Buffer:
        """The up-convolution's output, which goes with `skip`."""
        raised = self.arena.alloc((*skip.shape[:3], up.outs), self.dtype)
        windows = transposed_windows(x, self.weights.of(up), *UP, skip.shape[1:3])
        self._multiply(up, windows, (x,), (raised,), bias=self.params[up.bias], round_to_tf32=self.rounded)
        return raised

    def _convolve(
        self, layer: ConvLayer, xs: Buffers, *, relu: bool = True, bias=None, pooled=None, argmax=None
    ) -> Buffer:
        weights = self.weights.of(layer)
        y = self.arena.alloc((*xs[0].shape[:3], weights.shape[3]), self.dtype)
        window = forward_window(xs, weights, (1, 1), same_padding(layer), y.shape[1:3])
        bias = self.params[layer.bias] if bias is None else bias
        epilogue = {"bias": bias, "relu": relu, "pooled": pooled, "argmax": argmax}
        transposed = self.weights.transposed(layer)
        self._multiply(
            layer, [window], xs, (y,), round_to_tf32=self.rounded and relu, weight_transposed=transposed, **epilogue
        )
        return y

    def _multiply(
        self, layer: ConvLayer, windows: Sequence[Window], sources: Buffers, outs: Buffers, **options: Any
    ) -> None:
        """Fill `outs` with a layer's products, as `tensor.convolve` takes the windows and options."""
        tensor_cores.convolve(windows, sources, self.weights.of(layer), outs, inputs_are_tf32=self.rounded, **options)


def same_padding(layer: ConvLayer) -> tuple[tuple[int, int], tuple[int, int]]:
    """Padding that keeps the size."""
    half = layer.kernel_size // 2
    return (half, half), (half, half)
