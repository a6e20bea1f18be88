"""Signals as requests to stop: the first one asks, the second interrupts, and afterwards the old handlers are back."""

import os
import signal
import threading

import pytest

from minunet.cli.interruption import SIGNALS, StopOnSignal, StoppedBySignal


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
