"""Ctrl-C as a request: the first one asks to stop at the next safe moment, the second stops at once.

SIGTERM, which batch systems send before they kill a process, and SIGHUP, which a terminal sends that is closed, count as a first
Ctrl-C. A signal that the process was started to ignore (`nohup`) stays ignored.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

# Windows has no SIGHUP, and others no SIGBREAK (Ctrl-Break, or a console that is closed).
SIGNALS = tuple(
    signal.Signals[name] for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK") if name in signal.Signals.__members__
)


class EndedBySignal(KeyboardInterrupt):
    """A signal ends a command.

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


class Terminated(EndedBySignal):
    """A signal ends the command at once, as Ctrl-C does."""


class StoppedBySignal(EndedBySignal):
    """A run was stopped by a signal, everything was saved, and the user was told what was saved."""


@contextlib.contextmanager
def ending_signals() -> Iterator[None]:
    """Within the block, SIGTERM and SIGHUP raise `Terminated`, so that a command cleans up as after Ctrl-C.

    Handlers of the program that calls the command, and signals that are ignored, stay as they are.
    """

    def stop(number: int, frame: FrameType | None) -> None:
        raise Terminated(number)

    ours = []
    if threading.current_thread() is threading.main_thread():
        ours = [number for number in SIGNALS if signal.getsignal(number) == signal.SIG_DFL]
    for number in ours:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number in ours:
            signal.signal(number, signal.SIG_DFL)


class StopOnSignal:
    """Within the block, a signal calls `request_stop` instead of interrupting the code that runs.

    The same signal a second time, or Ctrl-C after another one, interrupts at once. A different signal does not: batch systems and
    terminals send several in a row.

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
        self._seen: set[int] = set()
        self._previous_handlers: dict[int, Any] = {}

    def __enter__(self) -> StopOnSignal:
        # Python allows handlers in the main thread only; in another thread the caller has to handle Ctrl-C.
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                # What runs in the background of a shell script has Ctrl-C ignored, and is still asked to stop by it.
                if number != signal.SIGINT and signal.getsignal(number) == signal.SIG_IGN:
                    continue
                self._previous_handlers[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *exception: object) -> None:
        for number, handler in self._previous_handlers.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        first = self.signal is None
        if not first and number in (signal.SIGINT, *self._seen):
            raise Terminated(number)
        self._seen.add(number)
        if not first:
            return
        self.signal = number
        # Not print: the signal may come in the middle of one, and a stream cannot be entered twice.
        with contextlib.suppress(OSError):  # a terminal that was closed
            os.write(2, f"\n{self.notice}\n".encode())
        self.request_stop()
