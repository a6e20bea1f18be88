import pickle
import threading

import pytest

from minunet.errors import UserError
from minunet.workers.attempts import DONE, FAILED, GIVEN_UP, attempt, outcome_error
from minunet.workers.tasks import GivenUp


class Locked(Exception):
    """An exception that cannot be pickled."""

    def __init__(self):
        super().__init__("no way")
        self.lock = threading.Lock()


def raising(error):
    """A work that raises an exception."""

    def work(items, stopped):
        raise error

    return work


def test_what_comes_out():
    assert attempt(lambda items, stopped: len(items), (1, 2), bool) == (DONE, 2)
    assert attempt(raising(GivenUp()), (1,), bool) == (GIVEN_UP, None)


@pytest.mark.parametrize(
    ("error", "kind", "text"),
    [(UserError(["one.", "two."]), UserError, "one.\ntwo."), (Locked(), RuntimeError, "Locked: no way")],
)
def test_what_is_raised_can_be_sent(error, kind, text):
    how, value = attempt(raising(error), (1,), bool)
    assert how == FAILED
    sent = outcome_error(pickle.loads(pickle.dumps(value)))
    assert type(sent) is kind
    assert str(sent) == text
    assert getattr(sent, "problems", None) == getattr(error, "problems", None)
    assert "raise error" in str(sent.__cause__)
