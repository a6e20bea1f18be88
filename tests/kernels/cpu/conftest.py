"""What all tests of the CPU kernels share."""

from collections.abc import Iterator

import pytest

from minunet.kernels.cpu import recording
from minunet.kernels.dispatch import without_choice_cache


@pytest.fixture(autouse=True)
def no_choice_is_remembered(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Many of these tests change constants on which choices and recordings depend, which must not be used in other tests."""
    monkeypatch.setattr(recording, "_own", recording._OfThread())
    with without_choice_cache():
        yield
