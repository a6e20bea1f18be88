"""What every command shares: how a mistake is reported and which exit code it leaves."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable

from minunet.errors import UserError

INTERRUPTED = 130  # 128 + SIGINT, as shells report it


def command(main: Callable[[list[str] | None], int]) -> Callable[[list[str] | None], int]:
    """Wrap a command's `main(argv) -> exit code`: a `UserError` becomes a list of problems on stderr and exit code 2,
    Ctrl-C becomes 130, and a reader that went away (`| head`) ends the command quietly."""

    @functools.wraps(main)
    def run(argv: list[str] | None = None) -> int:
        try:
            return main(argv)
        except UserError as error:
            sys.stdout.flush()
            report(error.problems)
            return 2
        except KeyboardInterrupt:
            print("\ninterrupted", file=sys.stderr)
            return INTERRUPTED
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0

    return run


def report(problems: list[str]) -> None:
    """Print the problems on stderr: one as a sentence, several as a counted list."""
    if len(problems) == 1:
        print(f"error: {problems[0]}", file=sys.stderr)
        return
    print(f"error: {len(problems)} problems:", file=sys.stderr)
    for problem in problems:
        print(f"  - {problem}", file=sys.stderr)
