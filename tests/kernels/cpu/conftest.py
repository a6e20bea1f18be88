"""What all tests of the CPU paths share."""

from collections.abc import Iterator

import pytest

from minunet.kernels.dispatch import without_choice_cache


@pytest.fixture(autouse=True)
def every_choice_is_made_anew() -> Iterator[None]:
    """Many of these tests change the constants that a choice rests on, which no other test's choices should see."""
    with without_choice_cache():
        yield
