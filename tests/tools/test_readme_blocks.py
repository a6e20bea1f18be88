"""The README's two blocks of commands, which CI takes out of it: one installs and trains, the other runs the tests."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def block(number, file="README.md"):
    command = [sys.executable, "tools/readme_blocks.py", file, str(number)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(("number", "last"), [(1, "python -m minunet.train"), (2, "python -m pytest -n auto")])
def test_each_block_sets_up_an_environment_and_ends_with_its_command(number, last):
    lines = block(number).stdout.splitlines()
    assert lines[:2] == ["python3 -m venv .venv", ". .venv/bin/activate"]
    assert lines[-1] == last


def test_there_is_no_third_block():
    run = block(3)
    assert (run.returncode, run.stdout, run.stderr) == (2, "", "README.md has 2 sh blocks, not 3\n")
