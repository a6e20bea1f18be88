"""Attempts: a task as a worker does it, with what came out of it as it can be sent to another process."""

from __future__ import annotations

import pickle
import traceback
from typing import Any

from minunet.workers.tasks import GivenUp, Outcome, Stopped, Work

DONE, FAILED, GIVEN_UP = "done", "failed", "given up"
Attempt = tuple[str, Any]  # one of these words; what the work has returned or raised


class RemoteTraceback(Exception):
    """The traceback of an exception in another process, which is shown as the cause of the same exception here."""


def attempt(work: Work, items: tuple[Any, ...], stopped: Stopped) -> Attempt:
    """Do a task, whatever it raises."""
    try:
        return DONE, work(items, stopped)
    except GivenUp:
        return GIVEN_UP, None
    except Exception as error:
        return FAILED, (_portable(error), "".join(traceback.format_exception(error)))


def outcome_error(value: tuple[Exception, str]) -> Exception:
    """The exception of an attempt that failed, to be raised here."""
    error, text = value
    error.__cause__ = RemoteTraceback(f"\n{text}")
    return error


def result_of(outcome: Outcome) -> Any:
    """The result of an outcome that is not lost; raises what the work has raised."""
    if outcome.error is not None:
        raise outcome.error
    return outcome.result


def _portable(error: Exception) -> Exception:
    """The exception, or one that says the same where it cannot be pickled."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error
