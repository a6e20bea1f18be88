"""Ctrl-C during the imports of a command: no traceback; programs that import minunet are left alone."""

import os
import subprocess
import sys

import pytest

from minunet import startup
from minunet.cli.command import command

# A module that is imported early is interrupted, as by Ctrl-C.
INTERRUPTED = """\
import runpy, signal, sys
from importlib.abc import MetaPathFinder

class Finder(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == sys.argv_of_test[0]:
            if sys.argv_of_test[1] == "hidden":
                try:
                    raise KeyboardInterrupt
                except KeyboardInterrupt:
                    raise ImportError("cannot import numpy")
            signal.raise_signal(signal.SIGINT)

signal.signal(signal.SIGINT, signal.default_int_handler)
sys.argv_of_test = {arguments}
sys.meta_path.insert(0, Finder())
sys.argv, sys.orig_argv = {argv}, {orig_argv}
import minunet
"""


def interrupted(module, argv, orig_argv, how="plain"):
    program = INTERRUPTED.format(arguments=[module, how], argv=argv, orig_argv=orig_argv)
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)


@pytest.mark.parametrize("module", ["numpy", "minunet.functional", "minunet.nn.unet"])
@pytest.mark.parametrize(
    ("argv", "orig_argv"),
    [
        (["-m", "smears"], ["python", "-X", "dev", "-m", "minunet.train", "smears"]),
        (["-m"], ["python", "-mminunet"]),
        (["/usr/bin/minunet", "train"], ["python", "/usr/bin/minunet", "train"]),
    ],
)
def test_a_command_that_is_still_importing_ends_without_a_traceback(module, argv, orig_argv):
    done = interrupted(module, argv, orig_argv)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "\ninterrupted\n")


def test_also_where_an_import_made_another_error_of_it():
    done = interrupted("numpy", ["-m"], ["python", "-m", "minunet.train"], "hidden")
    assert (done.returncode, done.stderr) == (130, "\ninterrupted\n")


@pytest.mark.parametrize(
    ("argv", "orig_argv"),
    [
        (["program.py"], ["python", "program.py"]),
        (["-m"], ["python", "-m", "other"]),
        (["-m", "--model", "minunet.safetensors"], ["python", "-m", "other", "--model", "minunet.safetensors"]),
        (["-m", "minunet"], []),
        ([""], ["python"]),
        ([], ["python"]),
    ],
)
def test_a_program_gets_its_exception(argv, orig_argv):
    done = interrupted("numpy", argv, orig_argv)
    assert done.returncode not in (0, 130) and "KeyboardInterrupt" in done.stderr and "Traceback" in done.stderr


COLLECTED = """
import gc, sys
sys.argv, sys.orig_argv = {argv}
from minunet import startup
during = gc.isenabled()
startup.imports_are_done()
print(during, gc.isenabled(), gc.get_freeze_count() > 0)
"""


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        ((["-m"], ["python", "-m", "minunet.train"]), "False True True"),
        ((["program.py"], ["python", "program.py"]), "True True False"),
        ((["-m", "minunet"], ["python", "-m", "other", "minunet"]), "True True False"),
    ],
)
def test_no_garbage_is_collected_while_a_command_is_imported(argv, expected):
    code = COLLECTED.format(argv=argv)
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == expected


@pytest.mark.parametrize(
    ("argv", "given", "expected"),
    [
        ((["-m"], ["python", "-m", "minunet.train"]), None, "4"),
        ((["-m"], ["python", "-m", "minunet.train"]), "20", "20"),
        ((["program.py"], ["python", "program.py"]), None, "None"),
    ],
)
def test_the_threads_of_openblas_sleep_in_a_command(argv, given, expected):
    code = f"""
import os, sys
sys.argv, sys.orig_argv = {argv}
from minunet import startup
print(os.environ.get("OPENBLAS_THREAD_TIMEOUT"))
"""
    environment = {name: value for name, value in os.environ.items() if name != "OPENBLAS_THREAD_TIMEOUT"}
    environment |= {} if given is None else {"OPENBLAS_THREAD_TIMEOUT": given}
    found = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == expected


def test_a_command_collects_garbage_once_it_is_imported(monkeypatch):
    calls = []
    monkeypatch.setattr("minunet.cli.command.imports_are_done", lambda: calls.append("done"))
    assert command(lambda argv: 7)([]) == 7
    assert calls == ["done"]


def test_other_errors_are_shown_as_always(capsys):
    try:
        raise ValueError("a mistake in the program")
    except ValueError as error:
        startup.end_quietly(type(error), error, error.__traceback__)
    assert "ValueError: a mistake in the program" in capsys.readouterr().err
