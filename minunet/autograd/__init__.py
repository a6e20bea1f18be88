"""Reverse-mode differentiation: tensors that record the operations that made them, and the backward pass."""

import minunet.autograd.tensor  # noqa: F401  first, since the other modules need Tensor
from minunet.autograd import arithmetic, comparisons, elementary, extremes, indexing, pad, reductions, views
from minunet.autograd.engine import no_grad
from minunet.autograd.function import Function
from minunet.autograd.gradcheck import GradcheckError, gradcheck
from minunet.autograd.tensor import Tensor, TensorLike, as_tensor

__all__ = [
    "Function",
    "GradcheckError",
    "Tensor",
    "TensorLike",
    "arithmetic",
    "as_tensor",
    "comparisons",
    "elementary",
    "extremes",
    "gradcheck",
    "indexing",
    "no_grad",
    "pad",
    "reductions",
    "views",
]
