"""The background call: a call of a function that another thread makes, while this one does something else."""

from __future__ import annotations

import _thread
import threading
from collections.abc import Callable
from typing import Any


class BackgroundCall:
    """function(*args), made by another thread.

    Where the system refuses another thread, the thread that asks for the result makes the call.
    """

    def __init__(self, function: Callable[..., Any], *args: Any):
        self._function, self._args = function, args
        self._result: Any = None
        self._error: BaseException | None = None
        self._is_done = threading.Event()
        self._is_refused = False
        try:
            _thread.start_new_thread(self._call, ())  # not Thread.start, see `WorkerThread.start`
        except RuntimeError:
            self._is_refused = True

    def _call(self) -> None:
        try:
            self._result = self._function(*self._args)
        except BaseException as error:
            self._error = error
        finally:
            self._is_done.set()

    def result(self) -> Any:
        """What the function returns, or raises; it is waited for."""
        if self._is_refused and not self._is_done.is_set():
            self._call()
        self._is_done.wait()
        if self._error is not None:
            raise self._error
        return self._result
