"""Which precision a command computes in: what its --precision means on this machine, and what cannot be had.

"auto" depends on the device and the network alone.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from minunet.errors import UserError
from minunet.functional.loss import binary_cross_entropy_with_logits
from minunet.fused.unet_layers import why_not
from minunet.kernels import backend
from minunet.kernels.cuda.precision import CHOICES, resolved, why_without
from minunet.training.loss import LOSSES

OF_TRAINING = (
    "arithmetic of a GPU's convolutions: bf16 and tf32 are fast (tensor cores, compute capability 8.0 or newer), fp32 is exact "
    "and slow; weights and sums are float32 in all three. auto takes bf16 where the network and the loss have a fused step, else "
    "tf32; fp32 on an older GPU and on the CPU, which knows no other. A resumed run keeps its own unless another is given"
)
# The figures are those of benchmarks.gpu.probabilities: three networks, 16 images each, the GPU's rounding imitated in NumPy.
OF_PREDICTION = (
    "arithmetic of a GPU's convolutions, whatever the model was trained in: fp32 is exact and slow, tf32 and bf16 are fast "
    "(tensor cores, compute capability 8.0 or newer) and round; on drawn smears tf32 moved a probability by 0.0002 on average "
    "and 0.011 at most, bf16 by 0.0012 and 0.092. auto takes tf32 where there are tensor cores, else fp32, as on the CPU, which "
    "knows no other"
)


def problems(precision: str, device: str) -> list[str]:
    """Why a device, "auto", "cpu" or "cuda", cannot compute in a precision; what is wrong with the device itself is not told."""
    if precision not in ("tf32", "bf16"):
        return []
    try:
        on_gpu = backend.resolve_device(device) == "cuda"
    except UserError:
        return []
    problem = why_without(precision, "cuda" if on_gpu else "cpu")
    if problem is None:
        return []
    how = "" if on_gpu else ", --device cuda"
    missing = f"; {backend.why_no_gpu()}" if device == "auto" and not on_gpu else ""
    return [f"--precision {precision}: {problem}{how}{missing}."]


def has_fused_step(architecture: dict[str, Any], loss: Any, height: int, width: int) -> bool:
    """Whether a U-Net of these settings (all of `UNet.config`) has one for images of this size, in tf32 and bf16."""
    return loss is binary_cross_entropy_with_logits and why_not(architecture, height, width) is None


def settled(config: Any) -> Any:
    """A `TrainConfig` with a precision of this machine in place of "auto", so that a resumed run keeps to it."""
    if config.precision != "auto":
        return config
    height, width = (config.crop, config.crop) if config.size is None else config.size[::-1]
    fused = has_fused_step(config.architecture(), LOSSES[config.loss], height, width)
    return replace(config, precision=resolved("auto", backend.resolve_device(config.device), fused))


def placed(device: str, precision: str) -> tuple[str, str]:
    """ "auto" of both resolved for predictions: ("cpu" or "cuda", precision of its convolutions).

    Raises
    ------
    UserError
        Where one is not known or cannot be had.
    """
    if precision not in CHOICES:
        raise UserError(f'precision "{precision}" is not known; choose one of {", ".join(CHOICES)}')
    if found := problems(precision, device):
        raise UserError(found)
    device = backend.resolve_device(device)
    return device, resolved(precision, device, False)
