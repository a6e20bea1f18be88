"""The arguments --device, --precision and --threads: where a command computes, and in which arithmetic."""

from __future__ import annotations

import argparse

from minunet.cli.argument_types import positive_int
from minunet.kernels.backend import DEVICES
from minunet.kernels.machine import PRECISION_CHOICES

DEVICE = "auto is a GPU where one is usable"
THREADS = "CPU threads (default all cores)"
TRAINING_PRECISION = (
    "arithmetic of a GPU's convolutions: bf16 and tf32 are fast (tensor cores, compute capability 8.0 or newer), fp32 is exact "
    "and slow; weights and sums are float32 in all three. auto is bf16 where the network and the loss have a fused step, else "
    "tf32; fp32 on an older GPU and on the CPU, which has no other. A resumed run keeps its own unless another is given"
)
# The figures are those of benchmarks.gpu.probabilities: three networks, 16 images each, the GPU's rounding imitated in NumPy.
PREDICTION_PRECISION = (
    "arithmetic of a GPU's convolutions, whatever the model was trained in: fp32 is exact and slow, tf32 and bf16 are fast "
    "(tensor cores, compute capability 8.0 or newer) and round; on drawn smears tf32 moved a probability by 0.0002 on average "
    "and 0.011 at most, bf16 by 0.0012 and 0.092. auto is tf32 where there are tensor cores, else fp32, as on the CPU, which "
    "has no other"
)


def add_machine_arguments(
    parser: argparse._ActionsContainer, precision: str | None = f"{PREDICTION_PRECISION} (default auto)"
) -> None:
    """Add --device, --precision and --threads to a parser or a group of it; `precision` is a help, None for no such argument."""
    parser.add_argument("--device", choices=DEVICES, default="auto", help=f"{DEVICE} (default auto)")
    if precision is not None:
        parser.add_argument("--precision", choices=PRECISION_CHOICES, default="auto", help=precision)
    parser.add_argument("--threads", metavar="N", type=positive_int, help=THREADS)
