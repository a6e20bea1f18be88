"""A device without memory: what a sequence of launches would take, and which kernels, without a GPU or beside one at work."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minunet.kernels.cuda.launcher import Grid, Launcher
from minunet.kernels.cuda.program import Program
from minunet.kernels.cuda.tensor_map import TensorMap


class Unallocated:
    """A launcher whose arrays are their shapes, and on which nothing runs.

    Parameters
    ----------
    without_sm_90a : str, optional
        Why the kernels of sm_90a are not chosen; None chooses them where they suit.
    """

    def __init__(self, without_sm_90a: str | None = None):
        self.without_sm_90a = without_sm_90a

    @classmethod
    def like(cls, device: Launcher) -> Unallocated:
        """The one that chooses the kernels that `device` would."""
        return cls(device.why_not_sm_90a())

    def why_not_sm_90a(self) -> str | None:
        """As it was made."""
        return self.without_sm_90a

    def empty(self, shape: Sequence[int], dtype: Any) -> np.ndarray:
        """One element that claims to be the whole array; it cannot be written to."""
        return np.broadcast_to(np.zeros((), dtype), shape)

    def pointer(self, array: Any) -> int:
        """Nowhere."""
        return 0

    def tensor_map(
        self, pointer: int, itemsize: int, shape: Sequence[int], strides: Sequence[int], box: Sequence[int]
    ) -> TensorMap:
        """An empty one."""
        return TensorMap()

    def launch(
        self, program: Program, instance: str, grid: Grid, block: Grid, shared_bytes: int, values: list[Any]
    ) -> None:
        """Nothing runs."""

    def prepare(self, program: Program, instance: str, shared_bytes: int) -> None:
        """Nothing is compiled."""
