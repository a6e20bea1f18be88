"""Pooling layers: modules that hold the window of a pooling in `minunet.functional`."""

from __future__ import annotations

from minunet import functional as F
from minunet.autograd import Tensor, TensorLike
from minunet.functional.pooling import window
from minunet.functional.validation import IntOrPair
from minunet.nn.model_text import arguments_text
from minunet.nn.module import Module


class _Pool2d(Module):
    """The window that the pooling layers share."""

    def __init__(self, kernel_size: IntOrPair = 2, stride: IntOrPair | None = None, padding: IntOrPair = 0):
        self.kernel_size, self.stride, self.padding = window(type(self).__name__, kernel_size, stride, padding)

    def extra_repr(self) -> str:
        return arguments_text(self, without=("stride",) if self.stride == self.kernel_size else ())


class MaxPool2d(_Pool2d):
    """Max pooling; see `minunet.functional.max_pool2d`.

    Parameters
    ----------
    kernel_size : int or pair
        Size of the window in pixels.
    stride : int or pair, optional
        Step of the window; by default the size of the window.
    padding : int or pair
        Rows and columns of minus infinity added on each side.

    Raises
    ------
    ValueError
        If a size does not fit.

    Examples
    --------
    >>> import numpy as np
    >>> MaxPool2d()(np.zeros((1, 8, 10, 3))).shape
    (1, 4, 5, 3)
    """

    def forward(self, x: TensorLike) -> Tensor:
        return F.max_pool2d(x, self.kernel_size, self.stride, self.padding)


class AvgPool2d(_Pool2d):
    """Average pooling; see `minunet.functional.avg_pool2d`.

    Parameters
    ----------
    kernel_size, stride, padding
        As for `MaxPool2d`, but padded with zeros.
    count_include_pad : bool
        Whether padding counts as pixels when the sum is divided by their number.

    Raises
    ------
    ValueError
        If a size does not fit.

    Examples
    --------
    >>> import numpy as np
    >>> AvgPool2d()(np.zeros((1, 8, 10, 3))).shape
    (1, 4, 5, 3)
    """

    def __init__(
        self,
        kernel_size: IntOrPair = 2,
        stride: IntOrPair | None = None,
        padding: IntOrPair = 0,
        count_include_pad: bool = True,
    ):
        super().__init__(kernel_size, stride, padding)
        self.count_include_pad = count_include_pad

    def forward(self, x: TensorLike) -> Tensor:
        return F.avg_pool2d(x, self.kernel_size, self.stride, self.padding, self.count_include_pad)


class SumPool2d(_Pool2d):
    """Sum pooling; see `minunet.functional.sum_pool2d`.

    Parameters
    ----------
    kernel_size, stride, padding
        As for `MaxPool2d`, but padded with zeros.

    Raises
    ------
    ValueError
        If a size does not fit.

    Examples
    --------
    >>> import numpy as np
    >>> SumPool2d()(np.zeros((1, 8, 10, 3))).shape
    (1, 4, 5, 3)
    """

    def forward(self, x: TensorLike) -> Tensor:
        return F.sum_pool2d(x, self.kernel_size, self.stride, self.padding)
