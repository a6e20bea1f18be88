"""What may become of a damaged file: it is read, or refused by a `UserError` in short sentences that name it."""

import collections

import numpy as np
import pytest

from minunet.errors import UserError

FEW, SOME, MANY = 500, 2_000, 100_000
SENTENCE = 900  # letters without the path: at most 200 of each are quoted from the file
LINES = 25

each_count = pytest.mark.parametrize(
    "count", [FEW, pytest.param(SOME, marks=pytest.mark.ci), pytest.param(MANY, marks=pytest.mark.slow)]
)


def try_files(count, path, mutate, read, *, seed=0):
    """Read `count` mutated files; returns how many of them were read and how many refused, by kind of mutation.

    `mutate(rng, k)` gives the kind and the bytes of the file k, `read(kind, data)` reads it and checks the result. The same seed
    and k give the same file, so that a case that fails can be made again by itself.
    """
    outcomes = collections.Counter()
    with open(path, "w+b") as file:  # one file for all of them: to make one takes longer than to read it
        for k in range(count):
            kind, data = mutate(np.random.default_rng([seed, k]), k)
            file.seek(0)
            file.write(data)
            file.truncate()
            file.flush()
            try:
                read(kind, data)
                outcomes[kind, "read"] += 1
            except UserError as error:
                _check_problems(k, error.problems, str(path))
                outcomes[kind, "refused"] += 1
            except Exception as error:
                raise AssertionError(f"file {k} of seed {seed}, {kind}: {type(error).__name__} {error}") from error
    print(*(f"{kind}, {outcome}: {number:,}" for (kind, outcome), number in sorted(outcomes.items())), sep="\n")
    assert outcomes.total() == count
    return outcomes


def _check_problems(k, problems, path):
    assert len(problems) <= LINES, f"file {k}: {len(problems)} problems"
    for problem in problems:
        text = problem.replace(path, "")
        assert len(text) < len(problem), f"file {k}: {problem} does not name the file"
        assert len(text) < SENTENCE, f"file {k}: {len(text)} letters"
        assert text.isprintable(), f"file {k}: {text!r}"
