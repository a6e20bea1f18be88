"""When a training in one process is told that two processes are faster, and with which command."""

from dataclasses import replace

import pytest

from minunet.fused.step_plan import StepPlan
from minunet.kernels.machine import Machine
from minunet.runs import process_advice as module
from minunet.runs.process_advice import process_advice
from minunet.runs.train_config import TrainConfig

SMALL = TrainConfig(data="smears", size=(96, 64), base_channels=16, batch_size=9)
TWO_CORES = StepPlan(Machine("cpu", threads=2))


@pytest.fixture(autouse=True)
def mpi_is_installed(monkeypatch):
    monkeypatch.setattr(module, "launcher", lambda: "/bin/mpiexec")
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda name: name)


def test_the_sentence_has_the_command():
    assert process_advice(SMALL, TWO_CORES, "python -m minunet.train smears --size 96x64 --out 'my run'") == [
        "images of 96x64 train faster in two processes: "
        "mpiexec -n 2 python -m minunet.train smears --size 96x64 --out 'my run' --micro-batch 5"
    ]
    (cropped,) = process_advice(replace(SMALL, size=None, crop=64), TWO_CORES, "train")
    assert cropped.startswith("images of 64x64")


@pytest.mark.parametrize(
    "changes",
    [
        {"size": (512, 192)},
        {"size": (32, 32)},
        {"base_channels": 4},
        {"size": (64, 64), "base_channels": 64},
        {"batch_size": 4},
        {"micro_batch": 3},
        {"recompute": True},
    ],
)
def test_nothing_is_said_where_it_is_not_known_to_be_faster(changes):
    assert process_advice(replace(SMALL, **changes), TWO_CORES, "train") == []


@pytest.mark.parametrize("machine", [Machine("cpu", threads=1), Machine("cuda", threads=2)])
def test_nothing_is_said_on_one_core_or_a_gpu(machine):
    assert process_advice(SMALL, StepPlan(machine), "train") == []


@pytest.mark.parametrize(
    ("has_launcher", "has_package", "remedy"),
    [
        (False, True, "(after: python -m pip install 'minunet[mpi]' mpich)"),
        (False, False, "(after: python -m pip install 'minunet[mpi]' mpich)"),
        (True, False, "(after: python -m pip install 'minunet[mpi]')"),
    ],
)
def test_what_is_missing_is_said(has_launcher, has_package, remedy, monkeypatch):
    monkeypatch.setattr(module, "launcher", lambda: "/bin/mpiexec" if has_launcher else None)
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda name: name if has_package else None)
    (sentence,) = process_advice(SMALL, TWO_CORES, "train")
    assert sentence.endswith(remedy)
