"""A tensor: an array, the operation that made it, and its gradient after the backward pass."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from minunet.autograd.conversion import as_array
from minunet.autograd.engine import backpropagate
from minunet.autograd.operators import Operators
from minunet.autograd.tensor_methods import TensorMethods
from minunet.autograd.version_counter import Changes
from minunet.kernels.backend import Array, array_module, device_of, is_array

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, DTypeLike

    from minunet.autograd.function import Function

TensorLike: TypeAlias = "Tensor | ArrayLike"  # whatever as_tensor accepts


class Tensor(Operators, TensorMethods):
    """An n-dimensional array that takes part in differentiation.

    Parameters
    ----------
    data : array_like or Tensor
        NumPy or CuPy array, number or nested list. Floating-point arrays and NumPy scalars keep their dtype; anything else
        (integers, booleans, Python's numbers and lists of them) becomes float32. A floating-point array is not copied.
    requires_grad : bool
        Whether `backward` stores a gradient here.

    Raises
    ------
    TypeError
        If `data` does not hold real numbers, or is a masked array.

    Attributes
    ----------
    data : array
        The values.
    requires_grad : bool
    grad : array or None
        d(loss)/d(this), same shape and dtype, after `backward`; gradients of several calls add up.

    Notes
    -----
    The operators are ``+ - * / ** @``, with broadcasting, and NumPy's indexing. ``== != < <= > >=`` compare the elements and give a
    plain boolean array, which has no gradient; a tensor is hashed by its identity, so it can be a key. Elements are not assigned
    to.

    A backward pass reads values that the forward pass saved. Changed in between, it would give the gradient of something that was
    never computed. It is refused, with a RuntimeError, after an optimizer's step, `load_state_dict`, `Module.to` and any assignment
    to `.data` (also ``x.data += 1``). Nobody can see a change inside the array, such as ``x.data[0] = 1`` or one of the array that
    the tensor was made from: do not make one between the passes.

    Examples
    --------
    >>> x = Tensor([1.0, 2.0, 3.0], requires_grad=True)
    >>> (x * x).sum().backward()
    >>> x.grad
    array([2., 4., 6.], dtype=float32)
    """

    __array_ufunc__ = None  # so that `array * tensor` calls Tensor.__rmul__ instead of making an object array

    def __init__(self, data: TensorLike, requires_grad: bool = False):
        self._data: Array
        self.changes: Changes
        if isinstance(data, Tensor):
            self._data, self.changes = data._data, data.changes
        else:
            self._data, self.changes = as_array(data), Changes()
        self.grad: Array | None = None
        self.requires_grad = bool(requires_grad)
        self.creator: Function | None = None  # the operation that made this tensor

    def __repr__(self) -> str:
        name = type(self).__name__
        values = np.asarray(self.numpy())
        if values.size > np.get_printoptions()["threshold"]:  # the corners of a large array say little
            text = f"shape={self.shape}, {_in_short(values)}"
        else:
            text = np.array2string(values, separator=", ", prefix=f"{name}(")
            if not values.size:
                text += f", shape={self.shape}"
        device = ", on cuda" if device_of(self.data) == "cuda" else ""
        grad = ", requires_grad=True" if self.requires_grad else ""
        return f"{name}({text}, dtype={self.dtype}{device}{grad})"

    def __len__(self) -> int:
        return len(self.data)

    def __float__(self) -> float:
        return float(self.item())

    def __bool__(self) -> bool:
        return bool(self.data)

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> np.ndarray:
        """The values, for `np.asarray`; RuntimeError if a gradient is required, since it would end at the array."""
        if self.requires_grad:
            raise RuntimeError(
                "a Tensor that requires a gradient does not become an array by itself, since the gradient would end there; "
                "use tensor.detach()"
            )
        return np.array(self.numpy(), dtype=dtype, copy=copy)

    @property
    def data(self) -> Array:
        """The values."""
        return self._data

    @data.setter
    def data(self, values: TensorLike) -> None:
        self._data = values._data if isinstance(values, Tensor) else as_array(values)
        self.mark_changed()

    def mark_changed(self) -> None:
        """Make a backward pass that would read the values from before an error; for code that writes into `.data`.

        Examples
        --------
        >>> x = Tensor([1.0, 3.0], requires_grad=True)
        >>> x.data[0] = 2.0
        >>> x.mark_changed()
        """
        self.changes.count += 1

    @property
    def shape(self) -> tuple[int, ...]:
        """The array's shape."""
        return self._data.shape

    @property
    def dtype(self) -> np.dtype:
        """The array's dtype."""
        return self._data.dtype

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self._data.ndim

    @property
    def size(self) -> int:
        """The number of elements."""
        return self._data.size

    @property
    def T(self) -> Tensor:
        """The tensor with its axes reversed."""
        return self.transpose()

    @property
    def is_leaf(self) -> bool:
        """Whether the user made it, rather than a recorded operation."""
        return self.creator is None

    @property
    def edge(self) -> Function | Tensor:
        """The next node of the backward pass: the operation that made this tensor, or the tensor itself if it is a leaf."""
        return self if self.creator is None else self.creator

    def numpy(self) -> np.ndarray:
        """The values in host memory, without a copy if they are there already.

        Returns
        -------
        ndarray
            Also where a gradient is required, which ends here.

        Examples
        --------
        >>> Tensor([1.0, 2.0], requires_grad=True).numpy()
        array([1., 2.], dtype=float32)
        """
        module = array_module(self.data)
        return self.data if module is np else module.asnumpy(self.data)

    def item(self) -> float:
        """The only element, as a number of Python.

        Returns
        -------
        float

        Raises
        ------
        ValueError
            If there are several elements.

        Examples
        --------
        >>> Tensor([[1.5]]).item()
        1.5
        """
        return self.data.item()

    def detach(self) -> Tensor:
        """The same values with no history.

        Returns
        -------
        Tensor
            Requires no gradient; shares the memory.

        Examples
        --------
        >>> y = Tensor([1.0], requires_grad=True) * 2.0
        >>> y.requires_grad, y.detach().requires_grad
        (True, False)
        """
        return Tensor(self)

    def backward(self, grad: TensorLike | None = None) -> None:
        """Add d(this)/d(leaf) to `.grad` of every leaf that requires a gradient.

        Parameters
        ----------
        grad : array or Tensor, optional
            The gradient of the final loss with respect to this tensor, of this tensor's shape; 1 for a single element.

        Raises
        ------
        RuntimeError
            If this tensor requires no gradient, if `grad` is missing for more than one element, or if backward has already run
            through part of the graph (which frees its memory), or if values that it needs were changed since the forward pass.
        ValueError
            If the shape of `grad` is not this tensor's.

        Examples
        --------
        >>> x = Tensor([1.0, 3.0], requires_grad=True)
        >>> (x**2).backward([1.0, 10.0])
        >>> x.grad
        array([ 2., 60.], dtype=float32)
        """
        if not self.requires_grad:
            raise RuntimeError(
                "backward was called on a tensor that requires no gradient and depends on none that does"
            )
        xp = array_module(self.data)
        if grad is None:
            if self.data.size != 1:
                raise RuntimeError(
                    f"backward without an argument starts from a single number, but this tensor has shape {self.shape}; "
                    "reduce it (such as .mean()) or pass the gradient"
                )
            grad = xp.ones_like(self.data)
        array = xp.asarray(grad.data if isinstance(grad, Tensor) else as_array(grad, self.dtype), dtype=self.dtype)
        if array.shape != self.shape:
            raise ValueError(f"backward: grad has shape {array.shape}, the tensor has {self.shape}")
        if self.creator is None:
            self.accumulate(array, fresh=False)
        else:
            backpropagate(self.creator, array)

    def accumulate(self, grad: Array, *, fresh: bool) -> None:
        """Add to `.grad`; the first gradient is copied unless it is `fresh`, which means that nothing else refers to it."""
        if grad.shape != self.shape or grad.dtype != self.dtype:
            raise RuntimeError(
                f"a gradient of shape {grad.shape} and {grad.dtype} arrived at a tensor of shape {self.shape} and {self.dtype}, "
                "which was given other data since the forward pass; run it again"
            )
        if self.grad is None:
            # 0-d results arrive as NumPy scalars; asarray and array make arrays of them.
            xp = array_module(self.data)
            self.grad = xp.asarray(grad, order="C") if fresh else xp.array(grad, order="C")
        else:
            self.grad += grad


def _in_short(values: np.ndarray) -> str:
    """The range and the mean of many values, and how many of them are not finite."""
    finite = values[np.isfinite(values)].astype(np.float64)
    counts = {"NaN": int(np.isnan(values).sum()), "infinite": int(np.isinf(values).sum())}
    parts = [f"values {finite.min():.4g} to {finite.max():.4g}, mean {finite.mean():.4g}"] if finite.size else []
    return ", ".join([*parts, *(f"{count:,} {kind}" for kind, count in counts.items() if count)])


def as_tensor(value: TensorLike, like: Tensor | None = None) -> Tensor:
    """`value` itself if it is a Tensor, else a Tensor that requires no gradient.

    Parameters
    ----------
    value : Tensor or array_like
    like : Tensor, optional
        Gives its device to the result, and its dtype to anything but a floating-point array.
    """
    if isinstance(value, Tensor):
        return value
    if like is None:
        return Tensor(value)
    array = as_array(value, like.dtype)
    xp = array_module(like.data)
    return Tensor(xp.asarray(array, dtype=array.dtype if is_array(value) else like.dtype))
