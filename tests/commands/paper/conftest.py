"""What the tests of `python -m minunet.paper` share: discs to train on, a whole study, and runs without pictures of their own."""

import contextlib
import io

import pytest

import minunet.paper
import minunet.runs.final_test
import minunet.runs.training_run
from tests.commands.paper.small_studies import TINY, study, write_pairs


@pytest.fixture(scope="session")
def discs(tmp_path_factory):
    """A folder of fourteen pairs; not to be changed."""
    return write_pairs(tmp_path_factory.mktemp("discs"))


@pytest.fixture(scope="session")
def whole(discs, tmp_path_factory):
    """The folder of a whole study, not to be changed, and what it said."""
    out, said = tmp_path_factory.mktemp("studies") / "whole", io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(said):
        patch.setattr(minunet.runs.training_run, "draw_curves", lambda *arguments: None)  # train's to test, and slow
        patch.setattr(minunet.paper, "write_study_report", lambda *arguments: None)
        assert study(discs, "--out", out, *TINY) == 0
    return out, said.getvalue()


@pytest.fixture(autouse=True)
def plain_runs(monkeypatch):
    """The pictures of single runs are train's to test; the whole study above has those of them that are quickly drawn."""
    for picture in ("draw_augmentation", "draw_curves"):
        monkeypatch.setattr(minunet.runs.training_run, picture, lambda *arguments: None)
    monkeypatch.setattr(minunet.runs.final_test, "draw_predictions", lambda *arguments: None)
