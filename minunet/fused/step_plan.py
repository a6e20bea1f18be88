"""The plan of a training step: on which machine, with which clipping, and whether fused into one CUDA graph or why not.

This is the one place that decides whether a model has a fused step or a fused forward pass. A `StepPlan` is made once and
given to everything that depends on it: the step itself, the estimate of its memory, and the messages.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minunet.autograd.tensor import Tensor
from minunet.functional.loss import binary_cross_entropy_with_logits
from minunet.fused.weighted_loss import WeightedCrossEntropy
from minunet.kernels.backend import device_of
from minunet.kernels.machine import Machine
from minunet.kernels.precision import has_tensor_cores
from minunet.nn.module import Module
from minunet.nn.optim import Adam, Optimizer
from minunet.nn.unet import UNet

Loss = Callable[[Tensor, Any], Tensor]  # of logits and target; a scalar
ON_THE_CPU = "the fused kernels run on a GPU"


@dataclass(frozen=True)
class StepPlan:
    """How the steps of a training will run.

    Attributes
    ----------
    machine : Machine
    clip : float, optional
        The largest norm of the gradient, all parameters together, that is left as it is (see `minunet.training.clipping`).
    why_not_fused : str or None
        None where each step is one CUDA graph; else the reason why it runs operation by operation, as a sentence.
    weighs_values : bool
        Whether the loss is a `WeightedCrossEntropy`.
    classes : int
        How many logits it has under a softmax.
    """

    machine: Machine = field(default_factory=Machine)
    clip: float | None = None
    why_not_fused: str | None = ON_THE_CPU
    weighs_values: bool = False
    classes: int = 0

    @property
    def fused(self) -> bool:
        """Whether each step is one CUDA graph."""
        return self.why_not_fused is None

    @property
    def precision(self) -> str:
        """The precision of the convolutions of a step."""
        return self.machine.precision if self.fused else self.machine.unfused_precision

    @classmethod
    def choose(
        cls,
        model: Module,
        loss: Loss,
        image_size: tuple[int, int],
        *,
        device: str | None = None,
        precision: str = "auto",
        threads: int | None = None,
        clip: float | None = None,
        divides_batches: bool = False,
    ) -> StepPlan:
        """The plan for a model, with the machine that the user requested.

        Parameters
        ----------
        model : Module
            It need not be on the device yet.
        loss : callable
            Takes logits and target.
        image_size : (int, int)
            Height and width of the training images.
        device, precision, threads
            As for `Machine.choose`; the device None is that of the model.
        clip : float, optional
            As in `StepPlan`.
        divides_batches : bool
            Whether the gradients of a batch are computed in parts.

        Raises
        ------
        UserError
            With everything that this machine does not have.
        """
        why = why_not_fusable(model, loss, image_size)
        if divides_batches:
            why = "the fused step computes the gradients of a whole batch at once, on one GPU"
        device = model.device if device is None else device
        machine = Machine.choose(device, precision, threads, has_fused_step=why is None)
        weighted = loss if isinstance(loss, WeightedCrossEntropy) else None
        classes = 0 if weighted is None else weighted.classes
        return cls(machine, clip, _why_not_on(machine) or why, weighted is not None, classes)


def why_no_fused_forward(model: Module, image_size: tuple[int, int], machine: Machine) -> str | None:
    """None where images of this size (height, width) have a fused forward pass, else the reason as a sentence.

    Images whose sides are not multiples of 2**depth have one at the size that `UNet.padded_size` gives.
    """
    return _why_not_on(machine) or _why_not_network(model, image_size)


def why_not_fusable(
    model: Module,
    loss: Loss,
    image_size: tuple[int, int],
    optimizer: Optimizer | None = None,
) -> str | None:
    """None where there is a fused step on a GPU with tensor cores, else the reason.

    The parameters are those of `StepPlan.choose`; without an optimizer, it is an Adam over all parameters of the model.
    """
    if loss is not binary_cross_entropy_with_logits and not isinstance(loss, WeightedCrossEntropy):
        return "the fused step minimises only cross-entropy"
    return _why_not_network(model, image_size) or (None if optimizer is None else _why_not_optimizer(model, optimizer))


def _why_not_on(machine: Machine) -> str | None:
    if machine.device == "cpu":
        return ON_THE_CPU
    if machine.precision != "fp32":
        return None
    return "the fused kernels compute in bf16 or tf32" + (
        "" if has_tensor_cores() else ", for which this GPU has no tensor cores"
    )


def _why_not_network(model: Module, image_size: tuple[int, int]) -> str | None:
    if type(model) is not UNet:  # a class derived from it may compute something else
        return f"the fused kernels are those of a UNet, not of a {type(model).__name__}"
    if any(p.dtype != np.float32 for p in model.parameters()):
        return "the fused kernels keep the weights in float32, and this model's are not"
    config, (height, width) = model.config, image_size
    if config["activation"] != "relu" or config["pooling"] != "max" or not config["block_end_relu"]:
        return "the fused kernels support only ReLU, after every convolution of a block, and max pooling"
    if config["base_channels"] % 8:
        return f"the fused kernels need base_channels to be a multiple of 8, and it is {config['base_channels']}"
    if model.padded_size(height, width) != (height, width):
        multiple = 2 ** config["depth"]
        return f"the fused step needs images whose sides are multiples of {multiple}, not {height}x{width}"
    from minunet.kernels.cuda.tensor_cores import MAX_SIDE  # with all that is for a GPU only

    if max(height, width) > MAX_SIDE:
        return f"the fused kernels take images of at most {MAX_SIDE} pixels a side, not {height}x{width}"
    return None


def _why_not_optimizer(model: Module, optimizer: Optimizer) -> str | None:
    if type(optimizer) is not Adam:
        return f"the fused step updates with Adam, not with {type(optimizer).__name__}"
    if [id(p) for p in optimizer.params] != [id(p) for p in model.parameters()]:
        return "the fused step updates all of the model's parameters, in their order"
    if len(set(optimizer.updates.tolist())) > 1:
        return "the fused step counts one number of updates for all parameters, and this optimizer's numbers differ"
    if len({device_of(a) for a in (optimizer.params[0].data, *(group[0] for group in optimizer.state.values()))}) > 1:
        return "the optimizer's arrays are not where the model's are; make it after moving the model"
    return None
