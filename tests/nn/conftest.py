"""What tests of networks share."""

import pytest

from minunet.kernels.cpu import chain_memory, recording
from minunet.nn import recorded_pass


@pytest.fixture
def nothing_recorded(monkeypatch):
    """No pass and no kernel was recorded before."""
    for module in (recorded_pass, chain_memory, recording):
        monkeypatch.setattr(module, "_own", module._OfThread())
