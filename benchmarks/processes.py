"""Processes that run one contestant each, and wait for a line before each run, so that they can take turns with others."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from minunet.errors import UserError


class LineProcess:
    """A process that does something for each line that it gets, and then answers with a line.

    Parameters
    ----------
    command : sequence of str
    checkout : path
        The folder to run in, whose packages it imports.
    """

    def __init__(self, command: Sequence[str], checkout: Path):
        self._process = subprocess.Popen(
            command,
            cwd=checkout,
            env={**os.environ, "PYTHONPATH": str(checkout.resolve())},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, line: str) -> str:
        """The answer to a line.

        Raises
        ------
        UserError
            If the process has ended.
        """
        assert self._process.stdin is not None and self._process.stdout is not None
        with suppress(BrokenPipeError):  # of a process that has ended
            self._process.stdin.write(f"{line}\n")
            self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise UserError(f"the process of a checkout ended with exit code {self._process.wait()}")
        return answer.strip()

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None and self._process.stdout is not None
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()
