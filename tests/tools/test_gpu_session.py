"""The session on a GPU, rehearsed: the order of its parts, their time limits, what is saved, and what is compiled before."""

import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tools")]  # neither benchmarks nor tools are installed

import gpu_session  # noqa: E402
from gpu_session import PARTS, SessionPart, compile_all, measure, targets  # noqa: E402
from gpu_tables import TABLES  # noqa: E402

from benchmarks.gpu import __main__ as gpu  # noqa: E402
from benchmarks.gpu import tensorrt_inference, whole_runs  # noqa: E402
from benchmarks.gpu.device import Gpu  # noqa: E402
from benchmarks.gpu.limited_process import answer_of, run_limited  # noqa: E402
from minunet.kernels import dispatch  # noqa: E402
from minunet.kernels.cuda import program  # noqa: E402
from tests.cuda_on_cpu.checks import needs_compiler, needs_nvrtc  # noqa: E402
from tests.cuda_on_cpu.shim import cupy_on_cpu  # noqa: E402

ABOUT = {"gpu": "Some GPU", "multiprocessors": 132}


class Device(Gpu):
    """A device that is not there."""

    def __init__(self):
        self.name, self.multiprocessors = ABOUT.values()


def test_the_parts_are_those_of_the_benchmark():
    """Every part that the benchmark has, in another order; each fits into the fifteen minutes for which a GPU is lent."""
    assert sorted(part.name for part in PARTS) == sorted(name for name, _ in gpu.parts(None, sm_90a_checked=True))
    assert max(part.seconds for part in PARTS) <= 150 and PARTS[0].name == "sm_90a"


def test_each_part_is_saved_as_it_comes_and_makes_the_tables(tmp_path, capsys):
    seen = []

    def run(part, checked):
        saved = list(tmp_path.glob("*.json"))
        seen.append((part.name, checked, len(json.loads(saved[0].read_text())["figures"]) if saved else 0))
        times = {"ours bf16": {"ms": 9.0, "bytes": 2**30}} if part.name.startswith("step") else {}
        return {**times, "seconds": 1.0}

    assert measure(Device(), tmp_path, 1e4, PARTS, run) == 0
    assert [name for name, *_ in seen] == [part.name for part in PARTS]
    assert [checked for _, checked, _ in seen] == [False] + [True] * (len(PARTS) - 1)
    assert [count for *_, count in seen[1:]] == [len(ABOUT) + 1 + k for k in range(1, len(PARTS))]
    assert [path.name for path in tmp_path.iterdir()] == ["gpu_some_gpu.json"]
    table = TABLES.tables(tmp_path)
    assert "| training step, 16 x 256x256 | 9.0 ms |" in table and "`python tools/gpu_session.py` on Some GPU" in table
    assert "15 of 15 parts" in capsys.readouterr().out


def test_kernels_of_sm_90a_that_are_wrong_are_not_timed_and_the_rest_goes_on(tmp_path, capsys):
    def run(part, checked):
        assert not checked and not part.needs_sm_90a
        return {"failed": ["box: wrong"] if part.name == "sm_90a" else []}

    assert measure(Device(), tmp_path, 1e4, PARTS, run) == 1
    figures = json.loads((tmp_path / "gpu_some_gpu.json").read_text())["figures"]
    assert {name for name, part in figures.items() if isinstance(part, dict) and "skipped" in part} == {
        part.name for part in PARTS if part.needs_sm_90a
    }
    assert "FAILED box: wrong" in capsys.readouterr().out


def test_no_part_begins_that_could_end_too_late(tmp_path):
    ran = []
    parts = (SessionPart("sm_90a", 120), SessionPart("kernels", 60))
    assert measure(Device(), tmp_path, 100, parts, lambda part, checked: ran.append(part.name) or {}) == 1
    assert ran == ["kernels"]


def test_a_part_that_hangs_or_dies_is_a_failure(tmp_path):
    hanging = [sys.executable, "-c", "import time; time.sleep(60)"]
    assert "no answer" in answer_of(*run_limited(hanging, 0.1), 0.1)["failed"][0]
    dying = [sys.executable, "-c", "raise SystemExit(5)"]
    assert answer_of(*run_limited(dying, 60), 60)["failed"][0].startswith("exit status 5")
    assert (
        measure(
            Device(), tmp_path, 1e3, (SessionPart("kernels", 60),), lambda part, checked: answer_of(None, "", "", 60)
        )
        == 1
    )
    assert "no answer" in (tmp_path / "gpu_some_gpu.json").read_text()


def test_a_part_of_the_benchmark_prints_one_line_of_figures(monkeypatch, capsys):
    device = Device()
    monkeypatch.setattr(gpu, "conformance", lambda device: {"failed": []})
    assert gpu.one_part(device, "conformance", False) == 0
    answer = answer_of(0, capsys.readouterr().out, "", 9)
    assert answer["failed"] == [] and answer["seconds"] >= 0
    assert gpu.one_part(device, "nonsense", False) == 2
    assert gpu.one_part(device, f"step sm_90a {gpu.SHAPES[0]}", False) == 2  # not before they are found correct


def test_programs_are_compiled_for_what_they_run_on():
    made = {each.source: list(targets(each, ("sm_80", "sm_90"))) for each in program.programs()}
    assert made["sums.cu"] == ["sm_80", "sm_90"]
    assert made["hopper_convolution.cu"] == ["sm_90a"]
    assert list(targets(program._PROGRAMS["hopper_convolution.cu"], ("sm_80",))) == []


@needs_nvrtc
def test_what_was_compiled_is_what_the_launcher_looks_for(tmp_path, monkeypatch, capsys):
    made = program._PROGRAMS["sums.cu"]
    monkeypatch.setattr(gpu_session, "programs", lambda: (made,))
    assert compile_all(tmp_path, ("sm_90",)) == 0
    monkeypatch.setattr("minunet.kernels.cuda.compile._compile", lambda *args: pytest.fail("compiled again"))
    found = gpu_session.compile_program(made, "sm_90", tmp_path, (made.instances[0],))
    assert made.instances[0] in found.names and len(found.cubin) > 1000
    assert f"{len(made.instances)} kernels by NVRTC" in capsys.readouterr().out


def test_tensorrt_is_left_out_where_it_is_not_installed(monkeypatch):
    monkeypatch.setattr(tensorrt_inference.importlib.util, "find_spec", lambda name: None)
    assert "tensorrt and onnx" in tensorrt_inference.tensorrt_inference((1, 8, 8, 1), {})["skipped"]


@pytest.mark.ci
@needs_compiler
def test_whole_runs_on_the_host_shim(monkeypatch):
    settings = ("--size", "16x16", "--base-channels", "8", "--depth", "1", "--batch-size", "4", "--variant", "classic")
    settings += ("--target", "pixels", "--no-report")
    with dispatch.prefer("cuda"):
        cupy_on_cpu.install(monkeypatch)
        found = whole_runs.whole_runs(count=4, precisions=("tf32",), settings=settings, epochs=2, least=0.0)
    assert found["failed"] == []
    assert found["tf32"]["masks"] == 4 and 0 <= found["tf32"]["test_dice"] <= 1
