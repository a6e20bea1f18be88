"""The folder of an evaluation: what may be overwritten, and what may not."""

from minunet.data.pairs import Pair
from minunet.runs.evaluation_run import EVALUATION_CONTENTS, evaluation_problems


def test_only_the_files_of_an_evaluation_are_overwritten(tmp_path):
    assert evaluation_problems(tmp_path / "new", [], overwrite=False) == []
    for name in EVALUATION_CONTENTS:
        (tmp_path / name).write_text("{}")
    (problem,) = evaluation_problems(tmp_path, [], overwrite=False)
    assert "metrics.json, per_image.csv and cases.png are there already; add --overwrite" in problem
    assert evaluation_problems(tmp_path, [], overwrite=True) == []
    (tmp_path / "config.json").write_text("{}")
    assert "this folder holds a run" in evaluation_problems(tmp_path, [], overwrite=True)[0]


def test_nothing_is_written_among_the_data(tmp_path):
    pair = Pair("a", tmp_path / "images" / "a.png", tmp_path / "masks" / "a.png")
    for out, problems in ((tmp_path / "images", 1), (tmp_path / "masks", 1), (tmp_path, 0)):
        assert len(evaluation_problems(out, [pair], overwrite=True)) == problems
