"""Bad input to `python -m minunet.train`: every problem in one message, exit code 2, and nothing is written."""

import os
import shutil

import pytest

import minunet
from minunet.kernels import backend
from tests.commands.train.small_runs import TINY, problems, train, write_pairs


def test_everything_wrong_is_said_at_once_with_the_data_and_the_folder(discs, finished, tmp_path, capsys, monkeypatch):
    def no_gpu(device):
        raise minunet.errors.UserError('device "cuda" cannot be used: CuPy is not installed; install it')

    monkeypatch.setattr(backend, "resolve_device", no_gpu)
    broken = shutil.copytree(discs, tmp_path / "broken")
    (broken / "masks" / "cell3.png").unlink()
    (broken / "images" / "cell5.png").write_text("no picture")
    flags = [
        "--epochs",
        "0",
        "--lr",
        "-0.1",
        "--size",
        "0x5",
        "--loss",
        "mse",
        "--split",
        "0.9,0.2,0.1",
        "--group",
        "(",
    ]
    flags += ["--threshold", "2", "--device", "cuda"]
    assert train(broken, "--out", finished, *flags) == 2
    text = "\n".join(problems(capsys))
    for part in (
        "--epochs 0: must be at least 1",
        "--lr -0.1: must be greater than 0",
        "--size 0x5: width and height must be at least 1",
        "--loss mse: choose one of bce, dice, bce+dice",
        "--split 0.9,0.2,0.1: the shares add up to 1.2",
        "--group (: this is not a regular expression",
        "--threshold 2: must be from 0 to 1",
        "CuPy is not installed",
        f"{finished} already holds a run",
        "cell3.png",
        "cell5.png",
    ):
        assert part in text


def test_pairs_that_cannot_be_split_are_reported_with_the_rest(tmp_path, capsys):
    few = write_pairs(tmp_path / "few", count=2)
    assert train(few, "--out", tmp_path / "run", *TINY, "--epochs", 0) == 2
    first, second = problems(capsys)
    assert first.startswith("--epochs 0") and second.startswith("2 pairs found, but three are needed")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--size", "8x256", "--depth", "4"], "--size 8x256 is too small: --depth 4 halves it 4 times"),
        (["--crop", "8"], "--crop 8 is too small: --depth 4 halves it 4 times"),
        (["--crop", "64", "--size", "64x64"], "--size and --crop exclude each other"),
        (["--depth", "9"], "--depth 9: give a whole number from 1 to 8."),
        (["--threads", "none"], "--threads none: must be a whole number"),
        (["--split", "a,b"], "--split a,b: give shares for training, validation and test"),
        (["--no-such-flag"], "unknown argument: --no-such-flag"),
        (["--resume", "nowhere"], "nowhere: there is no such run folder to resume"),
        (["--resume", "."], "this folder holds no run (no config.json)"),
        (["--resume"], "--resume: name the run folder"),
        (["--resume", "a", "--out", "b"], "--out b and --resume a are different folders"),
    ],
)
def test_each_mistake_has_its_message(arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert train(*arguments) == 2
    assert any(message in problem for problem in problems(capsys))
    assert list(tmp_path.iterdir()) == []


def test_an_output_folder_that_cannot_be_written_is_refused_before_anything_is_done(discs, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert train(discs, "--out", tmp_path / "file" / "run", *TINY) == 2
    assert "is a file where a folder is needed" in problems(capsys)[0]


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="needs /proc, where nobody may write")
def test_a_folder_where_nobody_may_write_is_refused(discs, capsys):
    assert train(discs, "--out", "/proc/run", *TINY) == 2
    assert "--out /proc/run: /proc: nothing can be written there" in problems(capsys)[0]


def test_swapped_folders_and_an_empty_folder_are_refused(discs, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    assert train("--images", discs / "masks", "--masks", discs / "images", "--out", tmp_path / "run", *TINY) == 2
    assert "swapped" in " ".join(problems(capsys))
    assert train(tmp_path / "empty", "--out", tmp_path / "run", *TINY) == 2
    assert str(tmp_path / "empty") in problems(capsys)[0]
    assert not (tmp_path / "run").exists()


def test_a_precision_that_the_cpu_has_not_is_one_error(discs, tmp_path, capsys):
    for precision in ("tf32", "bf16"):
        assert train(discs, "--out", tmp_path / "run", "--device", "cpu", "--precision", precision) == 2
        (problem,) = problems(capsys)
        assert problem.startswith(f'precision "{precision}": the CPU computes only in fp32; give fp32')
    assert not (tmp_path / "run").exists()
