"""Tasks shared by the processes of mpiexec, and the command that does it."""

import pytest

from tests.commands.predict.cell_folders import draw
from tests.commands.predict.prediction_folders import run
from tests.commands.predict.test_workers import contents
from tests.mpi_programs import run_ranks

pytestmark = pytest.mark.ci


@pytest.mark.parametrize("ranks", [2, 3])
def test_predict_writes_the_same_files(cell_model, folder, tmp_path, ranks):
    for number in range(4):
        draw(folder / f"more{number}.png", (30, 40, 8 + number))
    (folder / "bad.png").write_text("not a picture")
    command = ["-m", "minunet.predict", cell_model, "cells", "--out", "out", "--no-report"]
    result = run_ranks(ranks, *command, cwd=tmp_path)
    assert result.returncode == 1, result.stderr
    assert "1 of 8 images failed" in result.stderr
    assert "cells/bad.png is a text file" in result.stderr
    assert run(cell_model, folder, "--out", "single", "--no-report") == 1
    assert contents(tmp_path / "out") == contents(tmp_path / "single")


def test_another_way_to_share_is_refused(cell_model, folder, tmp_path):
    result = run_ranks(2, "-m", "minunet.predict", cell_model, "cells", "--workers", 2, cwd=tmp_path)
    assert result.returncode == 2
    assert "--workers 2 and mpiexec with 2 processes are two ways to share the images out" in " ".join(
        result.stderr.split()
    )
    assert not (tmp_path / "predictions").exists()
