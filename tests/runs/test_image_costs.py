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
from minunet.runs.image_costs import (
    DECODED_WHOLE,
    EVERY_IMAGE,
    HELD,
    INPUT,
    LOOKED_AT,
    MUCH_SMALLER,
    NETWORK,
    SAMPLE,
    SCORES,
    WITH_CELLS,
    ImageCosts,
)
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
    # Before the diameter is estimated, the image may have cells of 8 pixels, half as large as the model knows them.
    estimated = ImageCosts(model(diameter=16.0), cells=False).of_task([path])
    assert estimated.memory - at_own_size.memory == (NETWORK * 2 + INPUT) * 3 * 300 * 400
    assert estimated.serial > by_diameter.serial


def test_a_close_look_at_some_images_finds_how_small_their_cells_are(picture, monkeypatch):
    paths = [picture(f"{number}.png", 300, 400) for number in range(40)]
    looked_at = []

    def estimate(network, rows):
        looked_at.append(rows)
        return 48.0 + len(looked_at)

    monkeypatch.setattr("minunet.runs.image_costs.estimate_of_rows", estimate)
    costs = ImageCosts(model(diameter=16.0), cells=False)
    upper, closer = (costs.of_tasks([[path] for path in paths], closely) for closely in (False, True))
    assert 1 < len(looked_at) <= LOOKED_AT
    smallest = 49.0 / MUCH_SMALLER
    shrunk = round(300 * 16 / smallest) * round(400 * 16 / smallest)
    assert (
        upper[0].memory - closer[0].memory
        == (NETWORK * 2 + INPUT) * 4 * 300 * 400 - INPUT * 300 * 400 - NETWORK * 2 * shrunk
    )
    assert closer[0].seconds(1) == upper[0].seconds(1) and len(closer) == 40
    # Where the diameter is given, or none is estimated, there is nothing to look at.
    for other in (ImageCosts(model(diameter=16.0), cells=False, diameter=60.0), ImageCosts(model(), cells=False)):
        assert other.of_tasks([paths[:1]], True) == other.of_tasks([paths[:1]])
    assert len(looked_at) <= LOOKED_AT
    assert costs.of_tasks([], True) == []
    # Images in which no cells are found are not resized.
    monkeypatch.setattr("minunet.runs.image_costs.estimate_of_rows", lambda network, rows: None)
    assert costs.of_tasks([paths[:1]], True)[0].memory < upper[0].memory


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


@pytest.fixture(scope="module")
def smear():
    return draw_smear(np.random.default_rng(0), (1000, 1000)).image


@pytest.mark.ci
@pytest.mark.skipif(not IS_KNOWN, reason="the system does not say how much memory was used")
@pytest.mark.parametrize("shrunk", [1, 10, 11])  # cells of 8 pixels are enlarged for the network
def test_the_memory_of_a_prediction_is_estimated_from_above(smear, tmp_path, shrunk):
    pytest.importorskip("skimage")
    side = 1000 // shrunk
    small = np.asarray(Image.fromarray(smear).resize((side, side), Image.Resampling.BOX))
    pixels = {1: small, 10: small, 11: np.tile(small, (6, 6, 1))}[shrunk]
    paths = [tmp_path / f"{number}.png" for number in range(2)]
    for path in paths:
        Image.fromarray(pixels).save(path)
    measured = peak_of(*paths, "--out", "out", "--workers", 1, folder=tmp_path)
    costs = ImageCosts(load_model(PRETRAINED_FILE, "cpu"), cells=True)
    upper, closer = (PROCESS_BYTES + costs.of_tasks([paths[:1]], closely)[0].memory for closely in (False, True))
    assert measured < closer <= upper
    assert measured > closer / 2


@pytest.mark.ci
@pytest.mark.skipif(not IS_KNOWN, reason="the system does not say how much memory was used")
def test_the_memory_of_a_prediction_at_a_given_diameter_is_estimated_from_above(smear, tmp_path):
    pytest.importorskip("skimage")
    Image.fromarray(smear).save(tmp_path / "a.png")
    diameter = 16.0  # which leaves the image as large as it is
    measured = peak_of(tmp_path / "a.png", "--out", "out", "--workers", 1, "--diameter", diameter, folder=tmp_path)
    costs = ImageCosts(load_model(PRETRAINED_FILE, "cpu"), cells=True, diameter=diameter)
    estimate = PROCESS_BYTES + costs.of_task([tmp_path / "a.png"]).memory
    assert estimate / 3 < measured < estimate
