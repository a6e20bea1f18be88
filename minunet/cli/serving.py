"""Serving: the part of a command that runs in the ranks other than 0, and the end of all ranks together.

These ranks print nothing, and leave signals to rank 0. What fails in one of them alone, it says itself before it ends all.
"""

from __future__ import annotations

import contextlib
import os
import platform
import signal
import sys
import traceback

from minunet.cli.interruption import SIGNALS
from minunet.errors import UserError
from minunet.ranks import find_ranks, serve

INTERNAL_ERROR = 1  # the exit code of Python for an exception that nobody handles


def serve_first_rank() -> int:
    """Do what rank 0 asks for, until it ends; return the exit code."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    with contextlib.ExitStack() as streams:
        nowhere = streams.enter_context(open(os.devnull, "w", encoding="utf-8"))
        streams.enter_context(contextlib.redirect_stdout(nowhere))
        streams.enter_context(contextlib.redirect_stderr(nowhere))
        return _serve()


def _serve() -> int:
    try:
        ranks = find_ranks()
    except UserError:  # rank 0 says so
        return 2
    try:
        serve(ranks)
    except BaseException as error:
        known = isinstance(error, UserError | MemoryError)
        text = str(error) or "there is not enough memory"
        if not known:
            text = "".join(traceback.format_exception(error))
        line = f"error: rank {ranks.rank} of {ranks.size} on {platform.node()}: {text}\n"
        with contextlib.suppress(OSError):
            os.write(2, line.encode(errors="backslashreplace"))
        ranks.abort(2 if known else INTERNAL_ERROR)
    return 0


def dismiss_ranks(code: int) -> None:
    """On rank 0, at the end of a command with that exit code: let the other ranks end, at once if they are at work."""
    try:
        ranks = find_ranks()
    except UserError:
        return
    if ranks.at_rest:
        ranks.end()
        return
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    ranks.abort(code)
