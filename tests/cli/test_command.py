"""What every command shares: its exit codes, and printing to a terminal, a pipe, a full disk, or nothing at all."""

import os
import subprocess
import sys

import pytest

from minunet.cli.command import command
from minunet.errors import UserError

PROGRAM = """\
import sys
from minunet.cli.command import command
from minunet.errors import UserError

@command
def main(argv=None):
    {body}
    return 0

sys.exit(main())
"""


def run(body, *, environment=None, **streams):
    """The finished process of a command with that body."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONUNBUFFERED"} | (environment or {})
    return subprocess.run(
        [sys.executable, "-c", PROGRAM.format(body=body)], env=environment, stderr=subprocess.PIPE, text=True, **streams
    )


@pytest.mark.parametrize("name", ["größe 血球", os.fsdecode(b"gr\xfcn")])
def test_a_name_that_the_output_cannot_hold_is_escaped(name):
    done = run(f"print({name!r})", environment={"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}, stdout=subprocess.PIPE)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == name.encode("ascii", "backslashreplace").decode() + "\n"


def unread():
    """The writing end of a pipe whose reader is gone."""
    reading, writing = os.pipe()
    os.close(reading)
    return os.fdopen(writing, "wb")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such pipes")
def test_a_reader_that_is_gone_before_the_end_leaves_141_and_no_noise():
    with unread() as pipe:
        done = run("print('a', flush=True)", stdout=pipe)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such pipes")
@pytest.mark.parametrize(
    ("body", "code"), [("print('a')", 0), ("print('a'); return 7", 7), ("print('a'); sys.exit(0)", 0)]
)
def test_a_reader_that_is_gone_once_all_is_done_changes_nothing(body, code):
    with unread() as pipe:
        done = run(body, stdout=pipe)
    assert (done.returncode, done.stderr) == (code, "")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such pipes")
def test_mistakes_are_told_though_nobody_reads_the_output():
    with unread() as pipe:
        done = run("print('a'); raise UserError('b')", stdout=pipe)
    assert (done.returncode, done.stderr) == (2, "error: b\n")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no /dev/full")
def test_an_output_that_cannot_be_written_is_told():
    with open("/dev/full", "wb") as full:
        done = run("print('a')", stdout=full)
    assert done.returncode == 1
    assert done.stderr == "error: what was printed could not be written (No space left on device); free some space.\n"


@pytest.mark.parametrize(
    ("said", "shown"), [((), ""), (("Unable to allocate 671. GiB",), " (Unable to allocate 671. GiB)")]
)
def test_too_little_memory_is_a_sentence(said, shown, capsys):
    @command
    def main(argv=None):
        raise MemoryError(*said)

    assert main() == 2
    assert capsys.readouterr().err.startswith(f"error: there is not enough memory{shown}; try smaller images")


def test_without_an_output_a_command_works_as_with_one(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)

    @command
    def main(argv=None):
        print("a")
        sys.stdout.flush()
        if argv:
            raise UserError("b")
        return 3

    try:
        assert main() == 3
        assert main(["x"]) == 2
        assert not sys.stderr.isatty()
    finally:
        sys.stdout.close()
        sys.stderr.close()
