"""What the tests of `python -m minunet.train` share: discs to train on, and a run on them that was not stopped."""

import pytest

from minunet.train import main
from tests.commands.train.small_runs import TINY, write_pairs


@pytest.fixture(scope="session")
def discs(tmp_path_factory):
    """A folder of eight pairs; not to be changed."""
    return write_pairs(tmp_path_factory.mktemp("discs"))


@pytest.fixture(scope="session")
def finished(discs, tmp_path_factory):
    """A run folder that nobody stopped; not to be changed."""
    out = tmp_path_factory.mktemp("runs") / "whole"
    assert main([str(discs), "--out", str(out), *TINY]) == 0
    return out


@pytest.fixture(autouse=True)
def quick_curves(finished, monkeypatch):
    """Drawing curves takes longer than such a run; the finished one shows that they are drawn."""
    monkeypatch.setattr("minunet.runs.run_pictures.plot_curves", lambda history, path: path.write_bytes(b"curves"))
