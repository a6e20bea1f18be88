"""Checks what the device computes: its instructions against what the host shim assumes, every kernel against float64."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from minunet.kernels import dispatch, primitives
from minunet.kernels.cuda.launcher import run
from minunet.kernels.cuda.program import Program
from minunet.kernels.precision import use_precision

SELF_TEST = Path(__file__).resolve().parents[2] / "tests" / "cuda_on_cpu" / "device_checks" / "instructions.cu"
# Allowed errors, relative to the largest value of a result.
TOLERANCES = {"float32": 2e-5, "float64": 1e-12, "bfloat16": 6e-3, "tf32": 1e-3}
_programs: list[Program] = []


def conformance(device: Any) -> dict[str, Any]:
    """Check that ldmatrix, mma.sync, cp.async and barriers do on the device what the shim assumes."""
    from tests.cuda_on_cpu.device_checks.rounding import from_bf16, to_bf16

    if not _programs:
        instances = tuple(f"{name}<NONE>" for name in ("reverse", "ring", "product_bf16", "product_tf32"))
        _programs.append(Program(str(SELF_TEST), (*instances, "warp_sums"), architecture=80))
    rng = np.random.default_rng(0)
    found: dict[str, float] = {}

    def launch(instance: str, blocks: int, threads: int, shared: int, out: np.ndarray, *inputs: Any) -> np.ndarray:
        arrays = [device.put(a) if isinstance(a, np.ndarray) else a for a in inputs]
        result = device.put(out)
        where = next((k for k, a in enumerate(arrays) if a is None), len(arrays))
        arrays[where : where + 1] = [result]
        run(
            device.launcher,
            _programs[0],
            instance,
            grid=(blocks,),
            block=threads,
            shared_bytes=shared,
            arguments=arrays,
        )
        return device.get(result)

    def note(name: str, result: np.ndarray, expected: np.ndarray) -> None:
        found[name] = float(np.abs(result.astype(np.float64) - expected).max())

    x = np.arange(1, 193, dtype=np.float32)
    y = launch("reverse<NONE>", 3, 64, 256, np.zeros_like(x), x, None)
    note("shared memory and barrier", y, x.reshape(3, 64)[:, ::-1].reshape(-1))
    rounds, threads = 7, 64
    x = rng.integers(1, 100, (rounds, threads, 4)).astype(np.float32)
    y = launch("ring<NONE>", 1, threads, 3 * threads * 16, np.zeros(threads, np.float32), x, None, ctypes.c_int(rounds))
    x[:, 7] = 0
    note("cp.async", y, np.roll(x.sum(axis=(0, 2)), -1))
    a, b = (to_bf16(rng.standard_normal(shape).astype(np.float32)) for shape in ((16, 16), (16, 8)))
    y = launch("product_bf16<NONE>", 1, 32, 768, np.zeros((16, 8), np.float32), a, b, None)
    note("ldmatrix and mma bf16", y, from_bf16(a).astype(np.float64) @ from_bf16(b))
    a, b = (rng.standard_normal(shape).astype(np.float32) for shape in ((16, 8), (8, 8)))
    y = launch("product_tf32<NONE>", 1, 32, 512, np.zeros((16, 8), np.float32), a, b, None)
    note("ldmatrix and mma tf32", y, a.astype(np.float64) @ b)
    limits = {
        "shared memory and barrier": 0,
        "cp.async": 0,
        "ldmatrix and mma bf16": 1e-5,
        "ldmatrix and mma tf32": 8e-3,
    }
    failed = [name for name, limit in limits.items() if not found[name] <= limit]
    return {"largest_error": found, "failed": failed}


def kernels(device: Any, seed: int | None = None) -> dict[str, Any]:
    """Compare every CUDA candidate of every primitive with the float64 reference, on new random numbers with the tests' shapes."""
    from tests.cuda_on_cpu.device_checks.comparison import agree, in_float64

    rng = np.random.default_rng(seed)
    worst: dict[str, int] = {}
    failed = []
    with device.use(), use_precision("tf32"):
        for name, args, kind in _calls(rng):
            primitive = dispatch.primitives()[name]
            expected = primitive.reference(*in_float64(args))
            there = _put(device, args)
            for candidate in primitive.candidates(*there):
                if not candidate.name.startswith("cuda"):
                    continue
                tolerance = TOLERANCES["tf32" if candidate.name == "cuda-tensor-cores" and kind == "float32" else kind]
                label = f"{name} {candidate.name} {kind}"
                try:
                    agree(_get(device, candidate.run(*there)), expected, tolerance, label)
                    worst[label] = worst.get(label, 0) + 1
                except AssertionError as error:
                    failed.append(str(error))
    return {"passed": worst, "failed": failed}


def _calls(rng: np.random.Generator) -> Iterator[tuple[str, tuple[Any, ...], str]]:
    """(primitive, arguments, dtype) for the shapes of the tests, with new random numbers."""
    from tests.cuda_on_cpu.device_checks.shapes import CONVOLUTIONS, POOLINGS, TRANSPOSED_CONVOLUTIONS

    for dtype in ("float32", "float64"):

        def draw(*shape: int, dtype: str = dtype) -> np.ndarray:
            # Sums that do not cancel: if the only sum of a result did, its relative error would be many times that of its factors.
            return rng.uniform(-0.5, 1.5, shape).astype(dtype)

        for images, widths, outs, kernel, stride, padding in CONVOLUTIONS.values():
            xs = tuple(draw(*images, c) for c in widths)
            weight, bias = draw(*kernel, sum(widths), outs), draw(outs)
            yield "conv2d", (xs, weight, bias, stride, padding, "relu"), dtype
            size = primitives.out_size(images[1:], kernel, stride, padding)
            grad, output = draw(images[0], *size, outs), np.maximum(draw(images[0], *size, outs), 0)
            needs = (True,) * len(xs), True, True
            yield "conv2d_grads", (grad, xs, weight, output, stride, padding, needs), dtype
        for images, channels, outs, kernel, stride, padding in TRANSPOSED_CONVOLUTIONS.values():
            x, weight, bias = draw(*images, channels), draw(*kernel, channels, outs), draw(outs)
            yield "conv_transpose2d", (x, weight, bias, stride, padding), dtype
            size = primitives.conv_transpose_out_size(images[1:], kernel, stride, padding)
            args = draw(images[0], *size, outs), x, weight, stride, padding, (True, True, True)
            yield "conv_transpose2d_grads", args, dtype
        for shape, *window in POOLINGS.values():
            x = draw(*shape)
            yield "max_pool2d", (x, *window), dtype
            yield "sum_pool2d", (x, *window), dtype
            y, argmax = primitives.max_pool2d.reference(x, *window)
            yield "max_pool2d_grad", (draw(*y.shape), argmax, shape, *window), dtype
            yield "sum_pool2d_grad", (draw(*y.shape), shape, *window), dtype
        x, y = draw(5, 7, 11), draw(5, 7, 11)
        for name in ("relu", "tanh", "sigmoid"):
            yield name, (x,), dtype
            yield f"{name}_grad", (x, y), dtype
        yield "softmax", (x, 1), dtype
        yield "softmax_grad", (x, y, 1), dtype
        target = rng.random(x.shape).astype(dtype)
        yield "bce_with_logits", (10 * x, target, None), dtype
        yield "bce_with_logits_grad", (np.asarray(0.7, dtype), 10 * x, target, target), dtype


def _put(device: Any, value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return device.put(value)
    return tuple(_put(device, item) for item in value) if isinstance(value, tuple) else value


def _get(device: Any, value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(_get(device, item) for item in value)
    return None if value is None else device.get(value)
