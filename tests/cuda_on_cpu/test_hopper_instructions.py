"""The Hopper instructions of the shim: right values under both schedules, and each planted mistake is noticed by one or both."""

from __future__ import annotations

import numpy as np
import pytest

from minunet.kernels.cuda.compile import compile_program
from tests.cuda_on_cpu.checks import needs_compiler, needs_nvrtc
from tests.cuda_on_cpu.device_checks import hopper_instructions
from tests.cuda_on_cpu.machine_code import complaints, disassembler, instructions, usages
from tests.cuda_on_cpu.shim.host_device import HostDevice
from tests.cuda_on_cpu.shim.host_launcher import SCHEDULES, KernelFault

pytestmark = pytest.mark.ci

BOTH = set(SCHEDULES)
LIMIT = 1e-4  # of sums of 160 or 320 products of standard normal numbers, in float32


@pytest.fixture(scope="module", params=list(SCHEDULES))
def device(request):
    return HostDevice(request.param)


def caught(work, says=""):
    """How a mistake was noticed: by the shim itself, by wrong values, or (None) not at all."""
    try:
        result, expected = work()
    except KernelFault as fault:
        assert says in str(fault), fault
        return "fault"
    return None if np.allclose(result, expected, rtol=0, atol=LIMIT) else "values"


CORNERS = [(0, 0, 0, 0), (-8, -2, -1, -1), (64, 4, 3, 2), (40, 5, -3, 1), (0, -5, 0, 0), (96, 0, 0, 0), (16, 1, 2, 0)]


@needs_compiler
@pytest.mark.parametrize("itemsize", [2, 4])
@pytest.mark.parametrize("corner", CORNERS)
def test_a_box(device, itemsize, corner):
    result, expected = hopper_instructions.box(device, itemsize, corner)
    assert np.array_equal(result, expected)


@needs_compiler
def test_a_box_at_no_multiple_of_16_bytes_is_refused(device):
    """As an H200 does, by an illegal instruction."""
    for itemsize, first in ((2, -3), (2, 4), (4, 3)):
        says = f"a box begins at element {first} of a row, at no multiple of 16 bytes"
        assert (
            caught(lambda at=(first, 0, 0, 0), size=itemsize: hopper_instructions.box(device, size, at), says)
            == "fault"
        )


@needs_compiler
@pytest.mark.parametrize("kind", hopper_instructions.PRODUCTS)
def test_a_product(device, kind):
    result, expected = hopper_instructions.product(device, kind)
    assert np.abs(result - expected).max() < LIMIT


@needs_compiler
def test_floats_with_more_bits_than_tf32_are_refused(device):
    """The result of the hardware for further bits is not defined."""
    with pytest.raises(KernelFault, match="is no tf32 value"):
        hopper_instructions.product(device, "tf32", rounded=False)


@needs_compiler
def test_matrices_stored_transposed(device):
    assert np.array_equal(*hopper_instructions.transpose(device))


@needs_compiler
@pytest.mark.parametrize(
    ("bug", "schedules", "says"),
    [
        ("NO_WAIT", BOTH, ""),
        ("WRONG_PARITY", BOTH, ""),
        ("TOO_MANY_BYTES", BOTH, "64 at barriers in shared memory (at byte 5120 0 arrivals and 16 bytes are missing"),
        ("TOO_FEW_BYTES", BOTH, "copies brought 16 bytes more than the barrier at byte 5120 expects"),
        ("TOO_MANY_ARRIVALS", BOTH, "more than the 1 arrivals"),
        ("MISPLACED", BOTH, "byte 512 of shared memory, which is no multiple of 1024"),
        ("NO_INIT_FENCE", BOTH, "no barrier_init_fence"),
        ("OVERWRITTEN", BOTH, "there is no barrier at byte 5120"),
    ],
)
def test_mistakes_with_boxes(device, bug, schedules, says):
    assert bool(caught(lambda: hopper_instructions.box(device, bug=bug), says)) == (device.schedule in schedules)


@needs_compiler
@pytest.mark.parametrize(
    ("bug", "schedules", "says"),
    [
        ("NO_WAIT", {"lazy"}, ""),
        ("WRONG_PARITY", BOTH, ""),
        ("EARLY_READ", {"eager"}, ""),
        ("NO_PRODUCT_WAIT", BOTH, "before a warpgroup_wait for all products"),
        ("EARLY_RELEASE", {"eager"}, ""),
        ("LATE_WAIT", {"lazy"}, ""),
        ("WRONG_GROUP", BOTH, ""),
        ("NO_FENCE", BOTH, "without a warpgroup_fence"),
        ("NO_COMMIT", BOTH, "before a warpgroup_wait for all products"),
        ("DIVERGED", BOTH, "threads diverged"),
        ("TWO_PRODUCTS", BOTH, "issue different products"),
        ("WRONG_PANEL", BOTH, "where the hardware assumes 16"),
        ("INSIDE_A_GROUP", BOTH, "inside of a group of rows"),
    ],
)
def test_mistakes_with_products(device, bug, schedules, says):
    assert bool(caught(lambda: hopper_instructions.product(device, "bf16", bug), says)) == (
        device.schedule in schedules
    )


@needs_compiler
def test_wrong_distance_of_panels(device):
    assert (
        caught(lambda: hopper_instructions.product(device, "bf16 transposed a and b, 192", "WRONG_PANEL")) == "values"
    )


@needs_compiler
def test_a_misplaced_column(device):
    assert (
        caught(lambda: hopper_instructions.transpose(device, "MISPLACED"), "stmatrix column at a misaligned address")
        == "fault"
    )


@needs_compiler
def test_an_incomplete_warpgroup(device):
    with pytest.raises(KernelFault, match="in a warpgroup of fewer than 128 threads"):
        hopper_instructions.product(device, "bf16", threads=96, steps=0)


@needs_nvrtc
def test_the_right_kernels_compile(tmp_path):
    """No spills, and no note that the products of a warpgroup wait for one another."""
    result = compile_program(hopper_instructions.program(), "sm_90a", tmp_path, hopper_instructions.RIGHT)
    assert complaints(result.log) == []
    assert all(
        u.spilled_bytes == 0 and u.registers <= hopper_instructions.program().registers for u in usages(result.log)
    )
    if disassembler() is not None:
        found = instructions(result.cubin, tmp_path)
        for instance in hopper_instructions.RIGHT:
            wanted = {"HGMMA", "UTMALDG"} if "product" in instance else {"UTMALDG"} if "box" in instance else {"STSM"}
            assert wanted <= set(found[result.names[instance]]), instance
