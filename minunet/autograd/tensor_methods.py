"""The methods of a tensor; values and derivatives are in the modules of minunet/autograd that they call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from minunet import autograd  # its operations are imported after Tensor, which they need

if TYPE_CHECKING:
    from minunet.autograd.pad import Widths
    from minunet.autograd.tensor import Tensor, TensorLike


class TensorMethods:
    """What `Tensor` can do by methods, next to its `Operators`."""

    def exp(self: Any) -> Tensor:
        """The exponential of each element. Its derivative is the exponential itself.

        Returns
        -------
        Tensor
            Of the same shape and dtype.

        Examples
        --------
        >>> from minunet import Tensor
        >>> Tensor([[0.0]]).exp()
        Tensor([[1.]], dtype=float32)
        """
        return autograd.elementary.exp(self)

    def log(self: Any) -> Tensor:
        """The natural logarithm of each element. Its derivative is 1 / x.

        Returns
        -------
        Tensor
            Of the same shape and dtype. At 0 it is -inf with the slope inf, and below 0 it is NaN; NumPy warns of both.

        Examples
        --------
        >>> from minunet import Tensor
        >>> x = Tensor([1.0, 4.0], requires_grad=True)
        >>> x.log().sum().backward()
        >>> x.grad
        array([1.  , 0.25], dtype=float32)
        """
        return autograd.elementary.log(self)

    def sqrt(self: Any) -> Tensor:
        """The square root of each element. Its derivative is 1 / (2 sqrt(x)).

        Returns
        -------
        Tensor
            Of the same shape and dtype. At 0 the slope is inf; below 0 it is NaN. NumPy warns of both.

        Examples
        --------
        >>> from minunet import Tensor
        >>> Tensor([4.0, 9.0]).sqrt()
        Tensor([2., 3.], dtype=float32)
        """
        return autograd.elementary.sqrt(self)

    def abs(self: Any) -> Tensor:
        """The absolute value of each element, as `abs(x)`. Its derivative is the sign, and 0 at 0.

        Returns
        -------
        Tensor
            Of the same shape and dtype.

        Examples
        --------
        >>> from minunet import Tensor
        >>> Tensor([-2.0, 3.0]).abs()
        Tensor([2., 3.], dtype=float32)
        """
        return autograd.elementary.absolute(self)

    def clip(self: Any, min: TensorLike | None = None, max: TensorLike | None = None) -> Tensor:
        """The elements, none less than `min` and none more than `max`.

        Parameters
        ----------
        min, max : Tensor or array_like, optional
            Numbers, or arrays whose shape broadcasts with the tensor's; at least one of them. Where `min` is above `max`,
            the result is `max`.

        Returns
        -------
        Tensor
            Of the broadcast shape; NaN stays NaN. The gradient passes through where min <= x <= max, also at the bounds, as
            in PyTorch; elsewhere it belongs to the bound.

        Raises
        ------
        ValueError
            If neither bound is given, or the shapes do not broadcast.

        Examples
        --------
        >>> from minunet import Tensor
        >>> Tensor([-1.0, 0.5, 2.0]).clip(0, 1)
        Tensor([0. , 0.5, 1. ], dtype=float32)
        """
        return autograd.extremes.clip(self, min, max)

    def sum(self: Any, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> Tensor:
        """The sum over all elements, or along one or several axes.

        Parameters
        ----------
        axis : int or tuple of int, optional
            By default over all elements. Negative numbers count from the last axis.
        keepdims : bool
            Whether these axes stay, with a length of 1.

        Returns
        -------
        Tensor
            Without these axes, unless `keepdims`. Added in float64 where NumPy would lose digits, and rounded once.

        Raises
        ------
        ValueError
            If the tensor has no such axis.

        Examples
        --------
        >>> from minunet import Tensor
        >>> x = Tensor([[1.0, 2.0], [3.0, 4.0]])
        >>> x.sum(), x.sum(axis=0, keepdims=True)
        (Tensor(10., dtype=float32), Tensor([[4., 6.]], dtype=float32))
        """
        return autograd.reductions.sum(self, axis, keepdims)

    def mean(self: Any, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> Tensor:
        """The mean over all elements, or along one or several axes.

        Parameters
        ----------
        axis, keepdims
            As for `sum`.

        Returns
        -------
        Tensor
            Without these axes, unless `keepdims`; NaN where there are no elements.

        Raises
        ------
        ValueError
            If the tensor has no such axis.

        Examples
        --------
        >>> from minunet import Tensor
        >>> x = Tensor([[1.0, 2.0], [3.0, 4.0]])
        >>> x.mean(axis=1)
        Tensor([1.5, 3.5], dtype=float32)
        """
        return autograd.reductions.mean(self, axis, keepdims)

    def max(self: Any, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> Tensor:
        """The largest element, of all or along one or several axes.

        Parameters
        ----------
        axis, keepdims
            As for `sum`.

        Returns
        -------
        Tensor
            Without these axes, unless `keepdims`; NaN where one of the elements is NaN. Equal largest elements share the gradient.

        Raises
        ------
        ValueError
            If the tensor has no such axis, or there are no elements along it.

        Examples
        --------
        >>> from minunet import Tensor
        >>> x = Tensor([[1.0, 2.0], [3.0, 4.0]])
        >>> x.max(axis=1)
        Tensor([2., 4.], dtype=float32)
        """
        return autograd.extremes.max(self, axis, keepdims)

    def min(self: Any, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> Tensor:
        """The smallest element, of all or along one or several axes.

        Parameters
        ----------
        axis, keepdims
            As for `sum`.

        Returns
        -------
        Tensor
            Without these axes, unless `keepdims`; NaN where one of the elements is NaN. Equal smallest elements share the gradient.

        Raises
        ------
        ValueError
            If the tensor has no such axis, or there are no elements along it.

        Examples
        --------
        >>> from minunet import Tensor
        >>> x = Tensor([[1.0, 2.0], [3.0, 4.0]])
        >>> x.min()
        Tensor(1., dtype=float32)
        """
        return autograd.extremes.min(self, axis, keepdims)

    def reshape(self: Any, *shape: int | tuple[int, ...]) -> Tensor:
        """The same elements, in row-major order, in another shape.

        Parameters
        ----------
        *shape : int, or one tuple of int
            The new lengths; one of them may be -1, which stands for what is left.

        Returns
        -------
        Tensor
            A view where the order in memory allows it.

        Raises
        ------
        ValueError
            If the numbers of elements differ.

        Examples
        --------
        >>> from minunet import Tensor
        >>> Tensor([[1.0, 2.0], [3.0, 4.0]]).reshape(1, -1)
        Tensor([[1., 2., 3., 4.]], dtype=float32)
        """
        lengths: Any = shape[0] if len(shape) == 1 and isinstance(shape[0], (tuple, list)) else shape
        return autograd.views.reshape(self, lengths)

    def transpose(self: Any, *axes: int | tuple[int, ...] | None) -> Tensor:
        """The axes in another order.

        Parameters
        ----------
        *axes : int, or one tuple of int
            All axes in their new order, as NumPy takes them; without any they are reversed.

        Returns
        -------
        Tensor
            A view.

        Raises
        ------
        ValueError
            If `axes` does not name each axis once.

        Examples
        --------
        >>> import numpy as np
        >>> from minunet import Tensor
        >>> Tensor(np.zeros((2, 5, 7, 3))).transpose(0, 3, 1, 2).shape  # channels first, as in PyTorch
        (2, 3, 5, 7)
        """
        order: Any = axes[0] if len(axes) == 1 and isinstance(axes[0], (tuple, list, type(None))) else axes
        return autograd.views.transpose(self, order)

    def pad(self: Any, pad_width: Widths, value: float = 0.0) -> Tensor:
        """The elements with a constant around them, as `numpy.pad`.

        Parameters
        ----------
        pad_width, value
            As for `minunet.functional.pad`.

        Returns
        -------
        Tensor
            Each axis longer by its two widths.

        Raises
        ------
        ValueError
            If a width is negative or not a whole number, or several pairs are given that are not as many as the axes.

        Examples
        --------
        >>> from minunet import Tensor
        >>> Tensor([1.0, 2.0]).pad((0, 2))
        Tensor([1., 2., 0., 0.], dtype=float32)
        """
        return autograd.pad.pad(self, pad_width, value)
