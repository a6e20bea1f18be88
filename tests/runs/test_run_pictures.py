"""The pictures of a run: which images they show, their size, and curves without matplotlib."""

import numpy as np
import pytest
from PIL import Image

from minunet import UNet
from minunet.checkpoints.model_file import load_model
from minunet.checkpoints.model_writing import write_model
from minunet.data.batches import Batches
from minunet.data.pairs import find_pairs
from minunet.data.reading.preprocessing import Preprocessing
from minunet.results.matplotlib_figure import MatplotlibMissing
from minunet.runs import run_pictures
from minunet.runs.run_pictures import draw_augmentation, draw_curves, draw_predictions
from minunet.training.events import COLUMNS, EpochRecord
from tests.discs import write_discs

SMALL = Preprocessing(size=(16, 12))


@pytest.fixture
def pairs(tmp_path):
    return find_pairs(write_discs(tmp_path / "data", 9, (32, 24), squared_radius=50))


def test_images_are_evenly_spaced():
    assert run_pictures.evenly_spaced(9, 4) == [0, 3, 5, 8]
    assert run_pictures.evenly_spaced(2, 4) == [0, 1]
    assert run_pictures.evenly_spaced(1, 4) == [0]


def test_augmented_versions_are_shown_only_where_there_are_any(pairs, tmp_path):
    widths = []
    for augment in ("none", "full"):
        draw_augmentation(tmp_path / "a.png", Batches(pairs, SMALL, 4, augment=augment, shuffle=True).load(), pairs)
        with Image.open(tmp_path / "a.png") as picture:
            widths.append(picture.width)
    assert widths[1] > 2 * widths[0]


def test_large_photographs_are_shrunk_before_the_next_is_predicted(pairs, tmp_path, monkeypatch):
    monkeypatch.setattr(run_pictures, "GRID_WIDTH", 20)
    shapes = []
    grid = run_pictures.figures.prediction_grid

    def noting(rows, **options):
        shapes.extend((row.image.shape, row.mask.shape, row.prediction.shape, row.caption) for row in rows)
        return grid(rows, **options)

    monkeypatch.setattr(run_pictures.figures, "prediction_grid", noting)
    model = UNet(base_channels=2, depth=1, rng=np.random.default_rng(0))
    loaded = load_model(write_model(tmp_path / "model.safetensors", model, SMALL), "cpu")
    draw_predictions(tmp_path / "p.png", loaded, pairs, {pair.name: {"dice": 0.5, "iou": 0.25} for pair in pairs})
    assert len(shapes) == 4
    assert shapes[0][0][:2] == shapes[0][1][:2] == shapes[0][2][:2] == (15, 20)
    assert shapes[0][3] == "cell0: Dice 0.500, IoU 0.250"


def test_without_matplotlib_there_is_a_sentence_and_no_file(tmp_path, monkeypatch):
    def missing(*arguments):
        raise MatplotlibMissing

    monkeypatch.setattr(run_pictures, "plot_curves", missing)
    record = EpochRecord(**dict.fromkeys(COLUMNS, 0.0))
    assert "matplotlib" in draw_curves(tmp_path / "curves.png", [record])
    assert draw_curves(tmp_path / "curves.png", []) is None
    assert list(tmp_path.iterdir()) == []
