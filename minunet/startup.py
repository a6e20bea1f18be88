"""Startup: what holds while a command is still importing its modules. It is imported before everything else.

Ctrl-C ends the command as it does later, by a word and exit code 130, no garbage is collected, and the threads of OpenBLAS sleep.
Nothing changes for a program that imports minunet, nor for an interactive session.
"""

from __future__ import annotations

import gc
import os
import sys
from types import TracebackType

INTERRUPTED = 130  # 128 + SIGINT, as shells report it


def is_command() -> bool:
    """Whether Python was started to run a command of minunet, by `-m` or by its console script."""
    if sys.argv[:1] == ["-m"]:  # what runs is still being looked for; behind its name are the arguments of the program
        names = sys.orig_argv[-len(sys.argv) :][:1]  # none in a program that holds Python
        return [name.removeprefix("-m").partition(".")[0] for name in names] == ["minunet"]
    return os.path.splitext(os.path.basename(sys.argv[0] if sys.argv else ""))[0] == "minunet"


def end_quietly(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    """The `sys.excepthook` of a command: Ctrl-C, also one that an import turned into another error, shows no traceback."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, KeyboardInterrupt):
        cause = cause.__cause__ or cause.__context__
    if cause is None:
        sys.__excepthook__(kind, error, traceback)
        return
    try:
        os.write(2, b"\ninterrupted\n")
    finally:
        os._exit(INTERRUPTED)  # no module is complete, so that nothing can be cleaned up


IS_COMMAND = is_command()


def imports_are_done() -> None:
    """Collect garbage from now on, in a command. What is there lives to its end: that it is never looked through saves time."""
    if IS_COMMAND:
        gc.freeze()
        gc.enable()


if IS_COMMAND:
    sys.excepthook = end_quietly
    gc.disable()
    # By default the threads of OpenBLAS wait for work at full load for a tenth of a second, and take the time of a core from the
    # imports. No command needs them: kernels have threads of their own. 4 is the shortest wait, 2**4 ticks.
    os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "4")
