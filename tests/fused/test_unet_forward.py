"""The fused forward pass on the host shim: the logits of the step, in less memory."""

from __future__ import annotations

import numpy as np
import pytest

from minunet.fused.unet_forward import UNetForward
from minunet.kernels.machine import Machine
from tests.cuda_on_cpu.checks import needs_bfloat16, needs_compiler
from tests.cuda_on_cpu.shim.host_launcher import HostLauncher
from tests.fused.example_step import (
    example,
    view,
)


@needs_compiler
@pytest.mark.parametrize(
    ("variant", "precision"), [("paper", "tf32"), pytest.param("classic", "bf16", marks=needs_bfloat16)]
)
def test_inference_equals_the_steps_forward_pass(variant, precision):
    """Bit for bit, in less memory."""
    model, batch, step, params = example(variant, precision, "lazy")
    forward = UNetForward(model, batch[0].shape, HostLauncher(), Machine("cuda", precision))
    view(forward, forward.images)[...] = batch[0]
    forward.run()
    forward.run()
    logits = view(forward, forward.logits).copy()
    step.run()
    assert np.array_equal(logits, view(step, step.logits))
    assert forward.arena.nbytes < step.arena.nbytes / 2
    forward.refresh()  # the step changed the weights
    forward.run()
    assert not np.array_equal(logits, view(forward, forward.logits))
