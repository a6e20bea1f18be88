"""Times each convolution of a U-Net by itself (forward, input gradient, weight gradient), and PyTorch in the same precision."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.gpu.sm_90a import allow_sm_90a
from minunet.fused.unet_layers import ConvLayer, layers_of
from minunet.kernels.cuda import sums, tensor_cores
from minunet.kernels.cuda.arena import Arena
from minunet.kernels.cuda.dtypes import BFLOAT16
from minunet.kernels.cuda.window import forward_window, input_gradient_windows
from minunet.nn.unet import UNet

DTYPES = {"bf16": BFLOAT16, "tf32": np.dtype(np.float32)}
SAME = (1, 1), ((1, 1), (1, 1))


@dataclass(frozen=True)
class Case:
    """A 3x3 convolution at one resolution.

    Attributes
    ----------
    name : str
    layer : ConvLayer
    images : tuple of int
        (N, H, W).
    """

    name: str
    layer: ConvLayer
    images: tuple[int, int, int]

    @property
    def flops(self) -> float:
        """Multiplications and additions of each of the three passes."""
        return 2.0 * math.prod(self.images) * math.prod(self.layer.shape)


def cases(model: UNet, batch: int, size: int) -> Iterator[Case]:
    """Every different 3x3 convolution, except the first, whose single channel is hardly any work for tensor cores."""
    layers, depth, seen = layers_of(model), model.config["depth"], set()
    blocks = [(f"contraction.{k}", k, block) for k, block in enumerate(layers.contraction)]
    blocks.append(("bottleneck", depth, layers.bottleneck))
    blocks += [(f"expansion.{k}", depth - 1 - k, level[1:]) for k, level in enumerate(layers.expansion)]
    for name, level, block in blocks:
        for k, layer in enumerate(block):
            key = level, layer.channels, layer.outs
            if layer.weight > 0 and key not in seen:
                seen.add(key)
                side = size >> level
                yield Case(
                    f"{name}.{k} {'+'.join(map(str, layer.channels))}->{layer.outs} {side}x{side}",
                    layer,
                    (batch, side, side),
                )


def ours(device: Any, case: Case, precision: str) -> dict[str, Callable[[], None]]:
    """Callables that launch our kernels on random numbers."""
    arena, dtype, layer = Arena(device.launcher), DTYPES[precision], case.layer
    rounded = precision == "tf32"
    xs = tuple(arena.alloc((*case.images, c), dtype) for c in layer.channels)
    grads = tuple(arena.alloc(x.shape, dtype) for x in xs)
    y, weight = arena.alloc((*case.images, layer.outs), dtype), arena.alloc(layer.shape, dtype)
    transposed = arena.alloc((*layer.shape[:2], *layer.shape[:1:-1]), dtype)
    bias = arena.alloc((layer.outs,), np.float32)
    window = forward_window(xs, weight, *SAME, case.images[1:])
    partial = arena.alloc((tensor_cores.num_splits(window, y), *layer.shape), np.float32)
    total = arena.alloc(layer.shape, np.float32)

    def forward() -> None:
        tensor_cores.convolve(
            [window],
            xs,
            weight,
            (y,),
            bias=bias,
            relu=True,
            round_to_tf32=rounded,
            inputs_are_tf32=rounded,
            weight_transposed=transposed,
        )

    def input_gradient() -> None:
        windows = input_gradient_windows(y, xs, weight, *SAME)
        tensor_cores.convolve(
            windows, (y,), weight, grads, masks=(*xs, None)[:2], round_to_tf32=rounded, inputs_are_tf32=rounded
        )

    def weight_gradient() -> None:
        tensor_cores.weight_gradient(window, xs, y, partial, inputs_are_tf32=rounded)
        sums.add_splits(partial, total)

    work = {"forward": forward, "input gradient": input_gradient, "weight gradient": weight_gradient}
    for launch in work.values():
        launch()  # only recorded, so that `commit` compiles the kernels
    arena.commit()
    _fill(device, arena)
    return work


def _fill(device: Any, arena: Arena) -> None:
    """Fill with random numbers of size one in either type, because multiplying zeros is faster: only the exponents are fixed."""
    memory = arena.launcher.memory
    words = np.random.default_rng(0).integers(0, 2**32, 1 << 20, np.uint32) & np.uint32(0x807F807F) | np.uint32(
        0x3F003F00
    )
    pattern = words.view(np.uint8)
    for first in range(0, memory.nbytes, pattern.nbytes):
        part = memory[first : first + pattern.nbytes]
        part[...] = device.put(pattern[: part.nbytes])


def torch_passes(case: Case, precision: str) -> dict[str, Callable[[], None]]:
    """The same passes in PyTorch: with bias and ReLU in the forward pass; the joined input exists already."""
    import torch

    torch.backends.cudnn.benchmark = torch.backends.cudnn.allow_tf32 = True
    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    (n, h, w), (_, _, channels, outs) = case.images, case.layer.shape

    def draw(*shape: int) -> torch.Tensor:
        return torch.randn(shape, device="cuda", dtype=dtype).to(memory_format=torch.channels_last)

    x, weight, grad = draw(n, channels, h, w), draw(outs, channels, 3, 3), draw(n, outs, h, w)
    bias = torch.zeros(outs, device="cuda", dtype=dtype)
    backward = torch.ops.aten.convolution_backward
    rest = [0], [1, 1], [1, 1], [1, 1], False, [0, 0], 1
    return {
        "forward": lambda: torch.relu_(torch.nn.functional.conv2d(x, weight, bias, padding=1)),
        "input gradient": lambda: backward(grad, x, weight, *rest, [True, False, False]),
        "weight gradient": lambda: backward(grad, x, weight, *rest, [False, True, False]),
    }


def torch_milliseconds(work: Callable[[], object], rounds: int = 10, repeat: int = 10) -> float:
    """The median time of `work` in PyTorch, run `repeat` times in a CUDA graph, as ours."""
    import statistics

    import torch

    aside = torch.cuda.Stream()
    with torch.cuda.stream(aside):
        for _ in range(4):  # cuDNN tries its algorithms
            work()
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        for _ in range(repeat):
            work()
    graph.replay()
    times = []
    for _ in range(rounds):
        start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        start.record()
        graph.replay()
        end.record()
        end.synchronize()
        times.append(start.elapsed_time(end) / repeat)
    return statistics.median(times)


def layers(
    device: Any,
    model: UNet,
    batch: int,
    size: int,
    *,
    with_torch: bool,
    sm_90a: tuple[bool, ...] = (False,),
) -> dict[str, Any]:
    """Milliseconds and TFLOP/s of every layer in both precisions, with and without the kernels of sm_90a as `sm_90a` says."""
    rows = []
    for case, precision in itertools.product(cases(model, batch, size), DTYPES):
        theirs = {}
        if with_torch:
            theirs = {name: torch_milliseconds(work) for name, work in torch_passes(case, precision).items()}
        for allowed in sm_90a:
            with allow_sm_90a(allowed):
                times = {name: device.milliseconds(work) for name, work in ours(device, case, precision).items()}
            about = {"layer": case.name, "precision": precision, "kernels": "sm_90a" if allowed else "sm_80"}
            for name, ms in times.items():
                row = {**about, "pass": name, "ms": ms, "tflops": case.flops / ms / 1e9}
                if name in theirs:
                    row |= {"torch_ms": theirs[name], "of_torch": ms / theirs[name]}
                rows.append(row)
    return {"rows": rows, "failed": []}
