"""A folder that another process writes to: every command refuses it and changes nothing; a new folder belongs to one run only."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from minunet import UNet, compare, evaluate, paper, predict, show, synthesize, train
from minunet.checkpoints.model_writing import write_model
from minunet.data.reading.preprocessing import Preprocessing
from minunet.files.lock import FolderLock
from minunet.runs import train_flags
from tests.discs import write_discs

TINY = ["--size", "16", "--base-channels", "2", "--depth", "1", "--epochs", "1", "--device", "cpu"]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with data/ and a run on it."""
    root = tmp_path_factory.mktemp("made")
    write_discs(root / "data", 4, (24, 20), squared_radius=25)
    write_model(root / "model.safetensors", UNet(base_channels=2, depth=1), Preprocessing(size=(16, 16)))
    assert train.main([str(root / "data"), "--out", str(root / "run"), *TINY]) == 0
    return root


def files(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


COMMANDS = {
    "train": (train, ["data", "--out", "out", *TINY]),
    "train without data": (train, ["--out", "out", *TINY]),
    "train --resume": (train, ["--resume", "run", "--epochs", "2"]),
    "predict": (predict, ["model.safetensors", "data/images", "--out", "out"]),
    "predict --overwrite": (predict, ["model.safetensors", "data/images", "--out", "out", "--overwrite"]),
    "evaluate": (evaluate, ["model.safetensors", "data", "--out", "out"]),
    "compare": (compare, ["data/masks", "data/masks", "--out", "out"]),
    "show": (show, ["model.safetensors", "data/images/cell0.png", "--out", "out"]),
    "paper": (paper, ["data", "--out", "out"]),
    "synthesize": (synthesize, ["out", "--count", "1", "--size", "32"]),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_folder_in_use_is_refused_and_nothing_changes(name, made, monkeypatch, capsys):
    monkeypatch.chdir(made)
    command, arguments = COMMANDS[name]
    folder = made / ("run" if "--resume" in arguments else "out")
    with FolderLock(folder):
        before = files(made)
        assert command.main(arguments) == 2
        said = capsys.readouterr()
        assert f"error: {folder.name} is in use by process " in said.err
        assert files(made) == before
    assert not (made / "out").exists()


@pytest.mark.parametrize("name", ["train", "predict", "evaluate", "compare", "show", "paper"])
def test_what_another_process_wrote_until_now_is_noticed(name, made, tmp_path, monkeypatch, capsys):
    """It had the lock while this one read its arguments."""
    monkeypatch.chdir(made)
    command, arguments = COMMANDS[name]
    arguments = [str(tmp_path / "out") if argument == "out" else argument for argument in arguments]
    written = ("config.json", "metrics.json", "lab.json", "comparison.json", "cell0_mask.png", "layers.png")
    plain = FolderLock._make_folder

    def ends(self):
        plain(self)
        for name in written:
            (self.folder / name).write_text("{}")

    monkeypatch.setattr(FolderLock, "_make_folder", ends)
    assert command.main(arguments) == 2
    assert str(tmp_path / "out") in capsys.readouterr().err
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(written)


@pytest.mark.parametrize("command", [train, predict])
def test_two_that_begin_in_the_same_second_get_folders_of_their_own(command, made, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("minunet.files.folders.time.strftime", lambda form: "now")
    arguments = {
        train: [str(made / "data"), *TINY],
        predict: [str(made / "model.safetensors"), str(made / "data" / "images" / "cell0.png")],
    }[command]
    parent = tmp_path / {train: "runs", predict: "predictions"}[command]
    # Another process makes its folder after this one has looked for a free name.
    plain = FolderLock.__enter__

    def enter(self):
        self.folder.mkdir(parents=True)
        return plain(self)

    monkeypatch.setattr(FolderLock, "__enter__", enter)
    assert command.main(arguments) == 0
    assert list((parent / "now").iterdir()) == []
    written = {path.name for path in (parent / "now-2").iterdir()}
    assert ("history.csv" in written) if command is train else ("cell0_mask.png" in written)
    assert ".minunet.lock" not in written


def test_without_a_name_the_folder_is_nobody_elses(monkeypatch):
    assert train_flags.read(TINY).fresh
    assert not train_flags.read([*TINY, "--out", "somewhere"]).fresh
    assert replace(train_flags.read(TINY), fresh=False).problems == []


@pytest.mark.ci
def test_of_real_processes_on_one_folder_one_trains(made, tmp_path):
    arguments = [sys.executable, "-m", "minunet.train", str(made / "data"), "--out", str(tmp_path / "run"), *TINY]
    pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
    processes = [subprocess.Popen(arguments, **pipes) for _ in range(3)]
    said = [process.communicate()[1] for process in processes]
    assert sorted(process.returncode for process in processes) == [0, 2, 2]
    refusals = [text for text in said if text]
    assert len(refusals) == 2 and all("is in use by" in text or "already holds a run" in text for text in refusals)
    assert len((tmp_path / "run" / "history.csv").read_text().splitlines()) == 2


def killed_in(folder):
    """Leave a folder as a process does that is killed while it holds the folder."""
    code = "import os, sys; from minunet.files.lock import FolderLock; FolderLock(sys.argv[1]).__enter__(); os._exit(1)"
    subprocess.run([sys.executable, "-c", code, str(folder)])


def test_compare_says_that_it_takes_over_the_folder_of_a_killed_process(made, tmp_path, capsys):
    masks, out = str(made / "data" / "masks"), tmp_path / "out"
    killed_in(out)
    assert compare.main([masks, masks, "--out", str(out)]) == 0
    assert f"note {out} was in use by process" in " ".join(capsys.readouterr().out.split())


def test_the_folder_of_a_killed_process_is_taken_over_and_swept(made, tmp_path, capsys):
    out = tmp_path / "out"
    killed_in(out)
    (out / ".cell0_mask.77.part.png").touch()
    Image.fromarray(np.zeros((9, 9), np.uint8)).save(tmp_path / "cell0.png")
    assert predict.main([str(made / "model.safetensors"), str(tmp_path / "cell0.png"), "--out", str(out)]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert f"note {out} was in use by process" in said
    assert all(not path.name.startswith(".") for path in out.iterdir())
    assert len(list(out.glob("cell0_*"))) == 6
