"""The layout of weights in PyTorch: channels before the sides of the kernel, where minunet has them after.

Kernels are not turned: convolution is cross-correlation in both, and a transposed convolution adds `x[i] * weight[i, o, kh, kw]` to
the output at `h * stride + kh` in both.
"""

from __future__ import annotations

import numpy as np

TORCH_LAYOUT = {
    "activations": "(N, C, H, W)",
    "convolution": "(C_out, C_in, kh, kw), cross-correlation",
    "transposed convolution": "(C_in, C_out, kh, kw)",
    "skip": "concat([skip, upsampled]) along channels",
    "output": "logits; a probability is sigmoid(logit)",
}


def is_transposed(name: str) -> bool:
    """Whether a parameter of a U-Net, by its name, is the weight of a transposed convolution."""
    return name.endswith(".up.weight")


def to_torch(name: str, weight: np.ndarray) -> np.ndarray:
    """A parameter of a `minunet.UNet` in the layout of PyTorch.

    Parameters
    ----------
    name : str
        As in `UNet.named_parameters()`.
    weight : ndarray
        (kh, kw, C_in, C_out), or a bias (C,).

    Examples
    --------
    >>> to_torch("head.weight", np.zeros((1, 1, 16, 2))).shape
    (2, 16, 1, 1)
    """
    if weight.ndim != 4:
        return weight
    return np.ascontiguousarray(weight.transpose(2, 3, 0, 1) if is_transposed(name) else weight.transpose(3, 2, 0, 1))


def from_torch(name: str, weight: np.ndarray) -> np.ndarray:
    """A parameter in the layout of PyTorch in that of a `minunet.UNet`; the reverse of `to_torch`."""
    if weight.ndim != 4:
        return weight
    return np.ascontiguousarray(weight.transpose(2, 3, 0, 1) if is_transposed(name) else weight.transpose(2, 3, 1, 0))
