"""Paths that no file can have, or that are no files: one short sentence and exit code 2, for every command and argument."""

import os

import pytest

from minunet import evaluate, export, paper, predict, synthesize, train

LONG = "a" * 5000
COMMANDS = [
    (train, [LONG]),
    (train, ["--images", LONG, "--masks", "masks"]),
    (train, ["--images", "images", "--masks", LONG]),
    (train, ["--out", LONG]),
    (train, ["--resume", LONG]),
    (train, ["--resume", "--out", LONG]),
    (predict, [LONG, "image.png"]),
    (predict, ["model", LONG]),
    (predict, ["model", "image.png", "--out", LONG]),
    (evaluate, [LONG, "data"]),
    (evaluate, ["model", LONG]),
    (evaluate, ["model", "--images", LONG, "--masks", "masks"]),
    (evaluate, ["model", "--images", "images", "--masks", LONG]),
    (evaluate, ["model", "data", "--out", LONG]),
    (evaluate, ["model", "data", "--split", LONG]),
    (export, [LONG, "--onnx", "x.onnx"]),
    (export, ["pretrained", "--onnx", LONG]),
    (export, ["pretrained", "--onnx", "x.onnx", "--check", LONG]),
    (synthesize, [LONG]),
    (paper, [LONG]),
    (paper, ["--images", LONG, "--masks", "masks"]),
    (paper, ["--out", LONG]),
]


@pytest.mark.parametrize(("command", "arguments"), COMMANDS)
@pytest.mark.parametrize("name", [LONG, "a/" * 3000 + "a", "\ud800", "a\0b", "loop/a"])
def test_one_sentence_and_exit_code_2(command, arguments, name, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "loop").symlink_to("loop")
    assert command.main([name if argument == LONG else argument for argument in arguments]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert all(len(line) < 1200 for line in lines)
    about = [
        line for line in lines if "name is too long" in line or "can have such a name" in line or "in a circle" in line
    ]
    assert len(about) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["loop"]


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        (predict, ["pipe", "image.png"]),
        (predict, ["/dev/zero", "image.png"]),
        (evaluate, ["pipe", "data"]),
        (export, ["pipe", "--onnx", "x.onnx"]),
        (train, ["--resume", "run"]),
        (paper, ["--out", "study"]),
    ],
)
def test_a_pipe_or_a_device_in_the_place_of_a_file_is_not_waited_for(command, arguments, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe")
    for folder, file in (("run", "config.json"), ("study", "lab.json")):
        os.mkdir(folder)
        os.mkfifo(f"{folder}/{file}")
    assert command.main(arguments) == 2
    assert capsys.readouterr().err.startswith("error: ")
