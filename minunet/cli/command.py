"""What every command shares: how a mistake is reported, which exit code it leaves, and what it prints to."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable

from minunet.errors import UserError

INTERRUPTED = 130  # 128 + SIGINT, as shells report it
UNREAD = 141  # 128 + SIGPIPE
UNWRITTEN = 1
SMALLER = "smaller images, smaller batches, or fewer channels"


def command(main: Callable[[list[str] | None], int]) -> Callable[[list[str] | None], int]:
    """Wrap a command's `main(argv) -> exit code`: a `UserError` becomes a list of problems on stderr and exit code 2,
    Ctrl-C becomes 130, and a reader that went away (`| head`) ends the command quietly, with 141 where that was before its
    end."""

    @functools.wraps(main)
    def run(argv: list[str] | None = None) -> int:
        _complete_streams()
        try:
            code = main(argv)
        except UserError as error:
            _flushed()
            report(error.problems)
            return 2
        except KeyboardInterrupt:
            print("\ninterrupted", file=sys.stderr)
            return INTERRUPTED
        except MemoryError as error:
            _flushed()
            report([f"there is not enough memory{f' ({error})' if str(error) else ''}; ask for less: {SMALLER}."])
            return 2
        except BrokenPipeError:
            _silence()
            return UNREAD
        except SystemExit:  # --help
            _flushed()
            raise
        return code if _flushed() else code or UNWRITTEN

    return run


def report(problems: list[str]) -> None:
    """Print the problems on stderr: one as a sentence, several as a counted list."""
    if len(problems) == 1:
        print(f"error: {problems[0]}", file=sys.stderr)
        return
    print(f"error: {len(problems)} problems:", file=sys.stderr)
    for problem in problems:
        print(f"  - {problem}", file=sys.stderr)


def _complete_streams() -> None:
    """Make print work everywhere: where there is no stdout or stderr (a service, pythonw), and for a file's name whose letters
    the terminal or the log cannot hold, which are then escaped as stderr escapes them."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115  it stays open as they do
        elif getattr(stream, "errors", None) == "strict" and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _flushed() -> bool:
    """Whether all that was printed could be written, or nobody reads it any more. Asked here, for as Python leaves it could
    only complain."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _silence()
    except OSError as error:
        _silence()
        report([f"what was printed could not be written ({error.strerror or error}); free some space."])
        return False
    return True


def _silence() -> None:
    """Send what is still in stdout's buffer, and all that follows, nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
