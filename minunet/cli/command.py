"""The frame of every command: error messages, exit codes, and the streams that it prints to."""

from __future__ import annotations

import errno
import functools
import sys
import textwrap
import traceback
from collections.abc import Callable
from typing import Protocol

from minunet.cli.interruption import ending_signals
from minunet.cli.serving import INTERNAL_ERROR, dismiss_ranks, serve_first_rank
from minunet.cli.streams import is_terminal, silence, steady_streams
from minunet.errors import UserError
from minunet.ranks import find_ranks, launched_rank
from minunet.startup import INTERRUPTED, imports_are_done
from minunet.wording import shorten

UNREAD = 141  # 128 + SIGPIPE
UNWRITTEN = 1
LONGEST_LINE = 10_000  # letters
WIDTH = 80  # columns of a terminal
SMALLER = "smaller images, smaller batches, or fewer channels"


class Main(Protocol):
    """A command: it takes the arguments, by default those of the process, and returns the exit code."""

    def __call__(self, argv: list[str] | None = None) -> int:
        """Run the command."""


def command(main: Callable[[list[str] | None], int]) -> Main:
    """Wrap the main function of a command, so that it always ends with an exit code and a message.

    A `UserError` becomes a list of problems on stderr and exit code 2, as does a lack of memory, threads or open files.
    Ctrl-C becomes 130. Where stdout cannot be written, the command goes on without printing, and ends with 1. Where the reader
    of the output is gone (`| head`), the command ends without a message, with 141 if it was not finished yet.

    An MPI launcher starts a command several times: then it runs in rank 0, and the other processes end at once.
    """
    return _framed(main, alone=True)


def command_of_ranks(main: Callable[[list[str] | None], int]) -> Main:
    """As `command`, for one that shares its work out over the processes that an MPI launcher has started.

    Rank 0 runs `main`, which hands tasks to the other ranks (see `minunet.ranks`). These print nothing, and leave signals to
    rank 0. A failure of any rank ends all, with one message.
    """
    return _framed(main, alone=False)


def _framed(main: Callable[[list[str] | None], int], *, alone: bool) -> Main:
    @functools.wraps(main)
    def run(argv: list[str] | None = None) -> int:
        imports_are_done()
        rank, size = launched_rank() or (0, 1)
        if rank > 0:
            return 0 if alone else serve_first_rank()
        with steady_streams(_tell), ending_signals():
            return attempt(argv) if alone or size == 1 else lead(argv)

    def lead(argv: list[str] | None) -> int:
        code = INTERNAL_ERROR
        try:
            code = attempt(argv)
        except SystemExit as ended:  # --help
            code = ended.code if isinstance(ended.code, int) else INTERNAL_ERROR
            raise
        except BaseException:
            traceback.print_exc()  # Python would do so after the other ranks have ended this one
            raise SystemExit(code) from None
        finally:
            dismiss_ranks(code)
        return code

    def attempt(argv: list[str] | None) -> int:
        try:
            if not alone:
                find_ranks()  # in all processes, or they would wait for each other
            code = main(argv)
        except UserError as error:
            _flush()
            report(error.problems)
            return 2
        except KeyboardInterrupt as error:
            print("\ninterrupted", file=sys.stderr)
            return getattr(error, "exit_code", INTERRUPTED)
        except BrokenPipeError:
            silence(sys.stdout)
            return UNREAD
        except (MemoryError, RuntimeError, OSError, ImportError) as error:
            problem = _limit_reached(error)
            if problem is None:
                raise
            _flush()
            report([problem])
            return 2
        except SystemExit:  # --help
            _flush()
            raise
        return code if _flush() else code or UNWRITTEN

    return run


def _limit_reached(error: Exception) -> str | None:
    """The sentence on a limit of the system that a command has reached; None for an error of another kind."""
    said = f" ({error})" if str(error) else ""
    if isinstance(error, MemoryError) or getattr(error, "errno", None) == errno.ENOMEM:
        return f"there is not enough memory{said}; try {SMALLER}."
    if isinstance(error, RuntimeError) and "can't start new thread" in str(error):
        return "the system refuses to start another thread; raise the limits of processes and memory (ulimit -u, ulimit -v)."
    if isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE):
        return f"too many files are open{said}; raise the limit (ulimit -n)."
    if isinstance(error, OSError) and error.errno == errno.EAGAIN:
        return f"the system refuses to start another process{said}; raise the limit (ulimit -u)."
    if isinstance(error, ImportError) and ("cannot allocate" in said.lower() or "failed to map segment" in said):
        return f"there is not enough memory to load the program{said}; raise the limit (ulimit -v)."
    return None


def report(problems: list[str], summary: str | None = None) -> None:
    """Print the problems on stderr: one as a sentence, several, or those with a summary, as a list.

    On a terminal lines are folded at spaces, so that no command and no path is broken within a word; in a file each is one line.

    Parameters
    ----------
    problems : list of str
    summary : str, optional
        The line above the list; their number unless given.
    """
    if len(problems) == 1 and summary is None:
        print_folded("error: " + one_line(problems[0]))
        return
    print_folded(f"error: {summary or f'{len(problems)} problems'}:")
    for problem in problems:
        print_folded("  - " + one_line(problem), indent=4)


def print_folded(line: str, indent: int = 2) -> None:
    """Print a line on stderr, on a terminal folded at spaces; what follows the first line is indented."""
    if is_terminal(sys.stderr):
        options = {"break_long_words": False, "break_on_hyphens": False, "subsequent_indent": " " * indent}
        line = "\n".join(textwrap.wrap(line, WIDTH, **options))  # type: ignore[arg-type]
    print(line, file=sys.stderr)


def one_line(problem: str) -> str:
    """A problem as one line, whatever letters the name of a file has: escaped where they would begin a line or steer a terminal."""
    return shorten(problem, LONGEST_LINE)


def _tell(error: OSError) -> None:
    """Tell that what was printed is lost."""
    report([f"what was printed could not be written ({error.strerror or error}); free some space."])


def _flush() -> bool:
    """Write what is still in stdout's buffer; returns False where anything could not be written.

    Python does it at its exit too, but then an error could no longer change the exit code.
    """
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        silence(sys.stdout)  # nobody reads the output any more
    return not getattr(sys.stdout, "failed", False)
