"""The machine that work runs on: the device, the precision of a GPU's convolutions, and the number of CPU threads.

It is chosen once; "auto" is resolved only here, and the result is passed to everything that computes.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from minunet.errors import UserError
from minunet.kernels import backend
from minunet.kernels.cpu.threads import get_num_threads, set_num_threads
from minunet.kernels.precision import PRECISIONS, has_tensor_cores

PRECISION_CHOICES = ("auto", *PRECISIONS)


@dataclass(frozen=True)
class Machine:
    """Where a model runs, and in which arithmetic.

    Attributes
    ----------
    device : {"cpu", "cuda"}
    precision : {"fp32", "tf32", "bf16"}
        Of the convolutions on a GPU; the CPU computes in the parameters' own type.
    threads : int
        Of the CPU kernels.
    """

    device: str = "cpu"
    precision: str = "fp32"
    threads: int = field(default_factory=get_num_threads)

    @property
    def unfused_precision(self) -> str:
        """The precision of convolutions outside of the fused kernels, where there is no bf16: fp32 or tf32."""
        return "fp32" if self.precision == "fp32" else "tf32"

    @classmethod
    def choose(
        cls, device: str = "auto", precision: str = "auto", threads: int | None = None, *, has_fused_step: bool = False
    ) -> Machine:
        """The machine that the user requested.

        Parameters
        ----------
        device : {"auto", "cpu", "cuda"}
            "auto" is a GPU where one is usable, else the CPU.
        precision : {"auto", "fp32", "tf32", "bf16"}
            "auto" is fp32 on the CPU and on a GPU without tensor cores for the other two; else bf16 with a fused step, and tf32
            without.
        threads : int, optional
            The CPU kernels use this many from now on, in all of the process; None leaves their number as it is.
        has_fused_step : bool
            Whether a model is to be trained that has a fused step (see `minunet.fused.step_plan`).

        Raises
        ------
        UserError
            With everything that is not available here.
        """
        if problems := machine_problems(device, precision):
            raise UserError(problems)
        if threads is not None:
            set_num_threads(threads)
        device = backend.resolve_device(device)
        if precision == "auto":
            precision = "fp32" if device == "cpu" or not has_tensor_cores() else "bf16" if has_fused_step else "tf32"
        return cls(device, precision)


def machine_problems(device: str, precision: str) -> list[str]:
    """The reasons why a device and a precision are not available here, each a sentence with the remedy; both may be "auto"."""
    problems = []
    if precision not in PRECISION_CHOICES:
        problems.append(f'precision "{precision}" is not known; choose one of {", ".join(PRECISION_CHOICES)}')
    try:
        chosen = backend.resolve_device(device)
    except UserError as error:
        return problems + error.problems
    if precision not in ("tf32", "bf16"):
        return problems
    if chosen == "cpu":
        no_gpu = f"; {backend.why_no_gpu()}" if device == "auto" else ""
        remedy = f'give fp32, or run on a GPU, device "cuda"{no_gpu}'
        problems.append(f'precision "{precision}": the CPU computes only in fp32; {remedy}.')
    elif not has_tensor_cores():
        capability = ".".join(map(str, backend.compute_capability()))
        needed = f"this needs a GPU of compute capability 8.0 or newer, this one has {capability}"
        problems.append(f'precision "{precision}": {needed}; give fp32.')
    return problems
