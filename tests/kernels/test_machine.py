"""The machine that a user asked for, without a GPU by a stand-in that only has a compute capability."""

import pytest

import minunet
from minunet.errors import UserError
from minunet.kernels import backend
from minunet.kernels.cpu.threads import get_num_threads, set_num_threads
from minunet.kernels.machine import Machine, machine_problems


@pytest.fixture
def gpu(monkeypatch):
    def there(*capability):
        monkeypatch.setattr(backend, "resolve_device", lambda device: "cpu" if device == "cpu" else "cuda")
        monkeypatch.setattr(backend, "compute_capability", lambda: capability)

    return there


def test_auto_for_predictions_stays_close_to_fp32(gpu):
    gpu(8, 0)
    assert Machine.choose() == Machine("cuda", "tf32")
    assert Machine.choose("cuda", "bf16") == Machine("cuda", "bf16")
    assert Machine.choose("cpu") == Machine() == Machine("cpu", "fp32")
    gpu(7, 0)
    assert Machine.choose("cuda") == Machine("cuda", "fp32")


def test_auto_with_a_fused_step_is_the_fastest(gpu):
    gpu(9, 0)
    assert Machine.choose(has_fused_step=True).precision == "bf16"
    assert Machine.choose("cpu", has_fused_step=True).precision == "fp32"
    assert Machine.choose("cuda", "tf32", has_fused_step=True).precision == "tf32"
    gpu(7, 5)
    assert Machine.choose(has_fused_step=True).precision == "fp32"


def test_outside_of_the_fused_kernels_bf16_is_tf32():
    assert [Machine("cuda", name).unfused_precision for name in ("fp32", "tf32", "bf16")] == ["fp32", "tf32", "tf32"]


def test_threads_are_those_of_the_kernels():
    before = get_num_threads()
    try:
        assert Machine.choose("cpu", threads=3).threads == 3 == get_num_threads()
        assert Machine().threads == 3
    finally:
        set_num_threads(before)


def test_every_problem_is_reported_with_its_remedy(gpu):
    gpu(7, 5)
    assert machine_problems("cuda", "fp32") == machine_problems("cuda", "auto") == []
    (problem,) = machine_problems("cuda", "bf16")
    assert problem.startswith(
        'precision "bf16": this needs a GPU of compute capability 8.0 or newer, this one has 7.5; '
    )
    (problem,) = machine_problems("cpu", "tf32")
    assert problem == 'precision "tf32": the CPU computes only in fp32; give fp32, or run on a GPU, device "cuda".'
    with pytest.raises(UserError, match="only in fp32"):
        Machine.choose("cpu", "bf16")
    with pytest.raises(UserError, match='precision "half" is not known; choose one of auto, fp32, tf32, bf16'):
        minunet.load_model("no-file", precision="half")


def test_a_device_that_is_not_there_is_one_of_the_problems(monkeypatch):
    def missing(device):
        raise UserError("no GPU")

    monkeypatch.setattr(backend, "resolve_device", missing)
    assert machine_problems("cuda", "bf16") == ["no GPU"]
    assert len(machine_problems("cuda", "half")) == 2
