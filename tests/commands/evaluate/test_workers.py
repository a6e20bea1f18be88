"""`python -m minunet.evaluate --workers`: the same numbers, tables and pictures."""

import pytest

from minunet.evaluate import main
from tests.commands.predict.test_workers import contents, without_workers


@pytest.mark.ci
@pytest.mark.parametrize("native", [[], ["--native"]])
def test_the_files_do_not_depend_on_the_number(root, tmp_path, capsys, native):
    printed = {}
    for count in (1, 2, 3):
        command = [
            "run",
            str(root / "data"),
            "--side",
            "all",
            "--out",
            f"out{count}",
            "--no-report",
            "--batch-size",
            "2",
        ]
        assert main([*command, *native, "--workers", str(count)]) == 0
        printed[count] = without_workers(capsys.readouterr().out.replace(f"out{count}", "out"))
    assert printed[1] == printed[2] == printed[3]
    assert contents(tmp_path / "out1") == contents(tmp_path / "out2") == contents(tmp_path / "out3")
    assert {"metrics.json", "per_image.csv", "cases.png"} == {*contents(tmp_path / "out1")}
