"""What images are expected to cost in time and in memory."""

import numpy as np
import pytest
from PIL import Image

from minunet import UNet
from minunet.checkpoints.model_file import load_model
from minunet.checkpoints.pretrained import PRETRAINED_FILE
from minunet.data.reading.image_rows import LARGE
from minunet.data.reading.preprocessing import Preprocessing
from minunet.data.synthetic import draw_smear
from minunet.inference.loaded_model import LoadedModel
from minunet.inference.tile_size import tiling
from minunet.runs.image_costs import DECODED_WHOLE, EVERY_IMAGE, HELD, NETWORK, SAMPLE, SCORES, WITH_CELLS, ImageCosts
from minunet.workers.worker_count import PROCESS_BYTES, TaskCost
from tests.commands.predict.peak_memory import IS_KNOWN, peak_of


def model(base=2, **preprocessing):
    return LoadedModel(UNet(base_channels=base, depth=1), Preprocessing(**preprocessing))


@pytest.fixture
def picture(tmp_path):
    """A function that writes a picture, and returns its path."""

    def write(name, width, height):
        Image.fromarray(np.zeros((height, width), np.uint8)).save(tmp_path / name)
        return tmp_path / name

    return write


def test_seconds_grow_with_pixels_and_channels(picture):
    small, large = picture("a.png", 30, 40), picture("b.png", 300, 400)
    costs = [ImageCosts(model(base), cells=True).of_task([path]) for base in (2, 16) for path in (small, large)]
    assert costs[1].serial - EVERY_IMAGE == pytest.approx(100 * (costs[0].serial - EVERY_IMAGE))
    assert costs[1].parallel == pytest.approx(100 * costs[0].parallel)
    assert costs[2].serial == costs[0].serial
    assert 8 < costs[2].parallel / costs[0].parallel < 64
    less = [
        ImageCosts(model(), cells=False).of_task([large]),
        ImageCosts(model(), True, per_pixel=SCORES).of_task([large]),
    ]
    assert all(cost.serial < costs[1].serial for cost in less)


def test_the_network_gets_what_the_preprocessing_makes(picture):
    path = picture("a.png", 300, 400)
    at_own_size = ImageCosts(model(), cells=False).of_task([path])
    resized = ImageCosts(model(size=(30, 40)), cells=False).of_task([path])
    assert resized.parallel == pytest.approx(at_own_size.parallel / 100)
    assert at_own_size.memory - resized.memory == NETWORK * 2 * 0.99 * 300 * 400
    by_diameter = ImageCosts(model(diameter=16.0), cells=False, diameter=160.0).of_task([path])
    assert by_diameter == resized
    # Before the diameter is estimated, the image may have cells that are as small as the model knows them.
    estimated = ImageCosts(model(diameter=16.0), cells=False).of_task([path])
    assert estimated.memory == at_own_size.memory
    assert estimated.serial > by_diameter.serial


def test_a_large_image_is_predicted_in_tiles_and_its_pictures_are_made_in_parts(picture):
    path = picture("a.png", 4000, 3000)
    network = model(base=16)
    cost = ImageCosts(network, cells=True).of_task([path])
    tile = NETWORK * 16 * tiling(network.config, 4000)[0] ** 2
    assert WITH_CELLS * LARGE < cost.memory - tile < WITH_CELLS * 12e6
    without = ImageCosts(network, cells=False).of_task([path])
    assert without.memory < cost.memory
    assert without.parallel == cost.parallel


def test_an_image_whose_cells_are_found_on_disk_is_predicted_alone(picture, monkeypatch):
    path = picture("a.png", 40, 30)
    assert not ImageCosts(model(), cells=True).of_task([path]).alone
    monkeypatch.setattr("minunet.runs.image_costs.SMALL_ENOUGH", 1199)
    assert ImageCosts(model(), cells=True).of_task([path]).alone


def test_a_jpeg_file_is_decoded_whole(picture):
    costs = ImageCosts(model(), cells=True)
    png, jpeg = (costs.of_task([picture(name, 100, 100)]) for name in ("a.png", "a.jpg"))
    assert jpeg.memory - png.memory == DECODED_WHOLE * 10_000
    assert (jpeg.serial, jpeg.parallel) == (png.serial, png.parallel)


def test_images_of_a_task_wait_for_each_other(picture):
    path = picture("a.png", 100, 100)
    one, three = (ImageCosts(model(), cells=True).of_task(count * [path]) for count in (1, 3))
    assert (three.serial, three.parallel) == pytest.approx((3 * one.serial, 3 * one.parallel))
    assert three.memory == one.memory + 2 * NETWORK * 2 * 10_000 + 3 * HELD * 10_000


def test_a_file_that_cannot_be_read_costs_nothing(tmp_path):
    (tmp_path / "bad.png").write_text("not a picture")
    costs = ImageCosts(model(), cells=True)
    assert costs.of_tasks([[tmp_path / "bad.png"], [tmp_path / "missing.png"]]) == 2 * [TaskCost()]


def test_a_diameter_that_does_not_suit_an_image_costs_nothing(picture):
    assert ImageCosts(model(diameter=16.0), True, diameter=5000.0).of_task([picture("a.png", 9, 9)]) == TaskCost()


def test_a_sample_of_a_long_list_is_looked_at(picture, monkeypatch):
    small, large = picture("a.png", 10, 10), picture("b.png", 90, 90)
    looked_at = []
    of_task = ImageCosts.of_task
    monkeypatch.setattr(ImageCosts, "of_task", lambda self, group: looked_at.append(group) or of_task(self, group))
    costs = ImageCosts(model(), cells=True).of_tasks([*500 * [[small]], *500 * [[large]]])
    assert len(costs) == 1000
    assert SAMPLE / 2 < len(looked_at) <= SAMPLE
    assert costs[0].memory < costs[-1].memory
    assert ImageCosts(model(), cells=True).of_tasks([]) == []


@pytest.mark.ci
@pytest.mark.skipif(not IS_KNOWN, reason="the system does not say how much memory was used")
@pytest.mark.parametrize("diameter", [None, 16.0])  # the second one leaves the image as large as it is
def test_the_memory_of_a_prediction_is_estimated_from_above(tmp_path, diameter):
    pytest.importorskip("skimage")
    smear = draw_smear(np.random.default_rng(0), (1000, 1000)).image
    paths = [tmp_path / f"{number}.png" for number in range(2)]
    for path in paths:
        Image.fromarray(smear).save(path)
    flags = [] if diameter is None else ["--diameter", diameter]
    measured = peak_of(*paths, "--out", "out", "--workers", 1, *flags, folder=tmp_path)
    costs = ImageCosts(load_model(PRETRAINED_FILE, "cpu"), cells=True, diameter=diameter)
    estimate = PROCESS_BYTES + costs.of_task(paths[:1]).memory
    assert measured < estimate
    if diameter is not None:  # else the estimate is much too high: the image was shrunk
        assert measured > estimate / 3
