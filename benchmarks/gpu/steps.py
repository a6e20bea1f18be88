"""Times the training step and the inference of the classic U-Net on a GPU, and PyTorch in its usual settings."""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import minunet
from benchmarks.gpu.sm_90a import allow_sm_90a
from minunet.fused.step_plan import StepPlan
from minunet.kernels.machine import Machine

SHAPES = ((16, 256, 256, 1), (8, 512, 512, 1))
CONFIG = {"base_channels": 64, "variant": "classic"}
# Lower bound of an H100 in milliseconds: arithmetic at 700 TFLOP/s in bfloat16 and memory traffic at 3.0 TB/s.
FLOOR = {(16, 256, 256, 1): 7.3, (8, 512, 512, 1): 14.3}
TORCH_MODES = ("eager tf32", "amp bf16 channels_last", "amp bf16 channels_last compiled")


def batch(shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Random images and masks."""
    rng = np.random.default_rng(0)
    return rng.random(shape, np.float32), rng.integers(0, 2, shape).astype(np.float32)


def our_step(shape: tuple[int, int, int, int], precision: str, rounds: int) -> dict[str, float]:
    """Milliseconds of the captured step, batches sent from pinned memory included; bytes of device memory it holds."""
    from minunet.fused.graphs import StepGraph

    model = minunet.UNet(shape[3], 1, **CONFIG).to("cuda")
    plan = StepPlan(Machine("cuda", precision), why_not_fused=None)
    step = StepGraph(model, minunet.optim.Adam(model.parameters()), shape, plan)
    images, targets = batch(shape)
    first = None
    times = []
    for k in range(rounds + 5):
        step.send(images, targets)
        step.stream.synchronize()
        began = time.perf_counter()
        step.run(1e-4)
        step.stream.synchronize()
        if k >= 5:
            times.append(1e3 * (time.perf_counter() - began))
        first = step.loss() if first is None else first
    held = step.nbytes + 3 * sum(p.data.nbytes for p in model.parameters())
    return {"ms": statistics.median(times), "bytes": held, "first_loss": first, "last_loss": step.loss()}


def our_inference(shape: tuple[int, int, int, int], precision: str, rounds: int) -> dict[str, float]:
    """Milliseconds of the captured forward pass on images that are on the device; bytes of device memory it holds."""
    import cupy

    from minunet.fused.graphs import ForwardGraph

    model = minunet.UNet(shape[3], 1, **CONFIG).to("cuda")
    captured = ForwardGraph(model, shape, Machine("cuda", precision))
    images = cupy.asarray(batch(shape)[0])
    cupy.cuda.get_current_stream().synchronize()
    times = []
    for k in range(rounds + 3):
        began = time.perf_counter()
        captured.run(images)
        if k >= 3:
            times.append(1e3 * (time.perf_counter() - began))
    held = captured.forward.arena.nbytes + sum(p.data.nbytes for p in model.parameters())
    return {"ms": statistics.median(times), "bytes": held}


def torch_work(shape: tuple[int, int, int, int], mode: str, *, training: bool) -> Callable[[], Any]:
    """A training step, or inference, in one of TORCH_MODES."""
    import torch

    from benchmarks.peers.torch_unet import TorchUNet

    torch.backends.cudnn.benchmark = torch.backends.cudnn.allow_tf32 = True
    torch.backends.cuda.matmul.allow_tf32 = True
    amp = mode.startswith("amp")
    model = minunet.UNet(shape[3], 1, **CONFIG)
    net = TorchUNet(model.config).load(model).cuda()
    x, target = (torch.from_numpy(a.transpose(0, 3, 1, 2).copy()).cuda() for a in batch(shape))
    if amp:
        net, x = net.to(memory_format=torch.channels_last), x.to(memory_format=torch.channels_last)
    run = torch.compile(net) if mode.endswith("compiled") else net
    if not training:

        def infer() -> Any:
            with torch.inference_mode(), torch.autocast("cuda", torch.bfloat16, enabled=amp):
                return run(x)

        return infer
    optimizer = torch.optim.Adam(net.parameters(), 1e-4, fused=True)

    def step() -> Any:
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cuda", torch.bfloat16, enabled=amp):
            logits = run(x)
        loss = torch.nn.functional.binary_cross_entropy_with_logits(logits.float(), target)
        loss.backward()
        optimizer.step()
        return loss

    return step


def torch_figures(work: Callable[[], Any], rounds: int) -> dict[str, float]:
    """Milliseconds, synchronised, and the most bytes of device memory that PyTorch held."""
    import torch

    for _ in range(5):  # cuDNN tries its algorithms, the compiler compiles
        work()
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    times = []
    for _ in range(rounds):
        torch.cuda.synchronize()
        began = time.perf_counter()
        work()
        torch.cuda.synchronize()
        times.append(1e3 * (time.perf_counter() - began))
    return {"ms": statistics.median(times), "bytes": torch.cuda.max_memory_allocated()}


def steps(
    shape: tuple[int, int, int, int],
    *,
    modes: tuple[str, ...],
    sm_90a: tuple[bool, ...] = (False,),
    rounds: int = 15,
) -> dict[str, Any]:
    """Training and inference for one shape of batch, ours and PyTorch's; a mode that fails is reported, the rest go on.

    Ours is measured with and without the kernels of sm_90a, as `sm_90a` says.
    """
    import cupy

    figures: dict[str, Any] = {"floor_ms_bf16": FLOOR[shape]}
    failed = []

    def note(name: str, measure: Callable[[], Any]) -> None:
        try:
            figures[name] = measure()
        except Exception as error:  # whatever a library raises, the other rows still count
            failed.append(f"{name}: {type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}")
        cupy.get_default_memory_pool().free_all_blocks()

    for precision, wanted in itertools.product(("bf16", "tf32"), sm_90a):
        kind = f"{precision} sm_90a" if wanted else precision
        with allow_sm_90a(wanted):
            note(f"ours {kind}", lambda precision=precision: our_step(shape, precision, rounds))
            note(f"ours inference {kind}", lambda precision=precision: our_inference(shape, precision, rounds))
    for mode in modes:
        for training in (True, False):
            name = f"torch {mode}" if training else f"torch inference {mode}"
            note(name, lambda mode=mode, training=training: _torch(shape, mode, training, rounds))
    for mode, precision, what in itertools.product(modes, ("bf16", "tf32"), ("", "inference ")):
        of = f"torch {what}{mode}"
        for name in (f"ours {what}{precision}", f"ours {what}{precision} sm_90a"):
            if precision not in mode or name not in figures or of not in figures:
                continue
            figures[f"{name} of {of}"] = {key: figures[name][key] / figures[of][key] for key in ("ms", "bytes")}
    return {**figures, "failed": failed}


def _torch(shape: tuple[int, int, int, int], mode: str, training: bool, rounds: int) -> dict[str, float]:
    import torch

    figures = torch_figures(torch_work(shape, mode, training=training), rounds)
    torch.cuda.empty_cache()
    return figures
