"""What `python -m minunet.train` prints: the plan, the epochs, the test, a warning of memory, and its help."""

import re

import pytest

from minunet.runs.run_folder import CONTENTS
from minunet.runs.train_config import TrainConfig
from tests.commands.train.small_runs import TINY, interrupt, train


def test_small_images_are_said_to_train_faster_in_two_processes_but_not_to_a_run_that_is_resumed(
    discs, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr("minunet.runs.process_advice.VALUES", (1, 1_000_000))
    monkeypatch.setattr("minunet.kernels.cpu.threads._num_threads", 2)
    flags = [*TINY, "--batch-size", 8, "--epochs", 1, "--no-report"]
    assert train(discs, "--out", tmp_path / "run", *flags) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert said.count("train faster in two processes: mpiexec -n 2 python -m minunet.train") == 1
    assert "--no-report --micro-batch 4" in said
    train("--resume", tmp_path / "run")
    assert "two processes" not in capsys.readouterr().out


def test_what_is_said_fits_80_columns_and_names_what_matters(discs, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert train(discs, "--out", "run", *TINY) == 0
    said = capsys.readouterr()
    lines = said.out.splitlines()
    assert all(len(line) <= 80 for line in lines if str(discs) not in line)
    for text in (
        f"data      {discs}",
        "          8 pairs, all 24x20",
        "split     6 to train, 1 to validate, 1 to test (split.json)",
        "masks     two values, 8 bit; cell is 255; 16.4 % of the pixels",
        "input     grey, resized to 16x16; binary masks",
        "model     U-Net, paper variant, base 2, depth 1:",
        "          9 convolutions, 504 parameters",
        "target    cells: cell or not, and the distance to the border of each cell, which",
        "training  3 epochs of 3 steps, batches of 2,",
        "          light augmentation, wide lighting,",
        "          bce loss, Adam, onecycle rate up to 0.01, gradients up to 1, seed 0",
        "          run/curves.png",
        "use       python -m minunet.predict run/model.safetensors IMAGES --out DIR",
    ):
        assert text in lines
    assert re.search(r"^device    cpu, \d+ threads?$", said.out, re.M)
    assert re.search(r"^time      about \S+ an epoch, \S+ in all", said.out, re.M)
    assert re.search(r"^memory    at most (\d+ MB|\d+\.\d GB) at the peak \(an estimate from shapes\)$", said.out, re.M)
    assert re.search(r"^    3/3  0\.\d{4}.  0\.\d{4}  0\.\d{4}", said.out, re.M)
    assert re.search(r"^test      Dice 0\.\d{4} \(trivial: 0\.\d{4}\), IoU 0\.\d{4}, ", said.out, re.M)
    assert said.err == ""  # no terminal: no bar


def test_too_little_free_memory_is_said_before_the_first_step(discs, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("minunet.runs.run_messages.available_memory", lambda: 1e7)
    monkeypatch.setattr("minunet.runs.run_messages.resident_memory", lambda: 0.0)
    monkeypatch.setattr("minunet.runs.training_run.forecast", interrupt)
    assert train(discs, "--out", tmp_path / "run", *TINY) == 130
    said = " ".join(capsys.readouterr().out.split())
    assert (
        "warning this is more than the 10 MB that this machine or its container has left: --max-memory 10MB chooses"
        in said
    )


def test_help_teaches_the_groups_the_defaults_and_the_run_folder(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit) as leaving:
        train("--help")
    text = capsys.readouterr().out
    assert leaving.value.code == 0 and max(map(len, text.splitlines())) <= 80
    for part in ("data:", "network:", "training:", "(default 0.002)", "examples:", "the run folder:", *CONTENTS):
        assert part in text
    for field in TrainConfig.__dataclass_fields__:
        hidden = field in ("data", "activation", "pooling", "block_end_relu", "extended")
        hidden = hidden or field in ("reading", "image_range", "class_weights", "init_hash")  # from the data
        assert hidden or "--" + field.replace("_", "-") in text
