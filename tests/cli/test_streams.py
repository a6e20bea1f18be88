"""The streams of a command: a disk that is full, a terminal that is gone, and objects that are no terminals."""

import io
import sys

import pytest

from minunet.cli.command import command
from minunet.cli.console import FileProgressBar
from minunet.cli.streams import SteadyStream, is_terminal
from minunet.runs.callbacks import ProgressBar
from minunet.training.events import StartRecord, StepRecord


class Failing(io.StringIO):
    """A stream that takes nothing."""

    def __init__(self, error):
        super().__init__()
        self.error = error

    def write(self, text):
        raise self.error


class Bare:
    """A stream with nothing but `write`."""

    def __init__(self):
        self.text = ""

    def write(self, text):
        self.text += text


def test_what_a_full_disk_does_not_take_is_dropped_and_told_once(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdout", Failing(OSError(28, "No space left on device")))
    done = []

    @command
    def main(argv=None):
        for number in range(3):
            print(number, flush=True)
            done.append(number)
        return 0

    stream = sys.stdout
    assert main([]) == 1
    assert done == [0, 1, 2] and sys.stdout is stream
    message = "error: what was printed could not be written (No space left on device); free some space.\n"
    assert capsys.readouterr().err == message


def test_what_stderr_does_not_take_is_dropped(monkeypatch, capsys):
    for error in (OSError(28, "No space left on device"), BrokenPipeError(32, "Broken pipe")):
        monkeypatch.setattr(sys, "stderr", Failing(error))

        @command
        def main(argv=None):
            print("a", file=sys.stderr, flush=True)
            print("b")
            return 0

        assert main([]) == 0
        assert capsys.readouterr().out == "b\n"


def test_a_pipe_that_nobody_reads_still_ends_a_command(monkeypatch):
    monkeypatch.setattr(sys, "stdout", Failing(BrokenPipeError(32, "Broken pipe")))

    @command
    def main(argv=None):
        print("a")
        return 0

    assert main([]) == 141


def test_a_command_within_a_command_tells_once(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdout", Failing(OSError(5, "Input/output error")))
    inner = command(lambda argv: print("a") or 0)
    outer = command(lambda argv: inner(argv))
    assert outer([]) == 1
    assert capsys.readouterr().err.count("error:") == 1


@pytest.mark.parametrize("stream", [None, Bare(), object()])
def test_what_cannot_tell_is_no_terminal(stream):
    assert not is_terminal(stream)
    closed = io.StringIO()
    closed.close()
    assert not is_terminal(closed)


def test_bars_need_no_terminal_and_no_flush():
    stream = Bare()
    with FileProgressBar("reading", stream=stream) as progress:
        progress(1, 2)
    times = iter(range(0, 1000, 100))
    bar = ProgressBar(stream, clock=lambda: next(times))
    bar.on_start(StartRecord(1, 2, 0))
    bar.on_step(StepRecord(1, 1, 1, 0.5, 0.5, 0.1))
    bar.on_end()
    assert stream.text.startswith("epoch 1/1, step 1/2: loss 0.500")


def test_bars_without_stderr(monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)
    with FileProgressBar("reading") as progress:
        progress(1, 2)
    bar = ProgressBar(clock=lambda: 0.0)
    bar.on_start(StartRecord(1, 2, 0))
    bar.on_step(StepRecord(1, 1, 1, 0.5, 0.5, 0.1))
    bar.on_end()


def test_a_line_of_progress_that_cannot_be_written_stops_nothing():
    times = iter(range(0, 1000, 100))
    bar = ProgressBar(Failing(OSError(28, "No space left on device")), clock=lambda: next(times))
    bar.on_start(StartRecord(1, 2, 0))
    bar.on_step(StepRecord(1, 1, 1, 0.5, 0.5, 0.1))
    bar.on_end()


def test_a_steady_stream_is_otherwise_the_stream():
    stream = io.StringIO()
    steady = SteadyStream(stream, lambda error: None, unread=True)
    assert steady.write("abc") == 3 and steady.getvalue() == "abc"
    assert not steady.failed and not steady.isatty()
