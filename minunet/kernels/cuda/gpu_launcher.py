"""The launcher that runs kernels on a GPU: cubins loaded as CUDA modules through CuPy, launched on CuPy's current stream."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Sequence
from typing import Any

from minunet.kernels.cuda.compile import compile_program
from minunet.kernels.cuda.launcher import SHARED_WITHOUT_OPT_IN, Grid, addresses
from minunet.kernels.cuda.program import Program
from minunet.kernels.cuda.tensor_map import TensorMap, encode

SM_90A = "MINUNET_SM_90A"  # the environment variable; 1 takes the kernels of sm_90a
MAX_DYNAMIC_SHARED_SIZE_BYTES = 8  # CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES


class GpuLauncher:
    """Loads each kernel once per device, at its first launch there."""

    def __init__(self) -> None:
        import cupy

        self._cupy = cupy
        self._modules: list[Any] = []  # kept, since a function does not outlive its module
        self._functions: dict[tuple[int, str, str], Any] = {}

    def empty(self, shape: Sequence[int], dtype: Any) -> Any:
        """A CuPy array with unspecified content."""
        return self._cupy.empty(shape, dtype)

    def pointer(self, array: Any) -> int:
        """The device address of a C-contiguous CuPy array."""
        if not array.flags.c_contiguous:
            raise ValueError(f"a kernel was given an array of shape {array.shape} that is not C-contiguous")
        return array.data.ptr

    def tensor_map(
        self, pointer: int, itemsize: int, shape: Sequence[int], strides: Sequence[int], box: Sequence[int]
    ) -> TensorMap:
        """A map that the driver encodes; raises RuntimeError where it refuses the sizes."""
        return encode(pointer, itemsize, shape, strides, box)

    def launch(
        self, program: Program, instance: str, grid: Grid, block: Grid, shared_bytes: int, values: list[Any]
    ) -> None:
        """Queue a kernel on the current stream; kernel parameters are copied before this returns."""
        function = self._function(program, instance, shared_bytes)
        parameters = addresses(values)
        stream = self._cupy.cuda.get_current_stream().ptr
        self._cupy.cuda.driver.launchKernel(
            function.ptr, *grid, *block, shared_bytes, stream, ctypes.addressof(parameters), 0
        )

    def prepare(self, program: Program, instance: str, shared_bytes: int) -> None:
        """Compile and load a kernel, which cannot be done while a graph is being captured."""
        self._function(program, instance, shared_bytes)

    def architecture(self) -> str:
        """The current device's target for the compiler, such as "sm_90"."""
        return f"sm_{self._cupy.cuda.Device().compute_capability}"

    def why_not_sm_90a(self) -> str | None:
        """None on an sm_90 GPU, where the environment asks for it: these kernels have run on the tests' host shim alone."""
        if self.architecture() != "sm_90":
            return f"wgmma is of sm_90 alone, this GPU is {self.architecture()}"
        return None if os.environ.get(SM_90A) == "1" else f"wgmma is taken on request, {SM_90A}=1"

    def _function(self, program: Program, instance: str, shared_bytes: int) -> Any:
        device = self._cupy.cuda.runtime.getDevice()
        key = device, program.source, instance
        if key not in self._functions:
            # Each instance is compiled by itself, when it is first needed: a training run needs few of them.
            compiled = compile_program(program, program.target(self.architecture()), instances=(instance,))
            module = self._cupy.cuda.function.Module()
            module.load(compiled.cubin)
            function = module.get_function(compiled.names[instance])
            if shared_bytes > SHARED_WITHOUT_OPT_IN:  # an instance is always launched with the same size
                self._cupy.cuda.driver.funcSetAttribute(function.ptr, MAX_DYNAMIC_SHARED_SIZE_BYTES, shared_bytes)
            self._modules.append(module)
            self._functions[key] = function
        return self._functions[key]
