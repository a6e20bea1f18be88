"""Masks from single cells, outlines and pages: trained on, resumed, evaluated and looked at like mask files."""

import json

import numpy as np
import pytest

from minunet import doctor, evaluate, predict, train
from tests.commands.train.small_runs import problems
from tests.data.outlines.drawn_outlines import SHAPE, coco, numbered_mask, write
from tests.data.small_pictures import photo, save

tifffile = pytest.importorskip("tifffile")
FLAGS = [
    "--size",
    "32x16",
    "--depth",
    "1",
    "--base-channels",
    "2",
    "--batch-size",
    "2",
    "--epochs",
    "1",
    "--device",
    "cpu",
]
COUNT = 4


def picture(seed):
    """An image with dark cells where the mask has them."""
    return np.where(numbered_mask(seed)[..., None] > 0, photo(seed, SHAPE[::-1]) // 3, photo(seed, SHAPE[::-1]))


def cells(root):
    for seed in range(COUNT):
        save(root / f"c{seed}" / "images" / f"c{seed}.png", picture(seed))
        for number in range(1, 7):
            save(root / f"c{seed}" / "masks" / f"{number}.png", np.uint8(numbered_mask(seed) == number) * 255)


def outlines(root):
    for seed in range(COUNT):
        save(root / "images" / f"c{seed}.png", picture(seed))
    write(root / "all.json", coco({f"c{seed}.png": numbered_mask(seed) for seed in range(COUNT)}))


def pages(root):
    (root / "images").mkdir(parents=True)
    (root / "masks").mkdir()
    images = np.stack([picture(seed) for seed in range(COUNT)]).astype(np.uint8)
    tifffile.imwrite(root / "images" / "s.tif", images, photometric="rgb")
    masks = np.stack([page_numbers(seed) for seed in range(COUNT)])
    tifffile.imwrite(root / "masks" / "s.tif", masks, photometric="minisblack")


def page_numbers(seed):
    """The numbers of the cells in a page: others in each, as in a set that numbers all of its cells."""
    labels = numbered_mask(seed)
    return np.where(labels > 0, labels + 100 * seed, 0).astype(np.uint16)


def change(root, kind):
    """Change the mask of one image."""
    if kind == "cells":
        (root / "c0" / "masks" / "1.png").unlink()
    elif kind == "outlines":
        document = json.loads((root / "all.json").read_text())
        del document["annotations"][0]
        write(root / "all.json", document)
    else:
        masks = tifffile.imread(root / "masks" / "s.tif")
        masks[0][masks[0] == masks[0].max()] = 0
        tifffile.imwrite(root / "masks" / "s.tif", masks, photometric="minisblack")


@pytest.fixture(autouse=True)
def quick_curves(monkeypatch):
    monkeypatch.setattr("minunet.runs.run_pictures.plot_curves", lambda history, path: path.write_bytes(b"curves"))


@pytest.mark.parametrize("make", [cells, outlines, pages])
def test_from_training_to_evaluation(make, tmp_path, capsys):
    data, run = tmp_path / "data", tmp_path / "run"
    make(data)
    assert train.main([str(data), "--out", str(run), *FLAGS]) == 0
    printed = capsys.readouterr().out
    assert "cell is above 0" in printed or "numbered cells" in printed
    split = json.loads((run / "split.json").read_text())
    names = [name for side in ("train", "validation", "test") for name in split[side]]
    assert sorted(split["digests"]) == sorted(names)
    assert len({digest["mask"] for digest in split["digests"].values()}) == COUNT
    assert evaluate.main([str(run), str(data), "--side", "all", "--out", str(tmp_path / "scores")]) == 0
    scores = json.loads((tmp_path / "scores" / "metrics.json").read_text())
    assert scores["sides"] == {"train": 2, "validation": 1, "test": 1}
    capsys.readouterr()
    change(data, make.__name__)
    assert train.main(["--resume", str(run), "--epochs", "2"]) == 2
    assert any("its pixels have changed since this run began" in problem for problem in problems(capsys))


@pytest.mark.parametrize("make", [cells, outlines, pages])
def test_the_doctor_dumps_the_truth(make, tmp_path, capsys):
    from PIL import Image

    make(tmp_path / "data")
    assert doctor.main([str(tmp_path / "data"), "--dump", str(tmp_path / "dump")]) in (0, 1)
    for kind in ("masks",) if make is pages else ("masks", "labels"):
        files = sorted((tmp_path / "dump" / kind).rglob("*.png"))
        assert len(files) == COUNT
        for seed, file in enumerate(files):
            truth = numbered_mask(seed)
            assert np.array_equal(np.asarray(Image.open(file)), truth if kind == "labels" else np.where(truth, 255, 0))
    capsys.readouterr()


def test_results_are_not_written_among_single_cells(tmp_path, capsys):
    cells(tmp_path / "data")
    out = tmp_path / "data" / "c0" / "masks"
    assert train.main([str(tmp_path / "data"), "--out", str(out), *FLAGS]) == 2
    assert any(str(out) in problem for problem in problems(capsys))


def test_the_images_are_predicted_and_the_cells_are_not(tmp_path, capsys):
    data, run = tmp_path / "data", tmp_path / "run"
    cells(data)
    assert train.main([str(data), "--out", str(run), *FLAGS]) == 0
    assert predict.main([str(run), str(data), "--out", str(tmp_path / "out")]) == 0
    assert f"{COUNT} images" in capsys.readouterr().out


def test_images_without_a_mask_are_skipped_by_all_commands(tmp_path, capsys):
    data, run = tmp_path / "data", tmp_path / "run"
    for seed in range(COUNT):
        save(data / "images" / f"c{seed}.png", picture(seed))
        if seed:
            save(data / "masks" / f"c{seed}.png", np.uint8(numbered_mask(seed) > 0) * 255)
    assert train.main([str(data), "--out", str(run), *FLAGS]) == 2
    assert "--skip-unpaired" in problems(capsys)[-1]
    assert train.main([str(data), "--out", str(run), "--skip-unpaired", *FLAGS]) == 0
    assert "1 image without a mask left out" in " ".join(capsys.readouterr().out.split())
    assert json.loads((run / "config.json").read_text())["skip_unpaired"] is True
    assert evaluate.main([str(run), str(data), "--side", "test"]) == 2
    assert evaluate.main([str(run), str(data), "--side", "test", "--skip-unpaired"]) == 0
    assert train.main(["--resume", str(run), "--epochs", "2"]) == 0
    capsys.readouterr()
