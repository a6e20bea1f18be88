"""A call that another thread makes: its result and its error arrive at the thread that asks for them."""

import _thread
import threading

import pytest

from minunet.checkpoints.background_call import BackgroundCall


def test_another_thread_makes_the_call():
    asked = threading.Event()

    def wait(argument):
        assert asked.wait(10)
        return argument, threading.get_ident()

    call = BackgroundCall(wait, 3)
    asked.set()
    argument, thread = call.result()
    assert argument == 3 and thread != threading.get_ident()
    assert call.result() == (3, thread)  # it is made once


def test_without_another_thread_the_one_that_asks_makes_it(monkeypatch):
    def refused(function, arguments):
        raise RuntimeError("can't start new thread")

    calls = []
    monkeypatch.setattr(_thread, "start_new_thread", refused)
    call = BackgroundCall(calls.append, 3)
    assert calls == []
    call.result()
    call.result()
    assert calls == [3]


def test_an_error_is_raised_where_the_result_is_asked_for():
    call = BackgroundCall(int, "no number")
    for _ in range(2):
        with pytest.raises(ValueError, match="no number"):
            call.result()
