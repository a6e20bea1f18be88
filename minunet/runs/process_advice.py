"""Advice on processes: a training on small images is faster in two processes of one thread each than in one of two threads."""

from __future__ import annotations

import importlib.util

from minunet.fused.step_plan import StepPlan
from minunet.ranks import launcher
from minunet.runs.train_config import TrainConfig

# Where two processes have been measured to be faster, on two cores (docs/scale.md). With smaller images, fewer samples or fewer
# channels the fixed cost of a step, which each process has, counts too much.
LEAST_BATCH = 8
MOST_CHANNELS = 32
VALUES = 64 * 64 * 8, 256 * 256 * 16  # pixels of an image times base channels, at least and at most


def process_advice(config: TrainConfig, plan: StepPlan, command: str) -> list[str]:
    """A sentence with the command of two processes, where that is faster; else nothing.

    Parameters
    ----------
    config : TrainConfig
        Of a training that is about to begin in one process.
    plan : StepPlan
        Of its steps.
    command : str
        What the user typed.
    """
    height, width = config.height_and_width
    least, most = VALUES
    is_small = least <= height * width * config.base_channels <= most and config.base_channels <= MOST_CHANNELS
    on_cores = plan.machine.device == "cpu" and plan.machine.threads > 1
    if not (is_small and on_cores) or config.batch_size < LEAST_BATCH:
        return []
    if config.micro_batch is not None or config.recompute:
        return []
    launched = f"mpiexec -n 2 {command} --micro-batch {-(-config.batch_size // 2)}"
    return [f"images of {width}x{height} train faster in two processes: {launched}{_missing()}"]


def _missing() -> str:
    """How to install what such a command needs; nothing where it is there."""
    if launcher() is None:
        return " (after: python -m pip install 'minunet[mpi]' mpich)"
    if importlib.util.find_spec("mpi4py") is None:
        return " (after: python -m pip install 'minunet[mpi]')"
    return ""
