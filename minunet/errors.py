"""Mistakes that a user can correct: one exception that carries all problems at once, not only the first.

The commands turn it into one message and exit code 2; the library raises it like any other exception.
"""

from __future__ import annotations

from collections.abc import Iterable


class UserError(ValueError):
    """One or more problems in what the user gave; each is a sentence that names the thing and the remedy.

    Parameters
    ----------
    problems : str or iterable of str
        One sentence per problem.
    """

    def __init__(self, problems: str | Iterable[str]):
        self.problems = [problems] if isinstance(problems, str) else list(problems)
        super().__init__("\n".join(self.problems))
