"""Why a training has diverged: the layer and the images at which numbers stop being finite, found by going through the batch again.

It is done after the fact and apart from the training step, so that sound steps cost nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from minunet.autograd.engine import no_grad
from minunet.autograd.tensor import Tensor
from minunet.fused.step_plan import Loss
from minunet.inference.scoring import BatchSource
from minunet.kernels.backend import to_device, to_numpy
from minunet.nn.module import Module
from minunet.training.watch_layers import first_not_finite
from minunet.wording import join_names

MOST_NAMES = 4


def explain_step(
    model: Module, loss: Loss, images: np.ndarray, masks: np.ndarray, names: Sequence[str], *, gradient: bool
) -> str:
    """Where the numbers of a training step stop being finite, as a clause of a sentence.

    Parameters
    ----------
    model : Module
        With the weights from before the step. Its gradients are overwritten.
    loss : callable
    images, masks : ndarray (N, H, W, C)
        The batch of the step.
    names : sequence of str
        Of its images.
    gradient : bool
        Whether the loss was finite and only the gradient was not.
    """
    try:
        with np.errstate(all="ignore"):
            found = _in_forward_pass(model, images, names)
            if found is None and not gradient:
                found = _in_loss(model, loss, images, masks, names)
            if found is None:
                found = _in_gradient(model, loss, images, masks, names)
    except MemoryError:
        found = None
    return f"the batch is {_list(names)}" if found is None else found


def explain_validation(model: Module, loss: Loss, source: BatchSource) -> str:
    """Where the numbers of a validation stop being finite, as a clause of a sentence; empty where it is not found."""
    try:
        with np.errstate(all="ignore"):
            for images, masks, samples in source.epoch(0):
                names = [sample.name for sample in samples]
                found = _in_forward_pass(model, images, names) or _in_loss(model, loss, images, masks, names)
                if found is not None:
                    return found
    except MemoryError:
        pass
    return ""


def _in_forward_pass(model: Module, images: np.ndarray, names: Sequence[str]) -> str | None:
    broken = [name for name, parameter in model.named_parameters() if not _finite(parameter.data)]
    if broken:
        return f"the weights of {_list(broken)} are not finite; the batch is {_list(names)}"
    wrong = [name for name, image in zip(names, images, strict=True) if not np.isfinite(image).all()]
    if wrong:
        return f"the values of {_list(wrong)} are not finite before they reach the network"
    layer, places = first_not_finite(model, images)
    if layer is None:
        return None
    return f"the first layer with such values is {layer}, for {_list([names[place] for place in places])}"


def _in_loss(model: Module, loss: Loss, images: np.ndarray, masks: np.ndarray, names: Sequence[str]) -> str | None:
    device = model.device
    with no_grad():
        values = [
            loss(model(Tensor(to_device(image[None], device))), to_device(mask[None], device)).item()
            for image, mask in zip(images, masks, strict=True)
        ]
    wrong = [name for name, value in zip(names, values, strict=True) if not np.isfinite(value)]
    return f"every layer is finite, the loss of {_list(wrong)} is not" if wrong else None


def _in_gradient(model: Module, loss: Loss, images: np.ndarray, masks: np.ndarray, names: Sequence[str]) -> str | None:
    """The parameter nearest to the loss whose gradient is not finite, for a backward pass of each image alone."""
    device, first = model.device, ""
    wrong: list[str] = []
    for image, mask, name in zip(images, masks, names, strict=True):
        model.zero_grad()
        loss(model(Tensor(to_device(image[None], device))), to_device(mask[None], device)).backward()
        broken = [
            parameter
            for parameter, value in model.named_parameters()
            if value.grad is not None and not _finite(value.grad)
        ]
        if broken:
            first, wrong = first or broken[-1], [*wrong, name]
    model.zero_grad()
    if not wrong:
        return None
    return f"every layer is finite, the gradient of {first} is not, for {_list(wrong)}"


def _finite(array: object) -> bool:
    return bool(np.isfinite(to_numpy(array)).all())


def _list(names: Sequence[str]) -> str:
    return join_names(dict.fromkeys(names), MOST_NAMES)
