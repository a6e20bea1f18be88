"""The command line of `python -m minunet.paper` becomes a request; a study that was begun keeps its settings."""

import pytest

from minunet.experiments import paper_flags
from minunet.experiments.study_folder import StudyFolder
from minunet.experiments.study_settings import StudySettings


@pytest.fixture
def begun(tmp_path):
    """Makes a folder with a study of some settings."""

    def make(**settings):
        folder = StudyFolder(tmp_path / "study")
        folder.begin(StudySettings(**settings))
        return folder.path

    return make


def test_a_new_study_has_the_settings_that_are_given_and_a_folder_named_after_its_data(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    request = paper_flags.read(["smears", "--epochs", "3", "--levels", "0.2:0.9", "--only", "claims"])
    assert request.problems == []
    assert request.settings == StudySettings(data=str(tmp_path / "smears"), epochs=3, levels=(0.2, 0.9))
    assert (str(request.folder.path), request.parts, request.seeds) == ("runs/paper-smears", ("claims",), 1)
    assert str(paper_flags.read([]).folder.path) == "runs/paper-synthetic"


@pytest.mark.parametrize(
    ("words", "levels"),
    [
        ([], (0.25, 0.75)),
        (["--graded"], None),
        (["--graded", "--levels", "0.1:0.9"], (0.1, 0.9)),
        (["--levels", "none"], None),
    ],
)
def test_graded_masks_leave_the_levels_out_unless_they_are_given(words, levels, tmp_path):
    assert paper_flags.read([*words, "--out", str(tmp_path / "new")]).settings.levels == levels


def test_flags_of_a_begun_study_must_be_the_same(begun):
    out = str(begun(data="/smears", epochs=3))
    assert paper_flags.read(["--out", out]).settings == StudySettings(data="/smears", epochs=3)
    request = paper_flags.read(["--out", out, "--epochs", "3", "--depth", "2"])
    (problem,) = request.problems
    assert problem.startswith(f"--depth 2: the study in {out} has 4, and its experiments can be compared only")


def test_its_data_may_have_moved_unless_it_draws_its_own(begun, tmp_path):
    out = str(begun(data="/smears"))
    moved = paper_flags.read(["--out", out, "--images", "/a", "--masks", "/b"]).settings
    assert (moved.data, moved.images, moved.masks) == (None, "/a", "/b")
    StudyFolder(out).begin(StudySettings())
    assert "draws its own smears" in paper_flags.read(["--out", out, "/smears"]).problems[0]


def test_the_command_that_goes_on_repeats_what_is_not_in_the_folder(tmp_path):
    words = ["--only", "m1m2", "--seeds", "2", "--device", "cpu", "--threads", "3"]
    request = paper_flags.read(["--out", str(tmp_path / "a study"), "--epochs", "3", *words])
    assert request.resume_command == f"python -m minunet.paper --out '{tmp_path}/a study' {' '.join(words)}"
