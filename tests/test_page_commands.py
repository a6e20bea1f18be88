"""Every command on the pages runs: as it is typed there, on drawn smears, with the sizes and epochs of `tests/page_commands.py`."""

import importlib.util
import shutil

import numpy as np
import pytest
from PIL import Image

import minunet
from minunet import synthesize, train
from tests.data.reading.stored_pyramids import write_ome_zarr, write_tiled
from tests.discs import write_discs
from tests.page_commands import NOT_RUN, PAGES, SMALL, commands_of, in_a_test, reason_not_run

# Pictures and reports take longer than the commands themselves, and have their own tests.
SLOW = (
    "compare.write_comparison_report",
    "show.write_layer_report",
    "paper.write_study_report",
    "runs.training_report.write_training_report",
    "evaluate.write_evaluation_report",
    "runs.prediction_report.write_prediction_report",
    "runs.training_run.draw_augmentation",
    "runs.training_run.draw_curves",
    "runs.final_test.draw_predictions",
)
RUN = {page: [command for command in commands_of(page) if not reason_not_run(command)] for page in PAGES}


def test_commands_that_are_not_run_are_on_a_page():
    every = [command for page in PAGES for command in commands_of(page)]
    assert len(every) > 50
    assert not [start for start in NOT_RUN if not any(command.startswith(start) for command in every)]


def test_a_command_that_nobody_has_heard_of_is_noticed(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "Text `python -m nothing`.\n\n    python -m minunet.train smears \\\n        --epochs 3   # three\n\n"
        "```\nmpiexec -n 2 python -m other\ntrain    python -m minunet.train\n```\n\n```python\npython = 1\n```\n"
    )
    assert commands_of(page) == ["python -m minunet.train smears --epochs 3", "mpiexec -n 2 python -m other"]
    (tmp_path / "runs").mkdir()
    with pytest.raises(ValueError, match="add it to NOT_RUN"):
        in_a_test("mpiexec -n 2 python -m other", tmp_path)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """A folder with everything that the pages name: smears with masks and classes, single images, and a run."""
    root = tmp_path_factory.mktemp("pages")
    assert synthesize.main([str(root / "smears"), *SMALL["synthesize"].split()]) == 0
    write_discs(root / "bbbc041seg", 12, (48, 36), 64)
    shutil.copytree(root / "bbbc041seg", root / "DATA")
    for name in ("new", "new_smears"):
        shutil.copytree(root / "bbbc041seg" / "images", root / name)
    for name in ("hand", "masks"):
        shutil.copytree(root / "bbbc041seg" / "masks", root / name)
    smear = next(path for path in sorted((root / "smears" / "images").iterdir()))
    Image.open(smear).convert("RGB").save(root / "smear.jpg")
    pixels = np.asarray(Image.open(smear).convert("RGB")).repeat(3, axis=0).repeat(3, axis=1)
    (root / "slides").mkdir()
    write_tiled(root / "slides" / "a.tif", pixels, levels=2)
    write_tiled(root / "slide.svs", pixels)
    if importlib.util.find_spec("zarr") is not None:
        write_ome_zarr(root / "plate.ome.zarr", pixels, "cyx")
    run = root / "runs" / "first"
    assert train.main([str(root / "bbbc041seg"), "--out", str(run), *SMALL["train"].split(), "--no-report"]) == 0
    shutil.copytree(run, root / "run")
    return root


@pytest.mark.ci
@pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)  # of bioimageio.core
@pytest.mark.parametrize("page", [page for page, commands in RUN.items() if commands], ids=lambda page: page.name)
def test_every_command_of_a_page_runs(page, drawn, tmp_path, monkeypatch, capsys):
    shutil.copytree(drawn, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("minunet.runs.training_data.DRAWN_COUNT", 10)
    for slow in SLOW:
        monkeypatch.setattr(f"minunet.{slow}", lambda *arguments: None)
    if any(".zarr" in command for command in RUN[page]):
        pytest.importorskip("zarr")
    threads = minunet.get_num_threads()
    for command in RUN[page]:
        module, words = in_a_test(command, tmp_path)
        try:
            code = importlib.import_module(f"minunet.{module}").main(words)
        finally:
            minunet.set_num_threads(threads)
        printed = capsys.readouterr()
        if code == 2 and "pip install 'minunet[" in printed.err:  # an extra is not installed here
            continue
        # 1: what was looked at has warnings, of which a small drawn set has some
        assert code == 0 or (code == 1 and module == "doctor"), f"{command}\n{printed.out}{printed.err}"
