"""A whole training step of a U-Net on tensor cores: forward, loss, backward and Adam, every buffer in one arena.

The input gradients leave masked by the ReLU before them and go to both of a join's sources at once, so that no pass over an
activation is spent on either. They replace the activations, so that the way back takes no memory for any; what takes hardly longer
to compute again than to write is not kept for it.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from minunet.fused.step_plan import StepPlan
from minunet.fused.unet_forward import UP, Buffers, UNetForward, same_padding
from minunet.fused.unet_layers import ConvLayer
from minunet.kernels.cuda import adam, loss, pooling, sums, tensor_cores
from minunet.kernels.cuda.arena import Buffer
from minunet.kernels.cuda.launcher import Launcher
from minunet.kernels.cuda.pad_channels import copy_padded
from minunet.kernels.cuda.window import Window, forward_window, input_gradient_windows, transposed_gradient_window
from minunet.nn.optim import Adam
from minunet.nn.unet import UNet


class UNetStep(UNetForward):
    """Forward pass, binary cross-entropy, backward pass and Adam, for batches of one shape.

    Parameters
    ----------
    model, shape, launcher
        As for `UNetForward`; the parameters are updated in place.
    optimizer : Adam, optional
        Its moments, on the device, are updated in place. Without memory there need be none: the moments have the shapes of
        the parameters.
    plan : StepPlan
        The machine and the clipping of the gradient.

    Attributes
    ----------
    images, logits : Buffer
        As in `UNetForward`; the logits are those from which the loss was computed.
    targets : Buffer
        Where the masks must be before `run`: float32, (N, H, W, out_channels).
    clock : Buffer
        Six float64: updates so far, learning rate, two that follow from them, what the gradients were multiplied by, and their
        length before (0 without `clip`).
    loss : Buffer
        One float32, the mean over all pixels. Where it, or with `clip` the length of the gradient, is not finite, the step
        updates nothing.
    grads : list of Buffer
        The gradients of the parameters, float32; the next step overwrites them.
    """

    def __init__(
        self,
        model: UNet,
        optimizer: Adam | None,
        shape: tuple[int, ...],
        launcher: Launcher,
        plan: StepPlan,
    ):
        if optimizer is None:
            self.exp_avgs = self.exp_avg_sqs = [p.data for p in model.parameters()]
            self.betas, self.constants = (0.0, 0.0), (0.0, 0.0, 0.0, 0.0)
        else:
            self.exp_avgs, self.exp_avg_sqs = (list(optimizer.state[name]) for name in ("exp_avg", "exp_avg_sq"))
            self.betas = optimizer.beta1, optimizer.beta2
            self.constants = (*self.betas, optimizer.eps, optimizer.weight_decay)
        self.clip = plan.clip
        super().__init__(model, shape, launcher, plan.machine)
        self.set_updates(0)

    def set_learning_rate(self, lr: float) -> None:
        """The rate of the steps to come."""
        adam.set_learning_rate(self.clock, lr)

    def set_updates(self, updates: int) -> None:
        """How many updates the moments have seen; 0 to begin with."""
        adam.set_step_count(self.clock, updates)

    def run(self) -> None:
        """One training step on `images` and `targets`."""
        logits, kept = self._forward(keep=True)
        copy_padded(logits, self.logits, 1)
        partial = self.arena.alloc((loss.MAX_BLOCKS,), np.float64)
        loss.bce_step(logits, self.targets, logits, partial, self.loss, round_to_tf32=self.rounded)
        self.arena.free(partial)
        self._backward(logits, kept)
        self._update()
        self.arena.free(*self.grads)

    def _reserve(self) -> None:
        take = self.arena.alloc
        self.targets = take(self.logits.shape, np.float32)
        self.loss, self.clock = take((), np.float32), take((adam.STATE_SIZE,), np.float64)
        self.grads: list[Any] = [None] * len(self.params)  # taken on the way back, where activations have made room
        for setting in (adam.set_learning_rate, adam.set_step_count):
            setting(self.clock, 0)  # before there is memory: only noted, so that these kernels are ready too

    # Backward. `grad` is always the gradient before a layer's ReLU: the layer after it has masked it.
    #
    # Every gradient takes the place of its activation. Only the layer after still reads that by then: for its weights' gradient,
    # which comes first, and as the mask, of which each thread reads an element just before it writes the gradient there.

    def _backward(self, grad: Buffer, kept: dict[str, Any]) -> None:
        (grad,) = self._back(self.layers.head, (kept["last"],), grad)
        grad_skips = []
        levels = zip(self.layers.expansion[::-1], kept["expansion"][::-1], kept["contraction"], strict=True)
        for (up, first, second), (below, raised, middle), (_, skip, _) in levels:
            (grad,) = self._back(second, (middle,), grad)
            raised = self._raise(up, below, skip) if raised is None else raised
            grad_skip, grad = self._back(first, (skip, raised), grad, masks=(skip, None))
            grad_skips.append(grad_skip)
            grad = self._back_up(up, below, grad)
        for layer, x in zip(self.layers.bottleneck[::-1], kept["bottleneck"][::-1], strict=True):
            (grad,) = self._back(layer, (x,), grad)
        for block, (inputs, _, argmax) in zip(self.layers.contraction[::-1], kept["contraction"][::-1], strict=True):
            grad_skip = grad_skips.pop()
            pooling.add_unpooled(grad, argmax, grad_skip, round_to_tf32=self.rounded)
            self.arena.free(grad, argmax)
            grad = grad_skip
            if block is self.layers.contraction[0]:
                images, first = self._first()
                inputs = [images, first, *inputs]
            for layer, x in zip(block[::-1], inputs[::-1], strict=True):
                (grad,) = self._back(layer, (x,), grad, needs_x=layer.weight > 0)
        self.arena.free(grad)  # the images, unchanged

    def _back(self, layer: ConvLayer, xs, grad: Buffer, *, masks=None, needs_x: bool = True) -> Buffers:
        """Fills the layer's parameter gradients and, unless `needs_x` is false, replaces `xs` by their gradients.

        These are kept where `masks`, by default `xs` themselves, are positive. Gives `grad` back; returns `xs`.
        """
        shape = (*layer.shape[:2], sum(x.shape[3] for x in xs), grad.shape[3])
        weights = self.weights.of(layer)
        window = forward_window(xs, weights, (1, 1), same_padding(layer), grad.shape[1:3])
        self._weight_gradient(layer, window, xs, grad, shape)
        self._bias_gradient(layer, grad)
        if needs_x:
            windows = input_gradient_windows(grad, xs, weights, (1, 1), same_padding(layer))
            masks = (*(masks or xs), None)[:2]
            self._multiply(layer, windows, (grad,), xs, masks=masks, round_to_tf32=self.rounded)
        self.arena.free(grad)
        return xs

    def _back_up(self, layer: ConvLayer, x: Buffer, grad: Buffer) -> Buffer:
        """The same for an up-convolution, whose input is masked by itself."""
        weights = self.weights.of(layer)
        window = transposed_gradient_window(grad, x, weights, *UP)
        self._weight_gradient(layer, window, (grad,), x, layer.shape)
        self._bias_gradient(layer, grad)
        self._multiply(layer, [window], (grad,), (x,), masks=(x, None), round_to_tf32=self.rounded)
        self.arena.free(grad)
        return x

    def _weight_gradient(self, layer: ConvLayer, window: Window, sources: Buffers, grad: Buffer, shape) -> None:
        partial = self.arena.alloc((tensor_cores.num_splits(window, grad), *shape), np.float32)
        tensor_cores.weight_gradient(window, sources, grad, partial, inputs_are_tf32=self.rounded)
        self._sum(partial, layer.weight, 2)

    def _bias_gradient(self, layer: ConvLayer, grad: Buffer) -> None:
        partial = self.arena.alloc((sums.column_splits(grad), grad.shape[3]), np.float32)
        sums.column_sums(grad, None, partial)
        self._sum(partial, layer.bias, 1)

    def _sum(self, partial: Buffer, parameter: int, axes: int) -> None:
        """Adds the partial sums of a parameter's gradient, leaving out the filled channels; gives `partial` back."""
        shape = tuple(self.params[parameter].shape)
        if partial.shape == (1, *shape):  # the only part is the sum
            self.grads[parameter] = dataclasses.replace(partial, shape=shape)
            return
        self.grads[parameter] = out = self.arena.alloc(shape, np.float32)
        if partial.shape[1:] == shape:
            sums.add_splits(partial, out)
        else:
            whole = self.arena.alloc(partial.shape[1:], np.float32)
            sums.add_splits(partial, whole)
            copy_padded(whole, out, axes)
            self.arena.free(whole)
        self.arena.free(partial)

    def _update(self) -> None:
        if self.clip is None:
            adam.advance(self.clock, self.loss, None, None, self.betas)
        else:
            squares = self.arena.alloc((adam.num_square_sums(self.grads),), np.float64)
            adam.square_sums(self.grads, squares)
            adam.advance(self.clock, self.loss, squares, self.clip, self.betas)
            self.arena.free(squares)
        scales = self.arena.launcher.pointer(self.clock) + adam.SCALES_OFFSET
        arguments = adam.AdamArguments(0, 0, 0, scales, *self.constants)
        copies = self.weights.written_by_adam()
        adam.update(self.params, self.grads, self.exp_avgs, self.exp_avg_sqs, copies, arguments)
        self.weights.follow()
