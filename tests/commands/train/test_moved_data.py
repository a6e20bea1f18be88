"""A run that is resumed where its data are no longer in their place."""

import shutil

import pytest

from minunet.runs.train_config import TrainConfig
from tests.commands.train.small_runs import TINY, assert_same_run, problems, train, write_pairs


@pytest.fixture
def project(discs, tmp_path):
    """A folder with data/discs and runs/first, a run of one epoch that has not ended."""
    old = tmp_path / "old"
    shutil.copytree(discs, old / "data" / "discs")
    assert train(old / "data" / "discs", "--out", old / "runs" / "first", *TINY, "--epochs", 1) == 0
    return old


def test_run_and_data_moved_together_are_found_and_it_goes_on_as_if_they_had_not_been(project, tmp_path, capsys):
    new = tmp_path / "elsewhere" / "new"
    shutil.copytree(project, new)
    assert train("--resume", project / "runs" / "first", "--epochs", 2) == 0
    shutil.rmtree(project / "data")
    capsys.readouterr()
    assert train("--resume", new / "runs" / "first", "--epochs", 2) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert f"{project}/data/discs does not exist any more; the same images are in {new}/data/discs" in said
    assert_same_run(project / "runs" / "first", new / "runs" / "first")
    assert TrainConfig.read(new / "runs" / "first" / "config.json").data == str(new / "data" / "discs")


def test_images_and_masks_in_two_folders_are_found_too(project, tmp_path):
    data = project / "data" / "discs"
    run = project / "runs" / "second"
    assert train("--images", data / "images", "--masks", data / "masks", "--out", run, *TINY, "--epochs", 1) == 0
    shutil.move(project, tmp_path / "new")
    assert train("--resume", tmp_path / "new" / "runs" / "second", "--epochs", 2) == 0


def test_where_they_are_not_found_it_says_what_to_type_and_suggests_no_other_folder(project, capsys):
    shutil.move(project / "data" / "discs", project / "data" / "discs_test")
    assert train("--resume", project / "runs" / "first", "--epochs", 2) == 2
    (problem,) = problems(capsys)
    assert problem.startswith(f"{project}/data/discs, where the data of this run were, does not exist")
    assert f"python -m minunet.train DATA --resume {project}/runs/first" in problem and "mean" not in problem
    assert train(project / "data" / "discs_test", "--resume", project / "runs" / "first", "--epochs", 2) == 0


def test_other_images_with_the_same_names_are_not_taken(project, tmp_path, capsys):
    shutil.rmtree(project / "data")
    write_pairs(tmp_path / "data" / "discs")  # the same names
    for image in (tmp_path / "data" / "discs" / "images").iterdir():
        shutil.copy(next((tmp_path / "data" / "discs" / "masks").iterdir()), image)
    assert train("--resume", project / "runs" / "first", "--epochs", 2) == 2
    assert "does not exist; say where they are now" in problems(capsys)[0]


def test_a_run_folder_is_no_data(project, capsys):
    assert train(project / "runs" / "first") == 2
    (problem,) = problems(capsys)
    assert "is the folder of a training" in problem and f"--resume {project}/runs/first" in problem
