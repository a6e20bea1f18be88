"""The forward pass of a U-Net on tensor cores: a fixed sequence of launches, with every buffer in one arena.

Bias, ReLU, pooling and joining the skip are parts of the convolutions here, so that nothing else reads or writes an activation. A
CUDA graph can repeat the sequence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
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
# Up to this many input channels an up-convolution is bound by memory, and recomputing its output in the backward pass takes hardly
# longer than reading it: two operations for each channel, and one element to write. A large GPU performs some 200 operations in
# bfloat16 in the time in which it writes a byte.
SHALLOW = 128


@dataclass(frozen=True)
class SavedActivations:
    """The results of the forward pass that the backward pass reads.

    Attributes
    ----------
    contraction : list of (list of Buffer, Buffer, Buffer or None)
        For each level the inputs of its layers, but for those that are recomputed; its output, which is the skip; and the argmax of
        its pooling.
    bottleneck : list of Buffer
        The inputs of its layers.
    expansion : list of (Buffer, Buffer or None, Buffer)
        For each level, deepest first, the inputs of the up-convolution, of the first convolution beside the skip (None where it is
        recomputed), and of the second convolution.
    head_input : Buffer
    """

    contraction: list[tuple[list[Buffer], Buffer, Buffer | None]]
    bottleneck: list[Buffer]
    expansion: list[tuple[Buffer, Buffer | None, Buffer]]
    head_input: Buffer


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
        If there is no such pass; `why_no_fused_forward` gives the reason.
    """

    def __init__(self, model: UNet, shape: tuple[int, ...], launcher: Launcher, machine: Machine):
        problem = why_no_fused_forward(model, (shape[1], shape[2]), machine)
        if problem:
            raise ValueError(problem)
        self.layers, self.dtype = layers_of(model), DTYPES[machine.precision]
        self.params = [p.data for p in model.parameters()]
        # The kernels of sm_90a do not round their factors: activations are stored as tf32 values for them.
        self.round_to_tf32 = machine.precision == "tf32" and launcher.why_not_sm_90a() is None
        self.arena = Arena(launcher)
        alloc, outs = self.arena.alloc, self.layers.head.outs
        self.images, self.logits = alloc(shape, np.float32), alloc((*shape[:3], outs), np.float32)
        self.weights = WeightCopies(self.layers.all(), self.params, self.arena, self.dtype)
        self.head_bias = alloc((padded_channels(outs, self.dtype),), np.float32)
        self._allocate()
        permanent = self.arena.allocated
        self.run()  # without memory: this gives every buffer its offset
        if self.arena.allocated != permanent:
            raise RuntimeError("a pass did not free all buffers that it allocated")
        self.arena.commit()
        self.refresh()

    def refresh(self) -> None:
        """Read the parameters again after they were changed from outside, for example loaded."""
        self.weights.refresh(all_copies=True)

    def run(self) -> None:
        """Fill `logits` from `images`."""
        logits, _ = self._forward(save=False)
        copy_padded(logits, self.logits, 1)
        self.arena.free(logits)

    def _allocate(self) -> None:
        """Allocate the other buffers that must keep their place from one run to the next."""

    def _forward(self, *, save: bool) -> tuple[Buffer, SavedActivations]:
        """The logits, and the activations; unless `save`, these are freed as soon as they have been read.

        Activations that take hardly longer to recompute than to write and read are freed in any case: the output of the first
        layer, which has few input channels, and those of shallow up-convolutions.
        """
        alloc, (images, first_output) = self.arena.alloc, self._first_layer()
        self.arena.free(images)
        recomputed = {first_output}

        def release(*buffers: Buffer) -> None:
            self.arena.free(*(buffer for buffer in buffers if not save or buffer in recomputed))

        x = first_output
        contraction: list[tuple[list[Buffer], Buffer, Buffer | None]] = []
        for level, block in enumerate(self.layers.contraction):
            inputs = [x]
            for layer in block[1 if level == 0 else 0 : -1]:
                inputs.append(self._convolve(layer, (inputs[-1],)))
                release(inputs[-2])
            (n, h, w, _), outs = x.shape, block[-1].outs
            x = alloc((n, h // 2, w // 2, outs), self.dtype)
            argmax = alloc(x.shape, np.uint8) if save else None
            skip = self._convolve(block[-1], (inputs[-1],), pooled=x, argmax=argmax)
            release(inputs[-1])
            contraction.append(([buffer for buffer in inputs if buffer not in recomputed], skip, argmax))
        bottleneck = [x]
        for layer in self.layers.bottleneck:
            bottleneck.append(self._convolve(layer, (bottleneck[-1],)))
            release(bottleneck[-2])
        x = bottleneck.pop()
        expansion: list[tuple[Buffer, Buffer | None, Buffer]] = []
        for (up, first, second), (_, skip, _) in zip(self.layers.expansion, reversed(contraction), strict=True):
            upsampled = self._upsample(up, x, skip)
            if up.shape[2] <= SHALLOW:
                recomputed.add(upsampled)
            release(x)
            middle = self._convolve(first, (skip, upsampled))
            release(skip, upsampled)
            expansion.append((x, None if upsampled in recomputed else upsampled, middle))
            x = self._convolve(second, (middle,))
            release(middle)
        copy_padded(self.params[self.layers.head.bias], self.head_bias, 1)
        logits = self._convolve(self.layers.head, (x,), relu=False, bias=self.head_bias)
        release(x)
        return logits, SavedActivations(contraction, bottleneck, expansion, x)

    def _first_layer(self) -> tuple[Buffer, Buffer]:
        """The images in the type of the activations, with padded channels, and the output of the first layer."""
        channels = padded_channels(self.images.shape[3], self.dtype)
        images = self.arena.alloc((*self.images.shape[:3], channels), self.dtype)
        copy_padded(self.images, images, 1, round_to_tf32=self.round_to_tf32)
        return images, self._convolve(self.layers.contraction[0][0], (images,))

    def _upsample(self, up: ConvLayer, x: Buffer, skip: Buffer) -> Buffer:
        """The output of an up-convolution, which is joined with `skip`."""
        upsampled = self.arena.alloc((*skip.shape[:3], up.outs), self.dtype)
        windows = transposed_windows(x, self.weights.of(up), *UP, skip.shape[1:3])
        self._multiply(up, windows, (x,), (upsampled,), bias=self.params[up.bias], round_to_tf32=self.round_to_tf32)
        return upsampled

    def _convolve(
        self,
        layer: ConvLayer,
        xs: Buffers,
        *,
        relu: bool = True,
        bias: Any = None,
        pooled: Buffer | None = None,
        argmax: Buffer | None = None,
    ) -> Buffer:
        """The output of a convolution; where they are given, `pooled` and `argmax` are filled with its maxima over 2x2 pixels."""
        weights = self.weights.of(layer)
        y = self.arena.alloc((*xs[0].shape[:3], weights.shape[3]), self.dtype)
        window = forward_window(xs, weights, (1, 1), same_padding(layer), y.shape[1:3])
        self._multiply(
            layer,
            [window],
            xs,
            (y,),
            bias=self.params[layer.bias] if bias is None else bias,
            relu=relu,
            pooled=pooled,
            argmax=argmax,
            round_to_tf32=self.round_to_tf32 and relu,
            weight_transposed=self.weights.transposed(layer),
        )
        return y

    def _multiply(
        self, layer: ConvLayer, windows: Sequence[Window], sources: Buffers, outs: Buffers, **options: Any
    ) -> None:
        """Fill `outs` with a product of a layer; windows and options are those of `tensor_cores.convolve`."""
        weight, exact = self.weights.of(layer), self.round_to_tf32
        tensor_cores.convolve(windows, sources, weight, outs, inputs_are_tf32=exact, **options)


def same_padding(layer: ConvLayer) -> tuple[tuple[int, int], tuple[int, int]]:
    """Padding that keeps the size."""
    half = layer.kernel_size // 2
    return (half, half), (half, half)
