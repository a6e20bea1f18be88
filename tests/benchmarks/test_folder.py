"""A folder with the commands, in one process and in several: each contestant runs, and what comes out is compared."""

import json

import numpy as np
import pytest
from PIL import Image

from benchmarks import folder
from minunet.data.synthetic import draw_smear


@pytest.fixture
def data(tmp_path):
    """A folder of two images with masks."""
    for number in range(2):
        smear = draw_smear(np.random.default_rng(number), (80, 90))
        for kind, pixels in (("images", smear.image), ("masks", 255 * (smear.instances > 0).astype(np.uint8))):
            (tmp_path / "smears" / kind).mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(tmp_path / "smears" / kind / f"{number}.png")
    return tmp_path / "smears"


@pytest.mark.ci
@pytest.mark.parametrize("part", ["predict", "evaluate"])
def test_each_contestant_runs_and_gives_the_same(data, tmp_path, part):
    assert folder.main([str(data), part, "--images", "2", "--rounds", "1", "--out", str(tmp_path)]) == 0
    figures = json.loads((tmp_path / f"folder_{part}_2.json").read_text())["figures"]
    assert [*figures["times"]] == ["one process", "auto"]
    assert figures["same_results"] is True
    assert figures["workers"] == {"one process": [], "auto": []}  # two small images are no reason to start processes
    assert min(figures["peak_of_the_largest_process"].values()) > 30e6


def test_crops(data, tmp_path, monkeypatch):
    monkeypatch.setattr(folder, "CROP_AT", (10, 20))
    written = folder.write_data(data, tmp_path / "crops", 2, 16)
    for kind in ("images", "masks"):
        whole = np.asarray(Image.open(data / kind / "1.png"))
        assert np.array_equal(np.asarray(Image.open(written / kind / "1.png")), whole[20:36, 10:26])
    with pytest.raises(SystemExit, match="has 2 images, fewer than 3"):
        folder.write_data(data, tmp_path / "more", 3, None)
