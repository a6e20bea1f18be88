"""Each primitive as PyTorch's own operator on the same numbers, in either memory layout."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from benchmarks.peers.torch_unet import to_torch

LAYOUTS = {"NCHW": torch.contiguous_format, "channels_last": torch.channels_last}
aten = torch.ops.aten


def equivalent(name: str, args: tuple[Any, ...], layout: str) -> Callable[[], Any] | None:
    """A callable that does in PyTorch what primitive `name` does with `args`, or None where there is no counterpart."""
    maker = _MAKERS.get(name)
    return None if maker is None else maker(LAYOUTS[layout], *args)


def _image(array: np.ndarray, layout: torch.memory_format) -> torch.Tensor:
    return torch.from_numpy(array.transpose(0, 3, 1, 2)).contiguous(memory_format=layout)


def _weight(array: np.ndarray, layout: torch.memory_format, transposed: bool = False) -> torch.Tensor:
    return torch.from_numpy(to_torch(array, transposed)).contiguous(memory_format=layout)


def _symmetric(padding: Any) -> list[int]:
    return [padding[0][0], padding[1][0]]


def _conv2d(layout, xs, weight, bias, stride, padding, activation):
    images, kernel = [_image(x, layout) for x in xs], _weight(weight, layout)
    b = None if bias is None else torch.from_numpy(bias)

    def run() -> torch.Tensor:
        x = images[0] if len(images) == 1 else torch.cat(images, 1)
        y = aten.convolution(x, kernel, b, stride, _symmetric(padding), [1, 1], False, [0, 0], 1)
        return aten.relu_(y) if activation else y

    return run


def _conv2d_grads(layout, grad, xs, weight, output, stride, padding, needs):
    g, kernel = _image(grad, layout), _weight(weight, layout)
    x = torch.cat([_image(part, layout) for part in xs], 1).contiguous(memory_format=layout)
    y = None if output is None else _image(output, layout)
    mask = [any(needs[0]), needs[1], needs[2]]

    def run() -> Any:
        grad_in = g if y is None else aten.threshold_backward(g, y, 0)
        return aten.convolution_backward(
            grad_in, x, kernel, [weight.shape[3]], stride, _symmetric(padding), [1, 1], False, [0, 0], 1, mask
        )

    return run


def _conv_transpose2d(layout, x, weight, bias, stride, padding):
    image, kernel = _image(x, layout), _weight(weight, layout, True)
    b = None if bias is None else torch.from_numpy(bias)
    return lambda: aten.convolution(image, kernel, b, stride, padding, [1, 1], True, [0, 0], 1)


def _conv_transpose2d_grads(layout, grad, x, weight, stride, padding, needs):
    g, image, kernel = _image(grad, layout), _image(x, layout), _weight(weight, layout, True)
    return lambda: aten.convolution_backward(
        g, image, kernel, [weight.shape[3]], stride, padding, [1, 1], True, [0, 0], 1, list(needs)
    )


def _max_pool2d(layout, x, kernel_size, stride, padding):
    image = _image(x, layout)
    return lambda: aten.max_pool2d_with_indices(image, kernel_size, stride, padding)


def _max_pool2d_grad(layout, grad, argmax, x_shape, kernel_size, stride, padding):
    g, x = _image(grad, layout), _image(np.random.default_rng(0).random(x_shape, np.float32), layout)
    _, indices = aten.max_pool2d_with_indices(x, kernel_size, stride, padding)
    return lambda: aten.max_pool2d_with_indices_backward(g, x, kernel_size, stride, padding, [1, 1], False, indices)


def _bce_with_logits(layout, logits, target, weight):
    z, t = torch.from_numpy(logits), torch.from_numpy(target)
    return lambda: torch.nn.functional.binary_cross_entropy_with_logits(z, t)


def _bce_with_logits_grad(layout, grad, logits, target, weight):
    z, t = torch.from_numpy(logits), torch.from_numpy(target)
    return lambda: (torch.sigmoid(z) - t).div_(z.numel())


def _adam(layout, params, grads, exp_avgs, exp_avg_sqs, step, lr, betas, eps, weight_decay):
    parameters = [torch.from_numpy(p.copy()).requires_grad_() for p in params]
    for parameter, grad in zip(parameters, grads, strict=True):
        parameter.grad = torch.from_numpy(grad)
    return torch.optim.Adam(parameters, lr, betas, eps, weight_decay).step


_MAKERS: dict[str, Callable[..., Callable[[], Any]]] = {
    "conv2d": _conv2d,
    "conv2d_grads": _conv2d_grads,
    "conv_transpose2d": _conv_transpose2d,
    "conv_transpose2d_grads": _conv_transpose2d_grads,
    "max_pool2d": _max_pool2d,
    "max_pool2d_grad": _max_pool2d_grad,
    "bce_with_logits": _bce_with_logits,
    "bce_with_logits_grad": _bce_with_logits_grad,
    "adam": _adam,
}
