"""Reverse-mode differentiation: tensors that record the operations that made them, and the backward pass.

The operations behind the operators of tensors are imported when they are first used: no network needs all of them.
"""

import importlib
from types import ModuleType
from typing import TYPE_CHECKING

import minunet.autograd.tensor  # noqa: F401  first, since the other modules need Tensor
from minunet.autograd.engine import no_grad
from minunet.autograd.function import Function
from minunet.autograd.gradcheck import GradcheckError, gradcheck
from minunet.autograd.tensor import Tensor, TensorLike, as_tensor

if TYPE_CHECKING:
    from minunet.autograd import arithmetic, comparisons, elementary, extremes, indexing, pad, reductions, views

_OPERATIONS = ("arithmetic", "comparisons", "elementary", "extremes", "indexing", "pad", "reductions", "views")

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


def __getattr__(name: str) -> ModuleType:
    if name in _OPERATIONS:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
