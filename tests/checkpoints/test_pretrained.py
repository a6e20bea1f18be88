"""The model that comes with the package, by its name and without one."""

from pathlib import Path

import pytest

import minunet
from minunet.checkpoints import pretrained
from minunet.checkpoints.model_file import load_model
from minunet.errors import UserError


@pytest.fixture
def shipped(saved, monkeypatch, tmp_path):
    """A small model in the place of the shipped one."""
    monkeypatch.setattr(pretrained, "PRETRAINED_FILE", Path(saved))
    monkeypatch.chdir(tmp_path)
    return Path(saved)


def test_it_is_loaded_by_its_name_and_without_a_path(shipped):
    assert load_model().path == load_model("pretrained").path == minunet.load_model().path == shipped
    assert pretrained.is_pretrained(shipped)
    assert not pretrained.is_pretrained(Path("other"))
    assert not pretrained.is_pretrained(None)


@pytest.mark.parametrize("kind", ["folder", "file"])
def test_another_thing_of_that_name_is_not_guessed_at(shipped, tmp_path, kind):
    if kind == "folder":
        (tmp_path / "pretrained").mkdir()
    else:
        (tmp_path / "pretrained").write_bytes(b"")
    with pytest.raises(UserError, match=rf"and also a {kind} here: write \./pretrained for the {kind}"):
        load_model("pretrained")
    assert load_model().path == shipped
    with pytest.raises(UserError, match="holds no model|is empty"):
        load_model("./pretrained")
    with pytest.raises(UserError, match="holds no model|is empty"):
        load_model(tmp_path / "pretrained")


def test_a_package_without_its_model_says_so(monkeypatch, tmp_path):
    monkeypatch.setattr(pretrained, "PRETRAINED_FILE", tmp_path / "gone.safetensors")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=r"is not there .*gone\.safetensors\): install minunet again"):
        load_model()
