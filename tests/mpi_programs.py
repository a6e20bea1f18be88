"""Programs that mpiexec starts several times, for the tests of what processes do together."""

import os
import shutil
import subprocess
import sys

import pytest


def run_ranks(count, *arguments, program=None, **options):
    """The finished processes of `python ARGUMENTS` under `mpiexec -n COUNT`, or of a program; skips the test without MPI."""
    pytest.importorskip("mpi4py")
    launcher = shutil.which(
        "mpiexec", path=os.pathsep.join([os.path.dirname(sys.executable), os.environ.get("PATH", "")])
    )
    if launcher is None:
        pytest.skip("mpiexec is not installed")
    arguments = ["-c", program, *arguments] if program is not None else [*arguments]
    command = [launcher, "-n", str(count), sys.executable, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, **options)
