"""The kernels of hopper_instructions.cu as calls: each returns what a device computes, and what NumPy computes in float64."""

from __future__ import annotations

import ctypes
import functools
from pathlib import Path
from typing import Any

import numpy as np

from minunet.kernels.cuda.launcher import run
from minunet.kernels.cuda.program import Program
from minunet.kernels.cuda.tensor_map import map_of
from tests.cuda_on_cpu.device_checks.rounding import from_bf16, to_bf16, to_tf32

SOURCE = Path(__file__).with_suffix(".cu")
# For each kind of product: type of the elements, columns, and which operands are transposed.
PRODUCTS = {
    "bf16": ("unsigned short", 256, False, False),
    "tf32": ("float", 256, False, False),
    "bf16 transposed a": ("unsigned short", 256, True, False),
    "bf16 transposed b": ("unsigned short", 256, False, True),
    "bf16 transposed a and b, 192": ("unsigned short", 192, True, True),
}
BOX_BUGS = (
    *("NO_WAIT", "WRONG_PARITY", "TOO_MANY_BYTES", "TOO_FEW_BYTES", "TOO_MANY_ARRIVALS"),
    *("MISPLACED", "NO_INIT_FENCE", "OVERWRITTEN"),
)
PRODUCT_BUGS = (
    *("NO_WAIT", "WRONG_PARITY", "EARLY_READ", "NO_PRODUCT_WAIT", "EARLY_RELEASE", "LATE_WAIT", "WRONG_GROUP"),
    *("NO_FENCE", "NO_COMMIT", "DIVERGED", "TWO_PRODUCTS", "WRONG_PANEL", "INSIDE_A_GROUP"),
)
STEPS = 5
BOX = 5, 4, 2  # rows of a box along the three outer axes


def product_instance(kind: str, bug: str) -> str:
    """The kernel's name in C++."""
    element, columns, *transposed = PRODUCTS[kind]
    return f"product<{element}, {columns // 2}, {', '.join(str(t).lower() for t in transposed)}, {bug}>"


RIGHT = ("box<NONE>", "transpose<NONE>", *(product_instance(kind, "NONE") for kind in PRODUCTS))


@functools.cache
def program() -> Program:
    """The right kernels, and those with a planted mistake. Declared at first use, because it is no program of the package."""
    wrong = (
        *(f"box<{bug}>" for bug in BOX_BUGS),
        *(product_instance("bf16", bug) for bug in PRODUCT_BUGS),
        product_instance("bf16 transposed a and b, 192", "WRONG_PANEL"),
        "transpose<MISPLACED>",
    )
    return Program(str(SOURCE), (*RIGHT, *wrong), 168, 90, tensor_cores=True, architecture_specific=True)


def box(device: Any, itemsize: int = 2, corner: tuple[int, ...] = (0, 0, 0, 0), bug: str = "NONE") -> tuple[Any, Any]:
    """Two boxes as the device copies them, and the same parts of the array by NumPy, with zeros outside of it."""
    inner, rounds, rows = 128 // itemsize, 2, int(np.prod(BOX))
    shape = 3, 6, 7, 96 if itemsize == 2 else 48  # the last innermost box is only partly inside
    dtype = np.uint16 if itemsize == 2 else np.uint32
    x = np.random.default_rng(0).integers(1, 2**16, shape).astype(dtype)
    there, y = device.put(x), device.put(np.zeros((rounds, *BOX[::-1], inner), dtype))
    launcher = device.launcher
    strides = x.strides[::-1]
    mapped = launcher.tensor_map(launcher.pointer(there), itemsize, shape[::-1], strides, (inner, *BOX))
    values = [mapped, y, *(ctypes.c_int(n) for n in (rounds, rows, *corner))]
    run(launcher, program(), f"box<{bug}>", grid=(1,), block=64, shared_bytes=rows * 128 + 1024, arguments=values)
    expected = []
    for k in range(rounds):
        first = corner[3], corner[2], corner[1] + k, corner[0]
        where = [np.arange(c, c + n) for c, n in zip(first, (*BOX[::-1], inner), strict=True)]
        inside = [(axis >= 0) & (axis < n) for axis, n in zip(where, shape, strict=True)]
        inner_values = x[np.ix_(*(np.clip(axis, 0, n - 1) for axis, n in zip(where, shape, strict=True)))]
        expected.append(np.where(functools.reduce(np.multiply.outer, inside), inner_values, 0))
    return device.get(y), np.array(expected)


def product(
    device: Any, kind: str, bug: str = "NONE", threads: int = 160, steps: int = STEPS, rounded: bool = True
) -> tuple[Any, Any]:
    """The product of random A and B; in float32, `rounded` to tf32 before."""
    element, columns, *transposed = PRODUCTS[kind]
    itemsize = 4 if element == "float" else 2
    depth = 128 // itemsize
    rng = np.random.default_rng(1)
    launcher = device.launcher
    maps, operands, arrays = [], [], []
    for size, is_transposed in ((64, transposed[0]), (columns, transposed[1])):
        x = rng.standard_normal((depth * STEPS, size) if is_transposed else (size, depth * STEPS)).astype(np.float32)
        bits = to_bf16(x) if itemsize == 2 else to_tf32(x) if rounded else x
        exact = from_bf16(bits) if itemsize == 2 else bits
        if is_transposed:  # the other axis is split into panels of 128 bytes, one after the other
            bits = np.ascontiguousarray(bits.reshape(len(bits), size // depth, depth).swapaxes(0, 1))
        arrays.append(device.put(bits.reshape((1,) * (4 - bits.ndim) + bits.shape)))
        maps.append(
            map_of(launcher, arrays[-1], (depth, depth, size // depth, 1) if is_transposed else (depth, size, 1, 1))
        )
        operands.append((exact.T if is_transposed else exact).astype(np.float64))
    y = device.put(np.zeros((64, columns), np.float32))
    shared = 2 * (64 * 128 + columns * 128) + 1024
    values = [*maps, y, ctypes.c_int(steps)]
    name = product_instance(kind, bug)
    run(launcher, program(), name, grid=(1,), block=threads, shared_bytes=shared, arguments=values)
    return device.get(y), operands[0] @ operands[1].T


def transpose(device: Any, bug: str = "NONE") -> tuple[Any, Any]:
    """Four 8x8 matrices of 16-bit elements that the device stores transposed, and their transposes."""
    x = np.random.default_rng(2).integers(0, 2**16, (4, 8, 8)).astype(np.uint16)
    y = device.put(np.zeros((4, 8, 8), np.uint16))
    # Lane 4 g + q holds columns 2 q and 2 q + 1 of row g: the matrix in memory order, as words of 32 bits.
    arguments = [device.put(x.view(np.uint32)), y]
    run(
        device.launcher,
        program(),
        f"transpose<{bug}>",
        grid=(1,),
        block=32,
        shared_bytes=1024,
        arguments=arguments,
    )
    return device.get(y), x.transpose(0, 2, 1)
