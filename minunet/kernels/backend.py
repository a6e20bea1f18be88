"""The array libraries: NumPy on the CPU, CuPy on a GPU. This is the only file that imports CuPy, and only when a GPU is used.

CuPy may be absent, present without a driver, or broken. None of these affects the CPU; each has its own error message.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any, TypeAlias

import numpy as np

from minunet.errors import UserError

DEVICES = ("auto", "cpu", "cuda")

Array: TypeAlias = Any  # a NumPy or a CuPy array; CuPy may be absent, so the type cannot be spelled out
Arrays: TypeAlias = Sequence[Array]


def array_module(*arrays: Array) -> ModuleType:
    """CuPy if any of the arrays is a CuPy array, else NumPy."""
    cupy = sys.modules.get("cupy")  # a CuPy array cannot exist before CuPy was imported
    array_type = getattr(cupy, "ndarray", None)  # absent while another thread is still importing CuPy
    if cupy is not None and array_type is not None and any(isinstance(array, array_type) for array in arrays):
        return cupy
    return np


def is_array(value: Any) -> bool:
    """Whether `value` is a NumPy or a CuPy array."""
    return isinstance(value, np.ndarray) or array_module(value) is not np


def device_of(array: Array) -> str:
    """The device of an array, "cpu" or "cuda"."""
    return "cpu" if array_module(array) is np else "cuda"


def to_numpy(array: Array) -> np.ndarray:
    """The array in host memory; a NumPy array is returned unchanged."""
    module = array_module(array)
    return np.asarray(array) if module is np else module.asnumpy(array)


def to_device(array: Array, device: str) -> Array:
    """The array on "cpu" or "cuda"; an array that is there already is returned unchanged.

    Raises
    ------
    UserError
        For "cuda" without a usable GPU; the message says which part is missing and how to get it.
    """
    if device == "cpu":
        return to_numpy(array)
    if device == "cuda":
        return _cupy().asarray(array)
    raise UserError(f'device "{device}" is not known; choose "cpu" or "cuda".')


def resolve_device(device: str) -> str:
    """Turn "auto", "cpu" or "cuda" into "cpu" or "cuda"; "auto" is the GPU if one is usable.

    Raises
    ------
    UserError
        For "cuda" without a usable GPU, or an unknown name.
    """
    if device not in DEVICES:
        raise UserError(f'device "{device}" is not known; choose one of {", ".join(DEVICES)}')
    if device == "auto":
        return "cpu" if why_no_gpu() else "cuda"
    if device == "cuda":
        _cupy()
    return device


def use_gpu(number: int) -> str:
    """From now on use the GPU of that number, counted around those that this process sees; returns its address on the PCI bus."""
    cupy = _cupy()
    device = number % cupy.cuda.runtime.getDeviceCount()
    cupy.cuda.Device(device).use()
    return str(cupy.cuda.runtime.deviceGetPCIBusId(device))


def why_no_gpu() -> str | None:
    """None if a GPU is usable, else one sentence that says what is missing and how to get it."""
    try:
        cupy = importlib.import_module("cupy")
    except ImportError as error:
        if getattr(error, "name", None) == "cupy":
            return "CuPy is not installed; install it with: pip install 'minunet[cuda13]' (CUDA 13 driver) or 'minunet[cuda12]'"
        return f"CuPy is installed but does not import ({_first_line(error)}); reinstall the wheel that matches your driver"
    except Exception as error:  # a broken CUDA installation can raise anything at import
        return f"CuPy is installed but does not import ({_first_line(error)}); reinstall the wheel that matches your driver"
    try:
        if cupy.cuda.runtime.getDeviceCount() == 0:
            return "CuPy is installed but sees no GPU; check CUDA_VISIBLE_DEVICES and nvidia-smi"
        cupy.zeros(1)
    except Exception as error:  # each CUDA library has its own exception types
        return (
            f"CuPy is installed but no GPU answers ({_first_line(error)}); check that nvidia-smi lists one "
            "and that the CuPy wheel matches the driver's CUDA version"
        )
    return None


def compute_capability() -> tuple[int, int]:
    """The generation of the current GPU, such as (9, 0).

    Raises
    ------
    UserError
        Without a usable GPU.
    """
    digits = _cupy().cuda.Device().compute_capability  # "90"; "103" is (10, 3)
    return int(digits[:-1]), int(digits[-1])


def free_device_memory() -> int | None:
    """Bytes of memory of the current GPU that nobody holds; None without a GPU."""
    if why_no_gpu():
        return None
    free, _ = _cupy().cuda.runtime.memGetInfo()
    return int(free)


def synchronise(device: str = "cpu") -> None:
    """Wait until the device has finished all its work; on the CPU, do nothing."""
    if device == "cuda":
        _cupy().cuda.get_current_stream().synchronize()


def _cupy() -> ModuleType:
    problem = why_no_gpu()
    if problem:
        raise UserError(f'device "cuda" cannot be used: {problem}.')
    return sys.modules["cupy"]


def _first_line(error: BaseException) -> str:
    text = str(error).strip().splitlines()
    return text[0] if text else type(error).__name__
