"""`python -m minunet`: every command is listed and reached by its name, and a mistyped name is answered with the closest one."""

import importlib
import subprocess
import sys

import pytest

from minunet.__main__ import COMMANDS, main


def test_without_arguments_lists_every_command_within_80_columns(capsys):
    assert main([]) == 0
    lines = capsys.readouterr().out.splitlines()
    for name in COMMANDS:
        assert any(line.startswith(f"  {name} ") for line in lines)
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize("flag", ["-h", "--help", "help"])
def test_help_lists_them_too(flag, capsys):
    assert main([flag]) == 0
    assert "predict" in capsys.readouterr().out


def test_version(capsys):
    from minunet.version import __version__

    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"minunet {__version__}\n"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_a_module_and_its_help(name, capsys):
    assert callable(importlib.import_module(f"minunet.{name}").main)
    with pytest.raises(SystemExit) as exit_:
        main([name, "--help"])
    assert exit_.value.code == 0
    assert "usage:" in capsys.readouterr().out


@pytest.mark.parametrize(("typed", "meant"), [("trian", "train"), ("Evaluate", "evaluate"), ("prediction", "predict")])
def test_unknown_command_names_the_closest(typed, meant, capsys):
    assert main([typed]) == 2
    error = capsys.readouterr().err
    assert f"'{typed}' is not a command" in error
    assert f"did you mean '{meant}'?" in error


def test_unknown_command_like_no_other_names_them_all(capsys):
    assert main(["xyzzy"]) == 2
    error = capsys.readouterr().err
    assert "did you mean" not in error
    assert all(name in error for name in COMMANDS)


def test_arguments_and_exit_code_pass_through(monkeypatch):
    seen = []
    module = importlib.import_module("minunet.predict")
    monkeypatch.setattr(module, "main", lambda argv: seen.append(argv) or 7)
    assert main(["predict", "model", "a.png", "--threshold", "0.3"]) == 7
    assert seen == [["model", "a.png", "--threshold", "0.3"]]


def test_runs_as_a_module():
    run = subprocess.run([sys.executable, "-m", "minunet", "trai"], capture_output=True, text=True, timeout=60)
    assert run.returncode == 2
    assert "did you mean 'train'?" in run.stderr
    assert "Traceback" not in run.stderr
