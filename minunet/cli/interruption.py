"""Ctrl-C as a request: the first one asks to stop at the next safe moment, the second stops at once.

SIGTERM, which batch systems send before they kill a process, counts as a first Ctrl-C.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class StoppedBySignal(KeyboardInterrupt):
    """A run was stopped by a signal, everything was saved, and the user was told what was saved.

    Parameters
    ----------
    number : int
        The signal.

    Attributes
    ----------
    exit_code : int
        128 plus the number of the signal, as shells report it: 130 for Ctrl-C.
    """

    def __init__(self, number: int):
        super().__init__()
        self.exit_code = 128 + number


class StopOnSignal:
    """Within the block, a signal calls `request_stop` instead of interrupting the code that runs.

    Parameters
    ----------
    request_stop : callable
        Called once, from the signal handler; should only set a flag.
    notice : str
        Written to stderr at once, so that the user sees that the key was noticed.

    Attributes
    ----------
    signal : int or None
        The signal that came first.
    """

    def __init__(self, request_stop: Callable[[], None], notice: str):
        self.request_stop, self.notice = request_stop, notice
        self.signal: int | None = None
        self._previous_handlers: dict[int, Any] = {}

    def __enter__(self) -> StopOnSignal:
        # Python allows handlers in the main thread only; in another thread the caller has to handle Ctrl-C.
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                self._previous_handlers[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *exception: object) -> None:
        for number, handler in self._previous_handlers.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.signal is not None:
            raise KeyboardInterrupt
        self.signal = number
        # Not print: the signal may come in the middle of one, and a stream cannot be entered twice.
        os.write(2, f"\n{self.notice}\n".encode())
        self.request_stop()
