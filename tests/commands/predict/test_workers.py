"""`python -m minunet.predict --workers`: processes that share the images write the same files, also where one is killed."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from minunet import UNet
from minunet.checkpoints.model_writing import write_model
from minunet.data.reading.preprocessing import Preprocessing
from minunet.files.atomic_write import TEMPORARY
from minunet.runs.report_file import REPORT
from minunet.workers.process_workers import ProcessWorkers
from tests.commands.predict.prediction_folders import run, written

linux = pytest.mark.skipif(
    not Path("/proc/self/task").is_dir(), reason="the system does not list the children of a process"
)


def contents(folder):
    """The bytes of every file in a folder but the report, which has the time in it."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != REPORT
    }


def without_workers(printed):
    """What a command has printed, but for the line that says how many workers it has."""
    return "".join(line for line in printed.splitlines(True) if not line.startswith("workers "))


def children(process):
    """The numbers of the processes that a process has started."""
    tasks = Path(f"/proc/{process.pid}/task").glob("*/children")
    return [int(number) for task in tasks for number in task.read_text().split()]


def begin(*arguments, folder):
    """The command in a process of its own."""
    command = [sys.executable, "-m", "minunet.predict", *map(str, arguments)]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_for(condition, process):
    """Wait until something is so; fails where the process has ended before."""
    while not condition():
        assert process.poll() is None, process.communicate()


@pytest.mark.ci
def test_the_files_do_not_depend_on_the_number(cell_model, folder, tmp_path, capsys):
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 256, (50, 70, 3), np.uint8)).save(folder / "noise.png")
    (folder / "none_at_all.png").write_bytes(b"")
    printed = {}
    for count in (1, 2, 3):
        assert run(cell_model, folder, "--out", f"out{count}", "--workers", count, "--no-report") == 1
        output = capsys.readouterr()
        assert (f"workers   {count} processes, one thread each\n" in output.out) == (count > 1)
        printed[count] = [without_workers(text.replace(f"out{count}", "out")) for text in output]
    assert printed[1] == printed[2] == printed[3]
    assert "1 of 5 images failed" in printed[1][1]
    assert contents(tmp_path / "out1") == contents(tmp_path / "out2") == contents(tmp_path / "out3")
    assert len(contents(tmp_path / "out1")) == 4 * 6 + 3


@pytest.mark.ci
def test_auto_shares_long_work(cell_model, folder, tmp_path, monkeypatch, capsys):
    assert run(cell_model, folder, "--out", "alone", "--workers", "1", "--no-report") == 0
    alone = capsys.readouterr().out.replace("alone", "out")
    monkeypatch.setattr("minunet.runs.image_costs.EVERY_IMAGE", 60.0)  # seconds
    monkeypatch.setattr("minunet.runs.worker_choice.get_num_threads", lambda: 2)
    assert run(cell_model, folder, "--out", "out", "--no-report") == 0
    output = capsys.readouterr().out
    assert "workers   2 processes, one thread each\n" in output
    assert without_workers(output) == alone
    assert contents(tmp_path / "out") == contents(tmp_path / "alone")


def test_auto_starts_no_process_for_a_few_small_images(cell_model, folder, monkeypatch, capsys):
    monkeypatch.setattr("minunet.runs.worker_choice.get_num_threads", lambda: 8)
    monkeypatch.setattr(ProcessWorkers, "run", lambda *arguments: pytest.fail("a process is started"))
    assert run(cell_model, folder, "--out", "out", "--no-report", "--workers", "auto") == 0
    assert "workers" not in capsys.readouterr().out


@pytest.mark.ci
@linux
def test_a_worker_that_is_killed_loses_no_image(cell_model, folder, tmp_path):
    for number in range(12):
        (folder / f"copy{number}.png").write_bytes((folder / "three.png").read_bytes())
    assert run(cell_model, folder, "--out", "whole", "--no-report") == 0
    process = begin(cell_model, folder, "--out", "out", "--workers", 2, "--no-report", folder=tmp_path)
    wait_for(lambda: list((tmp_path / "out").glob("*_mask.png")), process)
    for number in children(process)[:1]:
        os.kill(number, signal.SIGKILL)
    _, errors = process.communicate()
    assert process.returncode == 0, errors
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")


@pytest.mark.ci
@linux
@pytest.mark.parametrize("times", [1, 2])
def test_ctrl_c_ends_all(cell_model, folder, tmp_path, times):
    for number in range(40):
        (folder / f"copy{number}.png").write_bytes((folder / "three.png").read_bytes())
    process = begin(cell_model, folder, "--out", "out", "--workers", 2, "--no-report", folder=tmp_path)
    wait_for(lambda: list((tmp_path / "out").glob("*_mask.png")), process)
    workers = children(process)
    for _ in range(times):
        process.send_signal(signal.SIGINT)
    _, errors = process.communicate()
    assert process.returncode == 130, errors
    assert not [number for number in workers if Path(f"/proc/{number}").exists()]
    assert not [name for name in os.listdir(tmp_path / "out") if TEMPORARY.fullmatch(name)]
    # What is done is whole, and what is left is done by the next command.
    assert run(cell_model, folder, "--out", "out", "--skip-existing", "--no-report", "--workers", 2) == 0
    assert run(cell_model, folder, "--out", "whole", "--no-report") == 0
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")


def test_images_that_no_table_has_are_predicted_again(cell_model, folder, tmp_path):
    assert run(cell_model, folder, "--out", "out") == 0
    table = tmp_path / "out" / "images.csv"
    whole = contents(tmp_path / "out")
    table.write_text("".join(line for line in table.read_text().splitlines(True) if not line.startswith("one,")))
    assert run(cell_model, folder, "--out", "out", "--skip-existing") == 0
    assert contents(tmp_path / "out") == whole


def test_a_gpu_has_one_process(model, smears, monkeypatch, capsys):
    monkeypatch.setattr("minunet.inference.loaded_model.LoadedModel.device", "cuda")
    assert run(model, smears, "--workers", 2) == 2
    assert "--workers 2: a GPU works for one process at a time" in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize("size", [None, (16, 12)])
def test_batches(tmp_path, monkeypatch, capsys, size):
    monkeypatch.chdir(tmp_path)
    network = UNet(base_channels=2, depth=1, rng=np.random.default_rng(0))
    model = write_model(tmp_path / "model.safetensors", network, Preprocessing(size=size))
    rng = np.random.default_rng(0)
    (tmp_path / "images").mkdir()
    for name, shape in (("a", (20, 30)), ("b", (20, 30)), ("c", (9, 30)), ("d", (20, 30)), ("e", (25, 40))):
        Image.fromarray(rng.integers(0, 256, shape, np.uint8)).save(tmp_path / "images" / f"{name}.png")
    (tmp_path / "images" / "bad.png").write_text("not a picture")
    sizes = []
    call = UNet.__call__
    monkeypatch.setattr(UNet, "__call__", lambda self, x: sizes.append(x.shape[0]) or call(self, x))
    assert run(model, "images", "--out", "out", "--batch-size", 3) == 1
    assert "1 of 6 images failed" in capsys.readouterr().err
    assert sizes == ([2, 1, 1, 1] if size is None else [2, 3])
    assert run(model, "images", "--out", "single") == 1
    assert written(tmp_path / "out") == written(tmp_path / "single")
    for name in "abcde":
        one, other = (
            np.asarray(Image.open(tmp_path / folder / f"{name}_probability.png"), int) for folder in ("out", "single")
        )
        assert abs(one - other).max() <= 1
