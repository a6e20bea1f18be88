"""A training step that several processes of one thread each share under `mpiexec`, as a contestant that another process can time.

As a program, this file is what each of the processes runs.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import minunet
from minunet.errors import UserError
from minunet.functional import binary_cross_entropy_with_logits
from minunet.fused.step_plan import StepPlan
from minunet.ranks import Ranks, find_ranks
from minunet.training.step import make_step

INSTALL_MPI = "python -m pip install '.[mpi]' mpich"


class SharedStep:
    """A step of all processes, each time that it is called; the time of Python's own communication with them is part of it.

    Parameters
    ----------
    processes : int
    checkout : path
        Whose minunet they run.
    base, batch, size, variant
        As for `benchmarks.cpu.contestants.contestant`.

    Raises
    ------
    UserError
        If there is no mpiexec, or the processes do not start.
    """

    def __init__(self, processes: int, checkout: Path, **case: Any):
        # Not at the top: the processes may belong to a checkout that does not have these.
        from benchmarks.processes import LineProcess
        from minunet.ranks import launcher

        mpiexec = launcher()
        if mpiexec is None:
            raise UserError(f"there is no mpiexec here: {INSTALL_MPI}")
        program = [sys.executable, str(Path(__file__).resolve()), json.dumps(case)]
        self._process = LineProcess([mpiexec, "-n", str(processes), *program], checkout)

    def prepare(self) -> None:
        """Wake the processes up; they sleep while others are measured."""
        self._process.ask("ready")

    def __call__(self) -> None:
        self._process.ask("step")

    def close(self) -> None:
        """End the processes."""
        self._process.close()


def _own_share(ranks: Ranks, *, base: int, batch: int, size: int, variant: str = "classic") -> Callable[[], Any]:
    """A function that does the share of a process: the gradients of its samples, their sum over all, and Adam."""
    model = minunet.UNet(base_channels=base, variant=variant)
    optimizer = minunet.optim.Adam(model.parameters(), 1e-4)
    micro_batch = -(-batch // ranks.size)
    step: Any = make_step(
        model, optimizer, binary_cross_entropy_with_logits, StepPlan(), micro_batch=micro_batch, ranks=ranks
    )
    step.samples, own = batch, step.division.samples(batch)
    rng = np.random.default_rng(0)
    x = rng.random((batch, size, size, 1), dtype=np.float32)[own]
    target = (rng.random((batch, size, size, 1)) > 0.5).astype(np.float32)[own]
    return lambda: step(x, target)


def _serve() -> None:
    """Do what process 0 reads from its standard input, in all processes."""
    ranks = find_ranks()
    run = _own_share(ranks, **json.loads(sys.argv[1]))
    while True:
        line = sys.stdin.readline() if ranks.is_first else ""
        ranks.wait()  # asleep, so that the processor is free for other contestants
        if not ranks.share(line):
            return
        _answer(ranks)
        ranks.share(sys.stdin.readline() if ranks.is_first else None)
        run()
        ranks.gather(None)
        _answer(ranks)


def _answer(ranks: Ranks) -> None:
    if ranks.is_first:
        print("done", flush=True)


if __name__ == "__main__":
    _serve()
