"""What a run says of the machine before it starts."""

import pytest

from minunet.training import announcement


@pytest.fixture
def said():
    return []


def announce(said, device="cpu"):
    announcement.announce_memory(said.append, device, 5e8)
    return " ".join("\n".join(said).split())


def test_a_lesser_blas_is_named_with_its_remedy(said, monkeypatch):
    monkeypatch.setattr(
        announcement, "slow_because", lambda: "OpenBLAS uses its kernels for Haswell; unset the variable"
    )
    assert "warning OpenBLAS uses its kernels for Haswell; unset the variable." in announce(said)


def test_a_proper_blas_is_not_mentioned_and_a_gpu_does_not_care(said, monkeypatch):
    monkeypatch.setattr(announcement, "slow_because", lambda: None)
    assert "warning" not in announce(said)
    monkeypatch.setattr(announcement, "slow_because", lambda: "slow")
    assert "slow" not in announce([], device="cuda")
