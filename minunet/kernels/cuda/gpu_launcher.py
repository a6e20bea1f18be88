"""The launcher of a GPU: cubins are loaded as CUDA modules through CuPy and launched on CuPy's current stream."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Sequence
from typing import Any

from minunet.kernels.cuda.compile import compile_program
from minunet.kernels.cuda.dtypes import DTypeLike
from minunet.kernels.cuda.launcher import SHARED_WITHOUT_OPT_IN, Arguments, Grid, addresses
from minunet.kernels.cuda.program import Program
from minunet.kernels.cuda.tensor_map import TensorMap, encode

SM_90A = "MINUNET_SM_90A"  # the environment variable; 0 turns off the kernels of sm_90a
MAX_DYNAMIC_SHARED_SIZE_BYTES = 8  # CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES


class GpuLauncher:
    """Loads each kernel once per device, at its first launch there."""

    def __init__(self) -> None:
        import cupy

        self._cupy = cupy
        self._modules: list[Any] = []  # referenced here, because a function is invalid once its module is unloaded
        self._functions: dict[tuple[int, str, str], Any] = {}

    def empty(self, shape: Sequence[int], dtype: DTypeLike) -> Any:
        """A CuPy array with unspecified content."""
        return self._cupy.empty(shape, dtype)

    def pointer(self, array: Any) -> int:
        """The device address of a C-contiguous CuPy array.

        Raises
        ------
        ValueError
            If the array is not C-contiguous.
        """
        if not array.flags.c_contiguous:
            raise ValueError(f"a kernel was given an array of shape {array.shape} that is not C-contiguous")
        return array.data.ptr

    def tensor_map(
        self, pointer: int, itemsize: int, shape: Sequence[int], strides: Sequence[int], box: Sequence[int]
    ) -> TensorMap:
        """A tensor map that the driver encodes; raises RuntimeError if it refuses the sizes."""
        return encode(pointer, itemsize, shape, strides, box)

    def launch(
        self, program: Program, instance: str, grid: Grid, block: Grid, shared_bytes: int, values: Arguments
    ) -> None:
        """Queue a kernel on the current stream. CUDA copies the arguments before this returns."""
        function = self._function(program, instance, shared_bytes)
        parameters = addresses(values)
        stream = self._cupy.cuda.get_current_stream().ptr
        self._cupy.cuda.driver.launchKernel(
            function.ptr, *grid, *block, shared_bytes, stream, ctypes.addressof(parameters), 0
        )

    def prepare(self, program: Program, instance: str, shared_bytes: int) -> None:
        """Compile and load a kernel, which is not possible while a graph is being captured."""
        self._function(program, instance, shared_bytes)

    def architecture(self) -> str:
        """The compiler's name of the current device, such as "sm_90"."""
        return f"sm_{self._cupy.cuda.Device().compute_capability}"

    def why_not_sm_90a(self) -> str | None:
        """None on an sm_90 GPU, unless the environment variable turns these kernels off."""
        if self.architecture() != "sm_90":
            return f"wgmma needs an sm_90 GPU, this GPU is {self.architecture()}"
        return f"wgmma kernels are turned off by {SM_90A}=0" if os.environ.get(SM_90A) == "0" else None

    def _function(self, program: Program, instance: str, shared_bytes: int) -> Any:
        device = self._cupy.cuda.runtime.getDevice()
        key = device, program.source, instance
        if key not in self._functions:
            # Each instance is compiled by itself when it is first needed, because a training run needs few of them.
            compiled = compile_program(program, program.target(self.architecture()), instances=(instance,))
            module = self._cupy.cuda.function.Module()
            module.load(compiled.cubin)
            function = module.get_function(compiled.names[instance])
            if shared_bytes > SHARED_WITHOUT_OPT_IN:  # an instance is always launched with the same size
                self._cupy.cuda.driver.funcSetAttribute(function.ptr, MAX_DYNAMIC_SHARED_SIZE_BYTES, shared_bytes)
            self._modules.append(module)
            self._functions[key] = function
        return self._functions[key]
