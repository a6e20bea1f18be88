"""Nothing is recorded under no_grad, in this thread only and also after errors."""

import contextlib
import sys
import threading

import pytest

from minunet import Tensor, no_grad
from minunet.autograd.engine import is_recording


@pytest.fixture
def x():
    return Tensor([1.0, 2.0], requires_grad=True)


def test_as_a_context(x):
    with no_grad():
        assert not (x * 2).requires_grad
    assert (x * 2).requires_grad


def test_as_a_decorator_again_and_again(x):
    @no_grad()
    def double(value):
        """Twice."""
        return value * 2

    assert double.__doc__ == "Twice."
    for _ in range(2):
        assert not double(x).requires_grad
        assert (x * 2).requires_grad


def test_nested(x):
    with no_grad():
        with no_grad():
            pass
        assert not (x * 2).requires_grad
    assert (x * 2).requires_grad


def test_ends_with_an_error(x):
    with pytest.raises(ZeroDivisionError), no_grad():
        _ = 1 / 0
    assert (x * 2).requires_grad


def test_a_leaf_made_inside_still_wants_its_gradient():
    with no_grad():
        leaf = Tensor([1.0], requires_grad=True)
    (leaf * 3).backward()
    assert leaf.grad == 3


def test_backward_works_inside_for_a_graph_from_before(x):
    y = (x * x).sum()
    with no_grad():
        y.backward()
    assert x.grad.tolist() == [2, 4]


def test_values_made_inside_are_constants_outside(x):
    with no_grad():
        factor = x * 2
    (x * factor).sum().backward()
    assert x.grad.tolist() == [2, 4]


def test_other_threads_still_record():
    seen = []
    with no_grad():
        thread = threading.Thread(target=lambda: seen.append(is_recording()))
        thread.start()
        thread.join()
    assert seen == [True]


def test_one_object_again_and_inside_itself(x):
    block = no_grad()
    for _ in range(2):
        with block:
            with block:
                pass
            assert not (x * 2).requires_grad
        assert (x * 2).requires_grad


def test_a_decorated_function_that_calls_itself(x):
    @no_grad()
    def doubled(value, times):
        return doubled(value * 2, times - 1) if times else value * 2

    assert not doubled(x, 3).requires_grad
    assert (x * 2).requires_grad


def test_one_object_in_two_threads_at_once(x):
    block, inside, leave = no_grad(), threading.Event(), threading.Event()

    def other():
        with block:
            inside.set()
            leave.wait()

    thread = threading.Thread(target=other)
    thread.start()
    inside.wait()
    try:
        with block:
            assert not (x * 2).requires_grad
        assert (x * 2).requires_grad
    finally:
        leave.set()
        thread.join()


def test_no_python_function_runs_as_a_block_ends_so_that_ctrl_c_cannot_leave_it_half_ended():
    called = []

    def profile(frame, event, argument):
        if event == "call":
            called.append(frame.f_code.co_name)

    with no_grad():
        sys.setprofile(profile)
    sys.setprofile(None)
    assert called == [] and is_recording()


@pytest.mark.parametrize("moment", range(4))
def test_ctrl_c_as_a_block_begins_leaves_recording_on(moment):
    calls = []

    def profile(frame, event, argument):
        calls.append(event)
        if len(calls) == moment + 1:
            sys.setprofile(None)
            raise KeyboardInterrupt

    with contextlib.suppress(KeyboardInterrupt):
        sys.setprofile(profile)
        with no_grad():
            pass
    sys.setprofile(None)
    assert is_recording() and calls


def test_an_exit_stack_ends_it_too():
    with contextlib.ExitStack() as stack:
        stack.enter_context(no_grad())
        assert not is_recording()
    assert is_recording()
