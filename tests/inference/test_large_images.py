"""Large images, predicted some rows at a time: the probabilities of the whole image, in parts that follow each other."""

import numpy as np
import pytest

from minunet.checkpoints.model_file import load_model
from minunet.checkpoints.model_writing import write_model
from minunet.data.outputs import Outputs
from minunet.data.reading import image_rows
from minunet.data.reading.image_range import ImageRange
from minunet.data.reading.image_rows import ImageRows
from minunet.data.reading.preprocessing import Preprocessing
from minunet.inference import large_images, tile_size
from minunet.inference.large_images import predict_rows
from minunet.inference.predicted_maps import PredictedMaps
from tests.checkpoints.model_files import unet


@pytest.fixture
def small_limits(monkeypatch):
    """Everything is large, and tiles are small."""
    monkeypatch.setattr(image_rows, "LARGE", 0)
    monkeypatch.setattr(image_rows, "STRIP_PIXELS", 1500)
    monkeypatch.setattr(tile_size, "BUDGET", 1)
    monkeypatch.setattr(tile_size, "TILE_BYTES", 1)


def predicted(model, image, diameter=None, every=False):
    """The probabilities of an image, or all maps, put together from their parts, with what was reported."""
    reports = []
    parts = list(predict_rows(model, ImageRows.of_array(image), lambda *report: reports.append(report), diameter))
    assert len(parts) > 3
    assert all(len(pixels) == len(maps) for pixels, maps in parts)
    pixels, maps = zip(*parts, strict=True)
    pixels = np.concatenate(pixels)
    np.testing.assert_array_equal(pixels, image)
    total = reports[0][1]
    assert reports == [(done, total) for done in range(total + 1)]
    whole = PredictedMaps.joined(maps)
    return whole if every else whole.probability


def _joined(parts):
    return np.concatenate([maps.probability for _, maps in parts])


@pytest.mark.parametrize("settings", [{"size": (16, 12)}, {"crop": 8}, {"diameter": 12}])
def test_every_map_of_a_network_with_several_outputs(tmp_path, request, monkeypatch, settings):
    outputs = Outputs(("background", "red", "white"), "distance")
    path = write_model(tmp_path / "m", unet(out_channels=4, depth=2), Preprocessing(**settings), outputs=outputs)
    model = load_model(path)
    image = np.random.default_rng(0).integers(0, 256, (201, 130), np.uint8)
    request.getfixturevalue("small_limits")
    monkeypatch.setattr(large_images, "MOST_INPUT_PIXELS", 1)
    diameter = 24 if "diameter" in settings else None
    found, whole = predicted(model, image, diameter, every=True), model.predict_outputs(image, diameter)
    for name in ("probability", "separation"):
        np.testing.assert_allclose(getattr(found, name), getattr(whole, name), atol=1e-5)
    assert found.foreground_class.dtype == np.uint8 and set(np.unique(found.foreground_class)) == {1, 2}
    assert np.mean(found.foreground_class == whole.foreground_class) > 0.999
    assert np.array_equal(found.classes > 0, found.probability > 0.5)
    assert found.rows(3, 5).separation.shape == (2, 130) and len(found.rows(3)) == 198


@pytest.mark.parametrize("channels", ["grey", "rgb"])
@pytest.mark.parametrize(("shape", "size"), [((201, 130, 3), (16, 12)), ((90, 61), (61, 90)), ((40, 300, 3), (16, 70))])
def test_a_model_that_resizes(tmp_path, request, channels, shape, size):
    network = unet(in_channels=1 if channels == "grey" else 3)
    model = load_model(write_model(tmp_path / "m", network, Preprocessing(channels=channels, size=size)))
    image = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    whole = model.predict(image)
    request.getfixturevalue("small_limits")
    np.testing.assert_array_equal(predicted(model, image), whole)


@pytest.mark.parametrize("variant", ["paper", "classic"])
@pytest.mark.parametrize("depth", [1, 2, 3])
def test_a_model_of_native_resolution(tmp_path, request, variant, depth):
    model = load_model(write_model(tmp_path / "m", unet(variant=variant, depth=depth), Preprocessing(crop=8)))
    image = np.random.default_rng(0).integers(0, 65536, (421, 303), np.uint16)
    whole = model.predict(image)
    request.getfixturevalue("small_limits")
    found = predicted(model, image)
    np.testing.assert_allclose(found, whole, atol=1e-5)
    np.testing.assert_array_equal(found, model.predict(image))


@pytest.mark.parametrize("diameter", [None, 4.0])
def test_who_keeps_some_rows_keeps_no_others_in_memory(tmp_path, request, monkeypatch, diameter):
    monkeypatch.setattr(large_images, "MOST_INPUT_PIXELS", 1000)
    model = load_model(write_model(tmp_path / "m", unet(), Preprocessing(crop=8, diameter=diameter)))
    image = np.random.default_rng(0).integers(0, 256, (221, 203), np.uint8)
    request.getfixturevalue("small_limits")
    parts = list(predict_rows(model, ImageRows.of_array(image), diameter=diameter))
    assert len(parts) > 3
    for pixels, maps in parts:
        for array in (pixels, maps.probability):
            bottom = array if array.base is None else array.base
            assert bottom.nbytes <= array.nbytes * 2


def test_a_small_image_is_predicted_whole(tmp_path):
    model = load_model(write_model(tmp_path / "m", unet(), Preprocessing(crop=8)))
    image = np.random.default_rng(0).integers(0, 256, (31, 40), np.uint8)
    ((pixels, maps),) = predict_rows(model, ImageRows.of_array(image))
    np.testing.assert_array_equal(pixels, image)
    np.testing.assert_array_equal(maps.probability, model.predict(image))


@pytest.mark.parametrize("settings", [{"size": (16, 12)}, {"crop": 8}])
@pytest.mark.parametrize("channels", ["grey", "1", "1,0"])
def test_numbers_of_any_type_in_a_range(tmp_path, request, settings, channels):
    image_range = ImageRange((-2.5,) * 2, (3.5,) * 2) if channels == "1,0" else ImageRange(-2.5, 3.5)
    preprocessing = Preprocessing(channels=channels, range=image_range, **settings)
    network = unet(in_channels=2 if channels == "1,0" else 1, depth=1)
    model = load_model(write_model(tmp_path / "m", network, preprocessing))
    image = np.random.default_rng(0).normal(size=(201, 130) if channels == "grey" else (201, 130, 2))
    whole = model.predict(image)
    request.getfixturevalue("small_limits")
    np.testing.assert_allclose(predicted(model, image), whole, atol=1e-5)


def test_without_a_range_the_values_of_the_whole_image_say_what_is_white(tmp_path, request):
    """As in versions that read such files as 8 or 16 bits."""
    model = load_model(write_model(tmp_path / "m", unet(), Preprocessing(size=(16, 12))))
    image = np.random.default_rng(0).integers(0, 200, (201, 130)).astype(np.int32)
    image[200] = 250
    whole = model.predict(image.astype(np.uint8))
    request.getfixturevalue("small_limits")
    np.testing.assert_array_equal(_joined(predict_rows(model, ImageRows.of_array(image))), whole)
    image[200] = 60000
    whole = model.predict(image.astype(np.uint16))
    np.testing.assert_array_equal(_joined(predict_rows(model, ImageRows.of_array(image))), whole)


@pytest.mark.parametrize(("diameter", "limit"), [(24, 1), (24, 1 << 24), (6, 1), (12, 1)])
@pytest.mark.parametrize("channels", ["grey", "rgb"])
def test_an_image_whose_cells_have_a_diameter(tmp_path, request, monkeypatch, channels, diameter, limit):
    network = unet(in_channels=1 if channels == "grey" else 3)
    model = load_model(write_model(tmp_path / "m", network, Preprocessing(channels=channels, diameter=12)))
    image = np.random.default_rng(0).integers(0, 256, (201, 130, 3), np.uint8)
    request.getfixturevalue("small_limits")
    monkeypatch.setattr(large_images, "MOST_INPUT_PIXELS", limit)
    whole = model.predict(image, diameter)
    assert whole.shape == (201, 130)
    np.testing.assert_array_equal(predicted(model, image, diameter), whole)
    assert not np.array_equal(model.predict(image, 1.1 * diameter), whole)
