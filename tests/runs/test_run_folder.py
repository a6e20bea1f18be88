"""Run folders: a new name for each, and which folders a run is refused."""

from minunet.runs.run_folder import CONTENTS, RunFolder


def test_a_new_folder_is_accepted_and_not_made(tmp_path):
    folder = RunFolder(tmp_path / "new" / "run")
    assert folder.problems(resume=False) == []
    assert not (tmp_path / "new").exists()
    assert RunFolder.fresh(tmp_path).path.parent == tmp_path


def test_any_file_of_a_run_refuses_another_run(tmp_path):
    for name in CONTENTS:
        folder = RunFolder(tmp_path / name.replace("/", "").replace(".", "-"))
        (folder.path / name).mkdir(parents=True)
        (problem,) = folder.problems(resume=False)
        assert "already holds a run" in problem and "--resume" in problem


def test_only_a_folder_with_settings_can_be_resumed(tmp_path):
    assert "no such run folder" in RunFolder(tmp_path / "none").problems(resume=True)[0]
    assert "no config.json" in RunFolder(tmp_path).problems(resume=True)[0]
    RunFolder(tmp_path).config.write_text("{}")
    assert RunFolder(tmp_path).problems(resume=True) == []


def test_the_folder_of_an_evaluation_is_none_of_a_run(tmp_path):
    folder = RunFolder(tmp_path)
    folder.metrics.write_text("{}")
    assert folder.holds_run() and not folder.is_run()
    folder.model.write_bytes(b"")
    assert folder.is_run()
