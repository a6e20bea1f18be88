"""The launcher of a GPU without a GPU: whether it allows the kernels of sm_90a."""

from __future__ import annotations

import sys

from minunet.kernels.cuda.gpu_launcher import GpuLauncher
from minunet.kernels.cuda.meta_launcher import MetaLauncher
from tests.cuda_on_cpu.shim import cupy_on_cpu


def test_why_sm_90a_is_not_allowed(monkeypatch):
    """Another architecture, or turned off."""
    for capability, asked, why in (
        ("80", "1", "this GPU is sm_80"),
        ("90", "0", "MINUNET_SM_90A=0"),
        ("90", "1", None),
        ("90", "", None),
    ):
        monkeypatch.setitem(sys.modules, "cupy", cupy_on_cpu.cupy(capability))
        monkeypatch.setenv("MINUNET_SM_90A", asked)
        found = GpuLauncher().why_not_sm_90a()
        assert found is None if why is None else why in found
        assert MetaLauncher.like(GpuLauncher()).why_not_sm_90a() == found
