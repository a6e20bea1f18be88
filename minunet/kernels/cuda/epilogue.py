"""The epilogue of a convolution on tensor cores, as a kernel argument: what is done with each result before it is written.

Mirrors epilogue.cuh.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence

from minunet.kernels.backend import Array
from minunet.kernels.cuda.launcher import Launcher


class Epilogue(ctypes.Structure):
    """Mirrors `Epilogue` in epilogue.cuh: addresses, 0 for what is absent, and two flags."""

    _fields_ = [
        *((name, ctypes.c_void_p) for name in ("bias", "mask0", "mask1", "out0", "out1", "pooled", "argmax")),
        ("relu", ctypes.c_int),
        ("round_to_tf32", ctypes.c_int),
    ]

    @classmethod
    def of(
        cls,
        launcher: Launcher,
        outs: Sequence[Array | None],
        *,
        bias: Array | None,
        relu: bool,
        masks: Sequence[Array | None],
        pooled: Array | None,
        argmax: Array | None,
        round_to_tf32: bool,
    ) -> Epilogue:
        """From one or two outputs and the options of `tensor_cores.convolve`."""
        arrays = bias, *(*masks, None)[:2], *(*outs, None)[:2], pooled, argmax
        return cls(*(0 if a is None else launcher.pointer(a) for a in arrays), int(relu), int(round_to_tf32))
