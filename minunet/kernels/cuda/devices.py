"""Which device an array is on: the launcher of CuPy arrays is that of the GPU; `use` gives NumPy arrays one too."""

from __future__ import annotations

import contextlib
import functools
import sys
from collections.abc import Iterator
from typing import Any

from minunet.kernels.cuda.dtypes import wide_dtype
from minunet.kernels.cuda.gpu_launcher import GpuLauncher
from minunet.kernels.cuda.launcher import Launcher
from minunet.kernels.dispatch import without_choice_cache

_IN_USE: list[Launcher] = []


@contextlib.contextmanager
def use(launcher: Launcher) -> Iterator[None]:
    """Within the block, run the CUDA launch code for NumPy arrays on this launcher. For tests and dry runs."""
    _IN_USE.append(launcher)
    try:
        with without_choice_cache():
            yield
    finally:
        _IN_USE.pop()


def on_device(array: Any) -> bool:
    """Whether CUDA kernels can use this array: it is a CuPy array, or `use` sends NumPy arrays to a launcher."""
    return bool(_IN_USE) or _is_cupy(array)


def supports(*arrays: Any, types: tuple[str, ...] = ("float32", "float64", "bfloat16")) -> bool:
    """Whether kernels can compute on these arrays, which must share one dtype; None stands for an absent array."""
    present = [array for array in arrays if array is not None]
    return (
        all(on_device(array) for array in present)
        and len({a.dtype for a in present}) == 1
        and present[0].dtype.name in types
    )


def supports_parameters(activations: Any, *parameters: Any) -> bool:
    """Whether the parameters are on the device and have the wide dtype that belongs to the activations."""
    return all(on_device(p) and p.dtype == wide_dtype(activations) for p in parameters if p is not None)


def launcher_for(*arrays: Any) -> Launcher:
    """The launcher of the device where the arrays are. A buffer in an arena has its own."""
    for array in arrays:
        own = getattr(array, "launcher", None)
        if own is not None:
            return own
    return gpu() if _is_cupy(arrays[0]) else _IN_USE[-1]


@functools.cache
def gpu() -> Launcher:
    """The launcher of the GPU. There is only one, so that each kernel is loaded once."""
    return GpuLauncher()


def _is_cupy(array: Any) -> bool:
    cupy = sys.modules.get("cupy")  # a CuPy array cannot exist before CuPy was imported
    return cupy is not None and isinstance(array, cupy.ndarray)
