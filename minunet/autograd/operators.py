"""The operators of a tensor; values and derivatives are in the modules of minunet/autograd that they call."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from minunet import autograd  # its operations are imported after Tensor, which they need

if TYPE_CHECKING:
    from minunet.autograd.tensor import Tensor, TensorLike
    from minunet.kernels.backend import Array

# Names that PyTorch and NumPy have for the same thing, or for something that is done in another way.
ELSEWHERE = {
    "amax": "x.max(axis)",
    "amin": "x.min(axis)",
    "argmax": "x.data.argmax(axis)",
    "argmin": "x.data.argmin(axis)",
    "astype": "Tensor(x.data.astype(dtype))",
    "clamp": "x.clip(min, max)",
    "cpu": "x.numpy()",
    "dim": "x.ndim",
    "double": "Tensor(x.data.astype(float))",
    "flatten": "minunet.functional.flatten(x) or x.reshape(-1)",
    "movedim": "x.transpose(*axes)",
    "numel": "x.size",
    "permute": "x.transpose(*axes)",
    "pow": "x ** y",
    "relu": "minunet.functional.relu(x)",
    "requires_grad_": "x.requires_grad = True",
    "sigmoid": "minunet.functional.sigmoid(x)",
    "softmax": "minunet.functional.softmax(x, axis)",
    "squeeze": "x.reshape(shape) or x[..., 0]",
    "swapaxes": "x.transpose(*axes)",
    "tanh": "minunet.functional.tanh(x)",
    "tolist": "x.data.tolist()",
    "unsqueeze": "x[..., None]",
    "view": "x.reshape(shape)",
    "zero_grad": "x.grad = None",
}


class Operators:
    """What `Tensor` can do by operators."""

    __hash__ = object.__hash__  # by identity, so that tensors can be keys, although == compares the elements

    def __getattr__(self, name: str) -> Any:
        remedy = f"; use {ELSEWHERE[name]}" if name in ELSEWHERE else ""
        raise AttributeError(f"a {type(self).__name__} has no {name!r}{remedy}", name=name, obj=self)

    def __add__(self: Any, other: TensorLike) -> Tensor:
        return autograd.arithmetic.add(self, other)

    def __radd__(self: Any, other: TensorLike) -> Tensor:
        return autograd.arithmetic.add(other, self)

    def __sub__(self: Any, other: TensorLike) -> Tensor:
        return autograd.arithmetic.subtract(self, other)

    def __rsub__(self: Any, other: TensorLike) -> Tensor:
        return autograd.arithmetic.subtract(other, self)

    def __mul__(self: Any, other: TensorLike) -> Tensor:
        return autograd.arithmetic.multiply(self, other)

    def __rmul__(self: Any, other: TensorLike) -> Tensor:
        return autograd.arithmetic.multiply(other, self)

    def __truediv__(self: Any, other: TensorLike) -> Tensor:
        return autograd.arithmetic.divide(self, other)

    def __rtruediv__(self: Any, other: TensorLike) -> Tensor:
        return autograd.arithmetic.divide(other, self)

    def __pow__(self: Any, exponent: TensorLike) -> Tensor:
        return autograd.arithmetic.power(self, exponent)

    def __rpow__(self: Any, base: TensorLike) -> Tensor:
        return autograd.arithmetic.power(base, self)

    def __matmul__(self: Any, other: TensorLike) -> Tensor:
        return autograd.arithmetic.matmul(self, other)

    def __rmatmul__(self: Any, other: TensorLike) -> Tensor:
        return autograd.arithmetic.matmul(other, self)

    def __neg__(self: Any) -> Tensor:
        return autograd.arithmetic.multiply(self, -1.0)

    def __abs__(self: Any) -> Tensor:
        return autograd.elementary.absolute(self)

    # Comparisons give plain boolean arrays, as everything that has no gradient.

    def __eq__(self: Any, other: object) -> Any:
        return autograd.comparisons.compare("==", self, other)

    def __ne__(self: Any, other: object) -> Any:
        return autograd.comparisons.compare("!=", self, other)

    def __lt__(self: Any, other: TensorLike) -> Array:
        return autograd.comparisons.compare("<", self, other)

    def __le__(self: Any, other: TensorLike) -> Array:
        return autograd.comparisons.compare("<=", self, other)

    def __gt__(self: Any, other: TensorLike) -> Array:
        return autograd.comparisons.compare(">", self, other)

    def __ge__(self: Any, other: TensorLike) -> Array:
        return autograd.comparisons.compare(">=", self, other)

    def __contains__(self: Any, value: object) -> bool:
        equal = self == value
        return equal if isinstance(equal, bool) else bool(equal.any())

    def __getitem__(self: Any, key: Any) -> Tensor:
        return autograd.indexing.index(self, key)

    def __setitem__(self: Any, key: Any, value: Any) -> None:
        raise TypeError(
            "the elements of a Tensor are not assigned to, since its history would no longer be true; "
            "use minunet.where(condition, a, b), or write into x.data[...] before the forward pass"
        )

    def __iter__(self: Any) -> Iterator[Tensor]:
        if self.ndim == 0:
            raise TypeError("a Tensor of shape () is a single number, over which there is nothing to iterate")
        return (self[k] for k in range(len(self)))
