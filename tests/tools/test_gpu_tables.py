"""The tables of docs/gpu.md are what the tool makes of the committed figures, with a column for each kind of kernel measured."""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tools")]  # neither benchmarks nor tools are installed

from gpu_tables import COLUMNS, TABLES  # noqa: E402

from benchmarks.gpu import steps as gpu_steps  # noqa: E402
from minunet.kernels.cuda.gpu_launcher import SM_90A  # noqa: E402

SHAPE = (16, 256, 256, 1)
MACHINE = {"commit": "abc", "packages": {"numpy": "2", "cupy-cuda12x": "14.2.0", "torch": "2.11.0"}}


def save(folder, name="gpu_some", gpu="Some GPU", machine=MACHINE, **parts):
    figures = {"gpu": gpu, "multiprocessors": 132, "stood_in_for": [], **parts}
    content = {"command": "python -m benchmarks.gpu", "machine": machine, "figures": figures}
    (folder / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")


def measured(ms, gib=1.0):
    return {"ms": ms, "bytes": gib * 2**30}


def lines(folder):
    return TABLES.tables(folder).splitlines()


@pytest.fixture
def written(monkeypatch):
    """What `benchmarks.gpu.steps` writes of made-up times; called with PyTorch's modes and kinds of our kernels."""
    pool = SimpleNamespace(free_all_blocks=lambda: None)
    monkeypatch.setitem(sys.modules, "cupy", SimpleNamespace(get_default_memory_pool=lambda: pool))

    def ours(training):
        def measure(shape, precision, rounds):
            ms = {"bf16": 20.0, "tf32": 50.0}[precision] - (4.0 if os.environ[SM_90A] == "1" else 0.0)
            return measured(ms if training else ms / 4, 2.0)

        return measure

    def torchs(shape, mode, training, rounds):
        ms = {"eager tf32": 40.0, "amp bf16 channels_last": 18.0}.get(mode, 13.0)
        return measured(ms if training else ms / 3, 3.0)

    monkeypatch.setattr(gpu_steps, "our_step", ours(True))
    monkeypatch.setattr(gpu_steps, "our_inference", ours(False))
    monkeypatch.setattr(gpu_steps, "_torch", torchs)
    return lambda modes, sm_90a: gpu_steps.steps(SHAPE, modes=modes, sm_90a=sm_90a)


def test_the_page_has_the_tables_of_the_committed_figures():
    text = (ROOT / "docs" / "gpu.md").read_text(encoding="utf-8")
    assert TABLES.replace_in(text, TABLES.tables()) == text


def test_one_kind_of_kernels_has_no_column_of_the_other(tmp_path, written):
    save(tmp_path, **{f"step {SHAPE}": written(gpu_steps.TORCH_MODES[:2], (False,))})
    assert lines(tmp_path) == [
        "| Some GPU | minunet bf16 | PyTorch AMP bf16 | minunet tf32 | PyTorch eager tf32 |",
        "| --- | --- | --- | --- | --- |",
        "| training step, 16 x 256x256 | 20.0 ms | **18.0 ms** | 50.0 ms | **40.0 ms** |",
        "| inference, 16 x 256x256 | **5.0 ms** | 6.0 ms | **12.5 ms** | 13.3 ms |",
        "| device memory of the step, 16 x 256x256 | **2.00 GiB** | 3.00 GiB | **2.00 GiB** | 3.00 GiB |",
        "",
        "| minunet's time / PyTorch's | kernels of | PyTorch AMP bf16 | PyTorch eager tf32 |",
        "| --- | --- | --- | --- |",
        "| training step, 16 x 256x256 | sm_80 | 1.11 | 1.25 |",
        "| inference, 16 x 256x256 | sm_80 | **0.83** | **0.94** |",
        "",
        "`python -m benchmarks.gpu` on Some GPU, 132 multiprocessors; CuPy 14.2.0, PyTorch 2.11.0, at abc.",
    ]


def test_both_kinds_of_kernels_and_every_mode_of_pytorch_have_a_column(tmp_path, written):
    plain, compiled = gpu_steps.TORCH_MODES[:-1], gpu_steps.TORCH_MODES[-1:]
    again = written(compiled, (False, True))
    for name in ("ours bf16", "ours tf32"):
        again[name] = measured(1.0)  # measured again with compiled PyTorch; the first value is shown
    parts = {f"step {SHAPE}": written(plain, (False,)), f"step sm_90a {SHAPE}": written(plain, (True,))}
    save(tmp_path, **parts, **{f"step compiled {SHAPE}": again})
    head, _, step, inference, memory, *_ = lines(tmp_path)
    assert head == "| Some GPU | " + " | ".join(COLUMNS.values()) + " |"
    assert step.endswith("| 20.0 ms | 16.0 ms | 18.0 ms | **13.0 ms** | 50.0 ms | 46.0 ms | **40.0 ms** |")
    assert inference.endswith("| 5.0 ms | **4.0 ms** | 6.0 ms | 4.3 ms | 12.5 ms | **11.5 ms** | 13.3 ms |")
    assert memory.count("**2.00 GiB**") == 4 and memory.count("| 3.00 GiB") == 3


def test_what_was_not_measured_is_blank_and_failures_are_listed(tmp_path):
    """Ratios, layers and skipped parts make no cells; where only one contestant was measured, nothing is bold."""
    step = {
        "floor_ms_bf16": 7.3,
        "ours bf16": measured(20.0),
        "ours bf16 of torch amp bf16 channels_last": {"ms": 1.1, "bytes": 0.8},
        "torch inference eager tf32": measured(9.0),
        "failed": ["ours tf32: OSError: no `memory`\nat all", "torch eager tf32: OSError: none"],
    }
    save(
        tmp_path,
        sm_90a={"skipped": "this GPU is sm_80"},
        layers={"rows": [{"layer": "l", "kernels": "sm_80", "ms": 1.0}], "failed": []},
        **{f"step {SHAPE}": step, "step compiled (8, 512, 512, 1)": {"failed": ["not run, because the time was up"]}},
    )
    assert lines(tmp_path) == [
        "| Some GPU | minunet bf16 | PyTorch eager tf32 |",
        "| --- | --- | --- |",
        "| training step, 16 x 256x256 | 20.0 ms |  |",
        "| inference, 16 x 256x256 |  | 9.0 ms |",
        "| device memory of the step, 16 x 256x256 | 1.00 GiB |  |",
        "",
        "`python -m benchmarks.gpu` on Some GPU, 132 multiprocessors; CuPy 14.2.0, PyTorch 2.11.0, at abc.",
        "",
        f"Failed: step {SHAPE}: `ours tf32: OSError: no 'memory'` and 1 more.",
        "",
        "Failed: step compiled (8, 512, 512, 1): `not run, because the time was up`.",
    ]


def test_a_contestant_without_a_title_has_its_own_name(tmp_path):
    """Everything that was measured is shown."""
    save(tmp_path, **{f"step {SHAPE}": {"torch eager tf32 compiled": measured(30.0), "ours tf32": measured(50.0)}})
    assert lines(tmp_path)[0] == "| Some GPU | minunet tf32 | torch eager tf32 compiled |"
    assert lines(tmp_path)[2].endswith("| 50.0 ms | **30.0 ms** |")


def test_every_gpu_has_its_table_and_other_figures_have_none(tmp_path):
    (tmp_path / "older").mkdir()
    for folder, name in ((tmp_path, "b"), (tmp_path, "a"), (tmp_path / "older", "c")):
        save(folder, f"gpu_{name}", gpu=f"GPU {name}", **{f"step {SHAPE}": {"ours bf16": measured(20.0)}})
    save(tmp_path, "gpu_kernels", gpu="of kernels only", kernels={"passed": {}, "failed": []})
    (tmp_path / "gpu_bfloat16.json").write_text('{"figures": {"dice": {}}}')
    tables = TABLES.tables(tmp_path)
    assert [line.split(" |")[0] for line in tables.splitlines() if "| minunet" in line] == [
        "| GPU a",
        "| GPU b",
        "| GPU c",
    ]
    assert "Of the folder `older`:\n\n| GPU c" in tables and "kernels only" not in tables


def test_without_pytorch_the_source_says_so(tmp_path):
    machine = {"commit": "abc", "packages": {"numpy": "2", "cupy-cuda13x": "15"}}
    save(tmp_path, machine=machine, **{f"step {SHAPE}": {"ours bf16": measured(20.0)}})
    assert lines(tmp_path)[-1].endswith("; CuPy 15, PyTorch absent, at abc.")


def test_the_script_prints_them_from_any_working_folder(tmp_path):
    command = [sys.executable, str(ROOT / "tools" / "gpu_tables.py")]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == TABLES.tables()
