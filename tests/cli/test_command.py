"""What every command shares: its exit codes, and printing to a terminal, a pipe, a full disk, or nothing at all."""

import errno
import os
import subprocess
import sys

import pytest

from minunet.cli.command import command, report
from minunet.errors import UserError

PROGRAM = """\
import sys
from minunet.cli.command import command, report
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


LIMITED = [
    ("import numpy; numpy.empty(1 << 40)", "there is not enough memory (Unable to allocate 8.00 TiB"),
    ("bytearray(1 << 40)", "there is not enough memory; try smaller images"),
    ("import mmap; mmap.mmap(-1, 1 << 40)", "there is not enough memory ([Errno 12] Cannot allocate memory)"),
    ("import threading; threading.Thread(target=print).start()", "the system refuses to start another thread"),
    (
        "from minunet.data.reading.file_workers import map_files; map_files(abs, [1])",
        "the system refuses to start another",
    ),
    (
        "from minunet.kernels.cpu import threads; threads.set_num_threads(2); threads.parallel(abs, [1, 2])",
        "the system refuses to start another thread; raise the limits",
    ),
    ("files = [open('/dev/null') for _ in range(99)]", "too many files are open ([Errno 24] Too many open files"),
]


@pytest.mark.skipif(sys.platform != "linux", reason="the limits of other systems differ")
@pytest.mark.parametrize(("body", "said"), LIMITED)
def test_a_limit_of_the_system_is_a_sentence(body, said):
    limit = "import numpy, resource, threading; resource.setrlimit(resource.RLIMIT_AS, (1 << 36, 1 << 36)); "
    limit += "resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64)); threading.stack_size(1 << 38); "
    done = run(limit + body)
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: {said}")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "error", [RuntimeError("a"), OSError(5, "b"), ImportError("No module named 'c'"), RecursionError("d")]
)
def test_other_errors_are_not_taken_for_limits(error):
    @command
    def main(argv=None):
        raise error

    with pytest.raises(type(error)):
        main()


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ImportError("libx.so: failed to map segment from shared object"), "there is not enough memory to load"),
        (
            BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable"),
            "the system refuses to start another process",
        ),
    ],
)
def test_limits_that_are_hard_to_reach_in_a_test(error, said, capsys):
    @command
    def main(argv=None):
        raise error

    assert main() == 2
    assert capsys.readouterr().err.startswith(f"error: {said}")


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


def test_on_a_terminal_errors_are_folded_at_spaces_and_in_a_file_they_are_one_line(monkeypatch, capsys):
    problem = "smears: no masks; give them: python -m minunet.train --images smears/photographs --masks smears/outlines-by-hand"
    report([problem, problem])
    assert capsys.readouterr().err.splitlines()[1:] == [f"  - {problem}"] * 2
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    report([problem, problem])
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 5 and max(map(len, lines)) <= 80
    assert " ".join(" ".join(lines[1:3]).split()) == f"- {problem}"
    assert lines[2].startswith("    ")
