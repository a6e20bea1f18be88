"""Signals as requests to stop: the first one asks, the second interrupts, and afterwards the old handlers are back."""

import os
import signal
import threading

import pytest

from minunet.cli.command import command
from minunet.cli.interruption import SIGNALS, StopOnSignal, StoppedBySignal, ending_signals


@pytest.mark.parametrize("number", SIGNALS)
def test_the_first_signal_asks_and_the_second_interrupts(number, capfd):
    requests = []
    before = [signal.getsignal(each) for each in SIGNALS]
    with pytest.raises(KeyboardInterrupt), StopOnSignal(lambda: requests.append(1), "stopping") as stop:
        signal.raise_signal(number)
        assert (stop.signal, requests) == (number, [1])
        signal.raise_signal(number)
    assert requests == [1]
    assert [signal.getsignal(each) for each in SIGNALS] == before
    assert capfd.readouterr().err == f"{os.linesep}stopping{os.linesep}"


def test_in_another_thread_the_handlers_are_left_as_they_are():
    handlers = []

    def inside():
        with StopOnSignal(lambda: None, ""):
            handlers.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=inside)
    thread.start()
    thread.join()
    assert handlers == [signal.getsignal(signal.SIGINT)]


def test_the_exit_code_is_that_of_a_shell():
    assert StoppedBySignal(signal.SIGINT).exit_code == 130
    assert issubclass(StoppedBySignal, KeyboardInterrupt)


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="this system has no SIGHUP")
class TestSeveralSignals:
    def test_a_closed_terminal_counts_as_a_stop(self):
        assert signal.SIGHUP in SIGNALS
        with StopOnSignal(lambda: None, "stopping") as stop:
            signal.raise_signal(signal.SIGHUP)
        assert StoppedBySignal(stop.signal).exit_code == 129

    def test_another_signal_after_the_first_does_not_stop_at_once_but_ctrl_c_does(self):
        requests = []
        with pytest.raises(KeyboardInterrupt), StopOnSignal(lambda: requests.append(1), "stopping") as stop:
            signal.raise_signal(signal.SIGHUP)
            signal.raise_signal(signal.SIGTERM)
            assert (stop.signal, requests) == (signal.SIGHUP, [1])
            signal.raise_signal(signal.SIGINT)

    def test_a_signal_that_nohup_ignores_stays_ignored(self):
        before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
        try:
            with ending_signals(), StopOnSignal(lambda: None, "stopping") as stop:
                signal.raise_signal(signal.SIGHUP)
            assert stop.signal is None and signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
        finally:
            signal.signal(signal.SIGHUP, before)

    @pytest.mark.parametrize("number", [signal.SIGTERM, getattr(signal, "SIGHUP", None)])
    def test_elsewhere_in_a_command_it_cleans_up_as_ctrl_c_does(self, number, capsys):
        cleaned = []

        @command
        def main(argv=None):
            try:
                signal.raise_signal(number)
            finally:
                cleaned.append(1)
            return 0

        before = signal.getsignal(number)
        assert main([]) == 128 + number
        assert cleaned == [1] and capsys.readouterr().err == "\ninterrupted\n"
        assert signal.getsignal(number) == before

    def test_handlers_of_the_calling_program_stay(self):
        seen = []
        before = signal.signal(signal.SIGTERM, lambda number, frame: seen.append(number))
        try:
            with ending_signals():
                signal.raise_signal(signal.SIGTERM)
            assert seen == [signal.SIGTERM]
        finally:
            signal.signal(signal.SIGTERM, before)


def test_a_stop_is_noticed_though_stderr_is_closed(monkeypatch):
    def closed(descriptor, data):
        raise OSError(9, "Bad file descriptor")

    monkeypatch.setattr("minunet.cli.interruption.os.write", closed)
    with StopOnSignal(lambda: None, "stopping") as stop:
        signal.raise_signal(signal.SIGTERM)
    assert stop.signal == signal.SIGTERM
