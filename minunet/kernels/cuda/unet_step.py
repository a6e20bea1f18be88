"""A whole training step of a U-Net on tensor cores: every buffer in one arena, nothing computed in between but by our kernels.

What a framework does in passes of its own is part of a convolution here: bias, ReLU and its gradient's mask, pooling, joining the
skip. The step is a fixed sequence of launches, which a CUDA graph can replay.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from minunet.kernels.cuda import adam, loss, pooling, sums, tensor
from minunet.kernels.cuda.arena import Arena, Place
from minunet.kernels.cuda.convolution import down_window, forward_window, input_gradient_windows, up_windows
from minunet.kernels.cuda.elements import BFLOAT16
from minunet.kernels.cuda.fit import fit_into, whole_chunks
from minunet.kernels.cuda.launcher import Launcher
from minunet.kernels.cuda.unet_layers import Layer, layers_of, why_not
from minunet.kernels.cuda.working_weights import WorkingWeights

DTYPES = {"tf32": np.dtype(np.float32), "bf16": BFLOAT16}
UP = (2, 2), (0, 0)  # stride and padding of the up-convolution


class UNetStep:
    """Forward pass, binary cross-entropy, backward pass and Adam, for batches of one shape.

    Parameters
    ----------
    config : mapping
        `UNet.config`.
    params, exp_avgs, exp_avg_sqs : sequences of float32 arrays
        On the device, in the order of `UNet.parameters()`; updated in place.
    shape : tuple of int
        (N, H, W, C) of the images.
    device : Launcher
    precision : {"tf32", "bf16"}
        Type of the activations and of the factors of every product; parameters and sums are float32.
    betas, eps, weight_decay
        As for `minunet.optim.Adam`.

    Attributes
    ----------
    images, targets : Place
        Where a batch must be before `run`: float32, (N, H, W, C) and (N, H, W, out_channels).
    clock : Place
        Four float64: updates so far, learning rate, and two that follow from them.
    loss : Place
        One float32, the mean over all pixels.
    logits : Place
        (N, H, W, out_channels) float32, those from which the loss was computed.
    grads : list of Place
        The gradients of the parameters, float32.
    """

    def __init__(
        self,
        config: Mapping[str, Any],
        params: Sequence[Any],
        exp_avgs: Sequence[Any],
        exp_avg_sqs: Sequence[Any],
        shape: tuple[int, int, int, int],
        device: Launcher,
        *,
        precision: str = "bf16",
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ):
        problem = why_not(config, *shape[1:3])
        if problem:
            raise ValueError(problem)
        if precision not in DTYPES:
            raise ValueError(f"precision must be one of {', '.join(DTYPES)}, got {precision!r}")
        self.layers, self.dtype = layers_of(config), DTYPES[precision]
        self.params, self.exp_avgs, self.exp_avg_sqs = list(params), list(exp_avgs), list(exp_avg_sqs)
        wanted = [place for layer in self.layers.all() for place in (layer.shape, (layer.outs,))]
        if [tuple(p.shape) for p in self.params] != wanted:
            raise ValueError("the parameters are not those of a U-Net with these settings")
        self.betas, self.constants = betas, (*betas, eps, weight_decay)
        self.arena = Arena(device)
        take = self.arena.take
        self.images, self.targets = take(shape, np.float32), take((*shape[:3], config["out_channels"]), np.float32)
        self.logits, self.loss, self.clock = (
            take(self.targets.shape, np.float32),
            take((), np.float32),
            take((4,), "f8"),
        )
        self.grads = [take(p.shape, np.float32) for p in self.params]
        self.weights = WorkingWeights(self.layers.all(), self.params, self.arena, self.dtype)
        self.head_bias = take((whole_chunks(config["out_channels"], self.dtype),), np.float32)
        held = self.arena.taken
        self.run()  # lays the arena out
        if self.arena.taken != held:
            raise RuntimeError("the step did not give back all that it took")
        for setting in (adam.set_learning_rate, adam.set_updates):
            setting(self.clock, 0)  # before there is memory: only noted, so that these kernels are ready too
        self.arena.settle()
        self.set_updates(0)
        self.refresh()

    def refresh(self) -> None:
        """Take over parameters that were changed from outside, such as loaded ones."""
        self.weights.follow(all_copies=True)

    def set_learning_rate(self, lr: float) -> None:
        """The rate of the steps to come."""
        adam.set_learning_rate(self.clock, lr)

    def set_updates(self, updates: int) -> None:
        """How many updates the moments have seen; 0 to begin with."""
        adam.set_updates(self.clock, updates)

    def run(self) -> None:
        """One training step on `images` and `targets`."""
        logits, kept = self._forward()
        fit_into(logits, self.logits, 1)
        grad = self.arena.take(logits.shape, self.dtype)
        partial = self.arena.take((loss.MAX_BLOCKS,), np.float64)
        loss.bce_step(logits, self.targets, grad, partial, self.loss)
        self.arena.give(logits, partial)
        self._backward(grad, kept)
        self._update()

    def _forward(self) -> tuple[Place, dict[str, Any]]:
        """The logits, and what the way back needs."""
        take = self.arena.take
        x = take((*self.images.shape[:3], whole_chunks(self.images.shape[3], self.dtype)), self.dtype)
        fit_into(self.images, x, 1)
        contraction = []
        for block in self.layers.contraction:
            inputs = [x]
            for layer in block[:-1]:
                inputs.append(self._convolve(layer, (inputs[-1],)))
            n, h, w, _ = x.shape
            x, argmax = (take((n, h // 2, w // 2, block[-1].outs), t) for t in (self.dtype, np.uint8))
            skip = self._convolve(block[-1], (inputs[-1],), pooled=x, argmax=argmax)
            contraction.append((inputs, skip, argmax))
        bottleneck = [x]
        for layer in self.layers.bottleneck:
            bottleneck.append(self._convolve(layer, (bottleneck[-1],)))
        x = bottleneck.pop()
        expansion = []
        for (up, first, second), (_, skip, _) in zip(self.layers.expansion, reversed(contraction), strict=True):
            raised = take((*skip.shape[:3], up.outs), self.dtype)
            weights, bias = self.weights.of(up), self.params[up.bias]
            tensor.convolve(up_windows(x, weights, *UP, skip.shape[1:3]), (x,), weights, (raised,), bias=bias)
            middle = self._convolve(first, (skip, raised))
            expansion.append((x, raised, middle))
            x = self._convolve(second, (middle,))
        fit_into(self.params[self.layers.head.bias], self.head_bias, 1)
        logits = self._convolve(self.layers.head, (x,), relu=False, bias=self.head_bias)
        return logits, {"contraction": contraction, "bottleneck": bottleneck, "expansion": expansion, "last": x}

    def _convolve(
        self, layer: Layer, xs: tuple[Place, ...], *, relu: bool = True, bias=None, pooled=None, argmax=None
    ) -> Place:
        weights = self.weights.of(layer)
        y = self.arena.take((*xs[0].shape[:3], weights.shape[3]), self.dtype)
        window = forward_window(xs, weights, (1, 1), _same(layer), y.shape[1:3])
        bias = self.params[layer.bias] if bias is None else bias
        tensor.convolve([window], xs, weights, (y,), bias=bias, relu=relu, pooled=pooled, argmax=argmax)
        return y

    # Backward. `grad` is always the gradient before a layer's ReLU: the layer after it has masked it.

    def _backward(self, grad: Place, kept: dict[str, Any]) -> None:
        give, last = self.arena.give, kept["last"]
        (grad,) = self._back(self.layers.head, (last,), grad, (last,))
        give(last)
        skips = []
        levels = zip(self.layers.expansion[::-1], kept["expansion"][::-1], kept["contraction"], strict=True)
        for (up, first, second), (below, raised, middle), (_, skip, _) in levels:
            (grad,) = self._back(second, (middle,), grad, (middle,))
            give(middle)
            grad_skip, grad = self._back(first, (skip, raised), grad, (skip, None))
            give(skip, raised)
            skips.append(grad_skip)
            grad = self._back_up(up, below, grad)
            give(below)
        for layer, x in zip(self.layers.bottleneck[::-1], kept["bottleneck"][::-1], strict=True):
            (grad,) = self._back(layer, (x,), grad, (x,))
            give(x)
        for block, (inputs, _, argmax) in zip(self.layers.contraction[::-1], kept["contraction"][::-1], strict=True):
            grad_skip = skips.pop()
            pooling.add_unpooled(grad, argmax, grad_skip)
            give(grad, argmax)
            grad = grad_skip
            for layer, x in zip(block[::-1], inputs[::-1], strict=True):
                (grad,) = self._back(layer, (x,), grad, (x,), needs_x=layer.weight > 0)
                give(x)

    def _back(self, layer: Layer, xs, grad: Place, masks, needs_x: bool = True) -> tuple[Place | None, ...]:
        """Fills the layer's parameter gradients; the gradients of `xs`, where their masks are positive. Gives `grad` back."""
        shape = (*layer.shape[:2], sum(x.shape[3] for x in xs), grad.shape[3])
        weights = self.weights.of(layer)
        window = forward_window(xs, weights, (1, 1), _same(layer), grad.shape[1:3])
        self._weight_gradient(layer, window, xs, grad, shape)
        self._bias_gradient(layer, grad)
        outs: tuple[Place | None, ...] = (None,)
        if needs_x:
            outs = tuple(self.arena.take(x.shape, self.dtype) for x in xs)
            windows = input_gradient_windows(grad, xs, weights, (1, 1), _same(layer))
            tensor.convolve(windows, (grad,), weights, outs, masks=(*masks, None)[:2])
        self.arena.give(grad)
        return outs

    def _back_up(self, layer: Layer, x: Place, grad: Place) -> Place:
        """The same for an up-convolution, whose input is masked by itself."""
        weights = self.weights.of(layer)
        window = down_window(grad, x, weights, *UP)
        self._weight_gradient(layer, window, (grad,), x, layer.shape)
        self._bias_gradient(layer, grad)
        out = self.arena.take(x.shape, self.dtype)
        tensor.convolve([window], (grad,), weights, (out,), masks=(x, None))
        self.arena.give(grad)
        return out

    def _weight_gradient(self, layer: Layer, window, sources, grad, shape) -> None:
        partial = self.arena.take((tensor.splits_of(window, self.dtype.itemsize), *shape), np.float32)
        tensor.weight_gradient(window, sources, grad, partial)
        self._sum(partial, self.grads[layer.weight], 2)

    def _bias_gradient(self, layer: Layer, grad: Place) -> None:
        partial = self.arena.take((sums.column_splits(grad), grad.shape[3]), np.float32)
        sums.column_sums(grad, None, partial)
        self._sum(partial, self.grads[layer.bias], 1)

    def _sum(self, partial: Place, out: Place, axes: int) -> None:
        """Adds partial sums, leaving out the filled channels; gives `partial` back."""
        if partial.shape[1:] == out.shape:
            sums.add_splits(partial, out)
        else:
            whole = self.arena.take(partial.shape[1:], np.float32)
            sums.add_splits(partial, whole)
            fit_into(whole, out, axes)
            self.arena.give(whole)
        self.arena.give(partial)

    def _update(self) -> None:
        adam.advance(self.clock, self.betas)
        step = adam.Step(0, 0, self.arena.launcher.pointer(self.clock) + 16, *self.constants)
        copies = self.weights.written_by_adam()
        adam.update(self.params, self.grads, self.exp_avgs, self.exp_avg_sqs, copies, step)
        self.weights.follow()


def _same(layer: Layer) -> tuple[tuple[int, int], tuple[int, int]]:
    """Padding that keeps the size."""
    half = layer.kernel_size // 2
    return (half, half), (half, half)
