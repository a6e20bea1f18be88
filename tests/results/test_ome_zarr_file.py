"""Images with labels as OME-Zarr: every level, the metadata by a validator, odd sizes, and what is missing."""

import json
import sys

import numpy as np
import pytest

from minunet.data.reading.image_files import decode
from minunet.data.reading.pixel_size import read_pixel_size
from minunet.errors import UserError
from minunet.results import ome_zarr_file
from minunet.results.ome_zarr_file import level_shapes, write_ome_zarr

zarr = pytest.importorskip("zarr")


def strips(array):
    return lambda rows: (
        array[top : top + rows - 3] for top in range(0, len(array), rows - 3)
    )  # not those of the chunks


@pytest.fixture
def small_chunks(monkeypatch):
    monkeypatch.setattr(ome_zarr_file, "CHUNK", 16)
    monkeypatch.setattr(ome_zarr_file, "SMALLEST", 12)


def drawn(*shape, dtype=np.uint8):
    rng = np.random.default_rng(0)
    return rng.integers(0, np.iinfo(dtype).max, shape, dtype), rng.integers(0, 9, shape[:2], np.int32)


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize(("shape", "dtype"), [((50, 39, 3), np.uint8), ((33, 17), np.uint16)])
def test_every_level(shape, dtype, tmp_path):
    image, labels = drawn(*shape, dtype=dtype)
    path = tmp_path / "a.ome.zarr"
    write_ome_zarr(path, strips(image), strips(labels), shape[:2], "a", 0.5, cells=8)
    np.testing.assert_array_equal(decode(path), image)
    np.testing.assert_array_equal(decode(path / "labels/cells"), labels)
    assert read_pixel_size(path) == read_pixel_size(path / "labels/cells") == 0.5
    group = zarr.open_group(str(path), mode="r")
    expected, numbers = image.astype(float), labels
    for number, size in enumerate(level_shapes(shape[:2])):
        level = group[str(number)][...]
        level = np.moveaxis(level, 0, -1) if level.ndim == 3 else level
        assert level.shape[:2] == size
        assert np.abs(level - expected).max() <= number  # each level is rounded
        stored = group["labels/cells"][str(number)]
        assert stored.dtype == np.uint32
        np.testing.assert_array_equal(stored[...], numbers)
        odd = [(0, side % 2) for side in expected.shape[:2]] + [(0, 0)] * (expected.ndim - 2)
        padded = np.pad(expected, odd, mode="edge")
        expected = (padded[::2, ::2] + padded[1::2, ::2] + padded[::2, 1::2] + padded[1::2, 1::2]) / 4
        numbers = numbers[::2, ::2]


@pytest.mark.ci
@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("colours", [None, {1: (1, 2, 3), 2: (9, 9, 9)}, {}])
def test_the_metadata_are_valid(colours, tmp_path):
    models = pytest.importorskip("ome_zarr_models.v04")
    image, labels = drawn(20, 30, 3)
    write_ome_zarr(tmp_path / "a.zarr", strips(image), strips(labels), (20, 30), "a", None, colours, cells=8)
    group = zarr.open_group(str(tmp_path / "a.zarr"), mode="r")
    assert [axis.name for axis in models.Image.from_zarr(group).attributes.multiscales[0].axes] == ["c", "y", "x"]
    assert models.Labels.from_zarr(group["labels"]).attributes.labels == ["cells"]
    label = models.ImageLabel.from_zarr(group["labels/cells"]).attributes.image_label
    assert label.source.image == "../../"
    if colours:
        assert [(entry.label_value, tuple(entry.rgba)) for entry in label.colors] == [
            (1, (1, 2, 3, 255)),
            (2, (9, 9, 9, 255)),
        ]
    if colours is None:
        assert len({tuple(entry.rgba) for entry in label.colors}) == 8
    assert read_pixel_size(tmp_path / "a.zarr") is None
    omero = json.loads((tmp_path / "a.zarr/.zattrs").read_text())["omero"]
    assert [channel["color"] for channel in omero["channels"]] == ["FF0000", "00FF00", "0000FF"]


def test_without_the_package(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "zarr", None)
    image, labels = drawn(4, 5)
    with pytest.raises(UserError, match=r"needs zarr, which is not installed: python -m pip install 'minunet\[zarr\]'"):
        write_ome_zarr(tmp_path / "a.zarr", strips(image), strips(labels), (4, 5), "a")
