"""What all tests of the CPU kernels share."""

from collections.abc import Iterator

import pytest

from minunet.kernels.dispatch import without_choice_cache


@pytest.fixture(autouse=True)
def no_choice_is_remembered() -> Iterator[None]:
    """Many of these tests change constants on which a choice depends; choices made with them must not be remembered."""
    with without_choice_cache():
        yield
