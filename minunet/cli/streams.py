"""The streams that a command prints to: work goes on where they cannot take what is printed, and the user is told once."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any, TextIO


class SteadyStream:
    """A text stream that drops what its file cannot take: a full disk, or a terminal that was closed, stops no training.

    Parameters
    ----------
    stream : text file
    on_failure : callable
        Called once, with the first error; what is printed after it is dropped.
    unread : bool
        Whether a pipe that nobody reads any more raises BrokenPipeError, as without this class.

    Attributes
    ----------
    failed : bool
        Whether something could not be written.
    """

    def __init__(self, stream: TextIO, on_failure: Callable[[OSError], None], *, unread: bool):
        self.stream, self.on_failure, self.unread = stream, on_failure, unread
        self.failed = False

    def write(self, text: str) -> int:
        """Write the text, if the file takes it."""
        return self._attempt(self.stream.write, text) or len(text)

    def flush(self) -> None:
        """Write what is in the buffer, if the file takes it."""
        self._attempt(getattr(self.stream, "flush", lambda: None))

    def isatty(self) -> bool:
        """Whether the stream is a terminal."""
        return is_terminal(self.stream)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)

    def _attempt(self, function: Callable[..., Any], *arguments: str) -> Any:
        if self.failed:
            return None
        try:
            return function(*arguments)
        except BrokenPipeError as error:
            if self.unread:
                raise
            self._fail(error)
        except OSError as error:
            self._fail(error)
        return None

    def _fail(self, error: OSError) -> None:
        self.failed = True
        silence(self.stream)
        self.on_failure(error)


@contextlib.contextmanager
def steady_streams(on_failure: Callable[[OSError], None]) -> Iterator[None]:
    """Within the block, printing works everywhere.

    A service and pythonw have no stdout and stderr: they get streams that write nowhere. A file's name may have letters that
    the terminal or the log cannot show: they are escaped, as stderr does it. Where stdout cannot be written, `on_failure` is
    called once with the error; what stderr cannot take is dropped.
    """
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115  it stays open as they do
        elif getattr(stream, "errors", None) == "strict" and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    plain = sys.stdout, sys.stderr
    if not isinstance(plain[0], SteadyStream):  # else a command runs within another
        sys.stderr = SteadyStream(plain[1], lambda error: None, unread=False)
        sys.stdout = SteadyStream(plain[0], on_failure, unread=True)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = plain


def silence(stream: Any) -> None:
    """Discard what is still in the buffer of a stream, and all that follows."""
    with contextlib.suppress(OSError, ValueError, AttributeError):  # the stream has no file
        descriptor = stream.fileno()
        devnull = os.open(os.devnull, os.O_WRONLY)
        os.dup2(devnull, descriptor)
        os.close(devnull)


def is_terminal(stream: Any) -> bool:
    """Whether a stream is a terminal; one that is missing, closed, or cannot tell, is none."""
    try:
        return bool(stream.isatty())
    except (AttributeError, ValueError, OSError):
        return False
