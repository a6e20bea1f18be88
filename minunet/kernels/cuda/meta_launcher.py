"""A launcher without a device, as PyTorch's "meta" device: arrays have a shape and a dtype, and kernels do not run.

It shows how much memory a sequence of launches needs and which kernels it uses, on a machine without a GPU or beside a busy one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np

from minunet.kernels.cuda.dtypes import DTypeLike
from minunet.kernels.cuda.launcher import Arguments, Grid, Launcher
from minunet.kernels.cuda.program import Program
from minunet.kernels.cuda.tensor_map import TensorMap


class MetaLauncher:
    """A launcher whose arrays have no memory, and on which no kernel runs.

    Parameters
    ----------
    why_not_sm_90a : str, optional
        The reason not to use the kernels of sm_90a. None allows them.
    """

    def __init__(self, why_not_sm_90a: str | None = None):
        self._why_not_sm_90a = why_not_sm_90a

    @classmethod
    def like(cls, device: Launcher) -> MetaLauncher:
        """One that chooses the same kernels as `device`."""
        return cls(device.why_not_sm_90a())

    def why_not_sm_90a(self) -> str | None:
        """The reason that it was created with."""
        return self._why_not_sm_90a

    def empty(self, shape: Sequence[int], dtype: DTypeLike) -> Any:
        """A read-only array of one element, repeated to the whole shape."""
        return np.broadcast_to(np.zeros((), cast(Any, dtype)), shape)

    def pointer(self, array: Any) -> int:
        """A null pointer."""
        return 0

    def tensor_map(
        self, pointer: int, itemsize: int, shape: Sequence[int], strides: Sequence[int], box: Sequence[int]
    ) -> TensorMap:
        """An empty tensor map."""
        return TensorMap()

    def launch(
        self, program: Program, instance: str, grid: Grid, block: Grid, shared_bytes: int, values: Arguments
    ) -> None:
        """Run nothing."""

    def prepare(self, program: Program, instance: str, shared_bytes: int) -> None:
        """Compile nothing."""
