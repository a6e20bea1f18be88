"""Reverse-mode differentiation: tensors that remember how they were made, and the walk back."""

import minunet.autograd.tensor  # noqa: F401  first: the other modules are made of Tensor
from minunet.autograd.engine import no_grad
from minunet.autograd.function import Function
from minunet.autograd.gradcheck import GradcheckError, gradcheck
from minunet.autograd.tensor import Tensor, as_tensor

__all__ = ["Function", "GradcheckError", "Tensor", "as_tensor", "gradcheck", "no_grad"]
