"""A whole training step of a U-Net on tensor cores: forward pass, loss, backward pass and Adam, with every buffer in one arena.

The kernels write each input gradient already multiplied by the mask of the ReLU before it, and the gradient of a join directly to
both of its sources, so that no kernel reads an activation only for these. Gradients overwrite the activations that they belong to,
and need no memory of their own. Results that take hardly longer to recompute than to write and read are not saved.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from minunet.fused.step_plan import StepPlan
from minunet.fused.unet_forward import UP, Buffers, SavedActivations, UNetForward, same_padding
from minunet.fused.unet_layers import ConvLayer
from minunet.kernels.cuda import adam, loss, pooling, sums, tensor_cores
from minunet.kernels.cuda.arena import Buffer
from minunet.kernels.cuda.launcher import Launcher
from minunet.kernels.cuda.pad_channels import copy_padded
from minunet.kernels.cuda.window import Window, forward_window, input_gradient_windows, transposed_gradient_window
from minunet.nn.optim import Adam
from minunet.nn.unet import UNet


class UNetStep(UNetForward):
    """Forward pass, cross-entropy, backward pass and Adam, for batches of one shape.

    Parameters
    ----------
    model, shape, launcher
        As for `UNetForward`; the parameters are updated in place.
    optimizer : Adam, optional
        Its moments, on the device, are updated in place. None is enough for a launcher without memory, since the moments have
        the shapes of the parameters.
    plan : StepPlan
        The machine and the clipping of the gradient.

    Attributes
    ----------
    images, logits : Buffer
        As in `UNetForward`; the logits are those from which the loss was computed.
    targets : Buffer
        What the logits are to be, which must be there before `run`: float32, (N, H, W, out_channels), or with classes the
        values of a `WeightedCrossEntropy`.
    value_weights : Buffer or None
        The weight of each value in the loss, likewise, where the plan has a loss that weighs values.
    adam_state : Buffer
        Six float64: number of updates, learning rate, two numbers computed from these, the factor by which the gradients were
        multiplied, and their norm before that (0 without clipping).
    loss : Buffer
        One float32, the mean over all values. Where it is not finite, or with clipping the norm of the gradient is not, the step
        updates nothing.
    grads : list of Buffer
        The gradients of the parameters, float32; the next step overwrites them.
    """

    def __init__(self, model: UNet, optimizer: Adam | None, shape: tuple[int, ...], launcher: Launcher, plan: StepPlan):
        if optimizer is None:
            self.exp_avgs = self.exp_avg_sqs = [p.data for p in model.parameters()]
            self.betas, self.constants = (0.0, 0.0), (0.0, 0.0, 0.0, 0.0)
        else:
            self.exp_avgs, self.exp_avg_sqs = (list(optimizer.state[name]) for name in ("exp_avg", "exp_avg_sq"))
            self.betas = optimizer.beta1, optimizer.beta2
            self.constants = (*self.betas, optimizer.eps, optimizer.weight_decay)
        self.clip, self._weighs_values, self._classes = plan.clip, plan.weighs_values, plan.classes
        super().__init__(model, shape, launcher, plan.machine)
        self.set_updates(0)

    def set_learning_rate(self, lr: float) -> None:
        """The learning rate of the next steps."""
        adam.set_learning_rate(self.adam_state, lr)

    def set_updates(self, updates: int) -> None:
        """How many updates the moments are from; 0 at first."""
        adam.set_step_count(self.adam_state, updates)

    @property
    def batch(self) -> Buffers:
        """The buffers that are filled before each `run`: images, targets and, where there are some, weights of values."""
        weights = () if self.value_weights is None else (self.value_weights,)
        return (self.images, self.targets, *weights)

    def run(self) -> None:
        """One training step on what is in the buffers of the `batch`."""
        logits, saved = self._forward(save=True)
        copy_padded(logits, self.logits, 1)
        partial = self.arena.alloc((loss.MAX_BLOCKS,), np.float64)
        arrays, rounded = (logits, self.targets, self.value_weights, logits, partial, self.loss), self.round_to_tf32
        if self._classes:
            loss.class_step(*arrays, self._classes, round_to_tf32=rounded)
        else:
            loss.bce_step(*arrays, round_to_tf32=rounded)
        self.arena.free(partial)
        self._backward(logits, saved)
        self._update()
        self.arena.free(*self.grads)

    def _allocate(self) -> None:
        alloc = self.arena.alloc
        *pixels, outs = self.logits.shape
        values = (*pixels, 1 + outs - self._classes if self._classes else outs)
        self.targets = alloc(values, np.float32)
        self.value_weights = alloc(values, np.float32) if self._weighs_values else None
        self.loss, self.adam_state = alloc((), np.float32), alloc((adam.STATE_SIZE,), np.float64)
        self.grads: list[Any] = [None] * len(self.params)  # allocated in the backward pass, which frees activations
        for setting in (adam.set_learning_rate, adam.set_step_count):
            setting(
                self.adam_state, 0
            )  # not run before there is memory, but recorded, so that these kernels are compiled too

    # The backward pass. `grad` is always the gradient of a layer's output before its ReLU.
    #
    # Every gradient overwrites the activation that it belongs to. By then only the layer after it still reads that activation: for
    # the gradient of its weight, which is computed first, and as the mask, of which a thread reads an element just before it writes
    # the gradient there.

    def _backward(self, grad: Buffer, saved: SavedActivations) -> None:
        (grad,) = self._conv_backward(self.layers.head, (saved.head_input,), grad)
        skip_grads: list[Buffer] = []
        levels = zip(self.layers.expansion[::-1], saved.expansion[::-1], saved.contraction, strict=True)
        for (up, first, second), (below, upsampled, middle), (_, skip, _) in levels:
            (grad,) = self._conv_backward(second, (middle,), grad)
            upsampled = self._upsample(up, below, skip) if upsampled is None else upsampled
            skip_grad, grad = self._conv_backward(first, (skip, upsampled), grad, masks=(skip, None))
            skip_grads.append(skip_grad)
            grad = self._upsample_backward(up, below, grad)
        for layer, x in zip(self.layers.bottleneck[::-1], saved.bottleneck[::-1], strict=True):
            (grad,) = self._conv_backward(layer, (x,), grad)
        for block, (inputs, _, argmax) in zip(self.layers.contraction[::-1], saved.contraction[::-1], strict=True):
            skip_grad = skip_grads.pop()
            assert argmax is not None  # as the activations were saved
            pooling.add_unpooled(grad, argmax, skip_grad, round_to_tf32=self.round_to_tf32)
            self.arena.free(grad, argmax)
            grad = skip_grad
            if block is self.layers.contraction[0]:
                inputs = [*self._first_layer(), *inputs]
            for layer, x in zip(block[::-1], inputs[::-1], strict=True):
                (grad,) = self._conv_backward(layer, (x,), grad, needs_x=layer.weight > 0)
        self.arena.free(grad)  # the images, unchanged

    def _conv_backward(
        self,
        layer: ConvLayer,
        xs: Buffers,
        grad: Buffer,
        *,
        masks: tuple[Buffer | None, ...] | None = None,
        needs_x: bool = True,
    ) -> Buffers:
        """Compute the gradients of the layer's parameters and, unless `needs_x` is false, overwrite `xs` with theirs.

        The gradient of an input is 0 where its mask, by default the input itself, is not positive; None is no mask. Frees `grad`;
        returns `xs`.
        """
        shape = (*layer.shape[:2], sum(x.shape[3] for x in xs), grad.shape[3])
        weights = self.weights.of(layer)
        window = forward_window(xs, weights, (1, 1), same_padding(layer), grad.shape[1:3])
        self._weight_gradient(layer, window, xs, grad, shape)
        self._bias_gradient(layer, grad)
        if needs_x:
            windows = input_gradient_windows(grad, xs, weights, (1, 1), same_padding(layer))
            both = (*(masks or xs), None)[:2]
            self._multiply(layer, windows, (grad,), xs, masks=both, round_to_tf32=self.round_to_tf32)
        self.arena.free(grad)
        return xs

    def _upsample_backward(self, layer: ConvLayer, x: Buffer, grad: Buffer) -> Buffer:
        """The same for an up-convolution, whose input is its own mask."""
        weights = self.weights.of(layer)
        window = transposed_gradient_window(grad, x, weights, *UP)
        self._weight_gradient(layer, window, (grad,), x, layer.shape)
        self._bias_gradient(layer, grad)
        self._multiply(layer, [window], (grad,), (x,), masks=(x, None), round_to_tf32=self.round_to_tf32)
        self.arena.free(grad)
        return x

    def _weight_gradient(
        self, layer: ConvLayer, window: Window, sources: Buffers, grad: Buffer, shape: tuple[int, ...]
    ) -> None:
        partial = self.arena.alloc((tensor_cores.num_splits(window, grad), *shape), np.float32)
        tensor_cores.weight_gradient(window, sources, grad, partial, inputs_are_tf32=self.round_to_tf32)
        self._sum(partial, layer.weight, 2)

    def _bias_gradient(self, layer: ConvLayer, grad: Buffer) -> None:
        partial = self.arena.alloc((sums.column_splits(grad), grad.shape[3]), np.float32)
        sums.column_sums(grad, None, partial)
        self._sum(partial, layer.bias, 1)

    def _sum(self, partial: Buffer, parameter: int, axes: int) -> None:
        """Add up the partial sums of a parameter's gradient, without the padded channels; frees `partial`."""
        shape = tuple(self.params[parameter].shape)
        if partial.shape == (1, *shape):  # a single part is the sum already
            self.grads[parameter] = dataclasses.replace(partial, shape=shape)
            return
        self.grads[parameter] = out = self.arena.alloc(shape, np.float32)
        if partial.shape[1:] == shape:
            sums.add_splits(partial, out)
        else:
            padded = self.arena.alloc(partial.shape[1:], np.float32)
            sums.add_splits(partial, padded)
            copy_padded(padded, out, axes)
            self.arena.free(padded)
        self.arena.free(partial)

    def _update(self) -> None:
        if self.clip is None:
            adam.advance(self.adam_state, self.loss, None, None, self.betas)
        else:
            squares = self.arena.alloc((adam.num_square_sums(self.grads),), np.float64)
            adam.square_sums(self.grads, squares)
            adam.advance(self.adam_state, self.loss, squares, self.clip, self.betas)
            self.arena.free(squares)
        scales = self.arena.launcher.pointer(self.adam_state) + adam.SCALES_OFFSET
        arguments = adam.AdamArguments(0, 0, 0, scales, *self.constants)
        copies = self.weights.written_by_adam()
        adam.update(self.params, self.grads, self.exp_avgs, self.exp_avg_sqs, copies, arguments)
        self.weights.refresh()
