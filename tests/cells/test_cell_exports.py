"""Exports: each file is read by its own library, and gives exactly the same cells."""

import io
import json

import numpy as np
import pytest
import tifffile

from minunet.cells.cell_exports import EXPORTS, coco, geojson, ome_tiff, roi_zip, run_lengths
from minunet.cells.cell_measures import Cells, measure_cells
from minunet.cells.labels_tiff import labels_tiff
from minunet.cells.pixel_outlines import pixel_outlines
from minunet.data.outlines.coco import read_coco
from minunet.data.outlines.geojson import read_geojson
from minunet.data.reading.numbered_cells import number_cells
from tests.cells.drawn_cells import disc


@pytest.fixture(scope="module")
def cells():
    """A disc at the corner, two that touch, a ring around a cell, and a cell of two parts that meet at a corner."""
    labels = np.zeros((60, 80), np.int32)
    for number, (y, x, radius) in enumerate([(3, 3, 8), (20, 30, 9), (20, 46, 9)], start=1):
        labels[disc(labels.shape, y, x, radius) & (labels == 0)] = number
    ring = disc(labels.shape, 44, 20, 13) & ~disc(labels.shape, 44, 20, 7)
    labels[ring] = 4
    labels[disc(labels.shape, 44, 20, 4)] = 5
    labels[40:45, 60:65] = labels[45:50, 65:70] = 6
    return Cells(labels, measure_cells(labels, np.where(labels, 0.9, 0.1)))


def filled(loops, shape):
    """The pixels whose middle is inside of the loops, by the even-odd rule."""
    rows, columns = np.indices(shape) + 0.5
    inside = np.zeros(shape, bool)
    for loop in loops:
        for (x, y), (u, v) in zip(loop, np.roll(loop, -1, axis=0), strict=True):
            if y != v:
                crosses = (np.minimum(y, v) < rows) & (rows < np.maximum(y, v))
                inside ^= crosses & (columns < x + (rows - y) * (u - x) / (v - y))
    return inside


def test_outlines_fill_the_same_pixels(cells):
    rng = np.random.default_rng(0)
    shapes = [cells.labels == number for number in range(1, 7)] + [rng.random((12, 15)) > 0.5 for _ in range(20)]
    for cell in shapes:
        loops = pixel_outlines(cell)
        assert (filled(loops, cell.shape) == cell).all()
        areas = [np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y) / 2 for x, y in (loop.T for loop in loops)]
        assert sum(areas) == cell.sum()  # holes go round the other way
    assert pixel_outlines(np.ones((2, 3), bool))[0].tolist() == [[0, 0], [3, 0], [3, 2], [0, 2]]
    assert len(pixel_outlines(cells.labels == 4)) == 2
    assert len(pixel_outlines(cells.labels == 6)) == 2


def test_imagej_regions(cells, tmp_path):
    import roifile

    (tmp_path / "rois.zip").write_bytes(roi_zip(cells, "smear", None))
    rois = roifile.roiread(tmp_path / "rois.zip")
    assert [int(roi.name) for roi in rois] == [1, 2, 3, 4, 5, 6]
    for roi in rois:
        loops = roi.coordinates(multi=True) if roi.composite else [roi.coordinates()]
        loops = [loop[:-1] if (loop[0] == loop[-1]).all() else loop for loop in loops]
        assert (filled(loops, cells.labels.shape) == (cells.labels == int(roi.name))).all()
        assert (roi.left, roi.top) == tuple(np.concatenate(loops).min(axis=0).astype(int))


def test_geojson(cells):
    document = json.loads(geojson(cells, "smear", None))
    assert document["type"] == "FeatureCollection"
    assert len({feature["id"] for feature in document["features"]}) == 6
    for feature in document["features"]:
        number = int(feature["properties"]["name"])
        polygons = feature["geometry"]["coordinates"]
        polygons = [polygons] if feature["geometry"]["type"] == "Polygon" else polygons
        rings = [ring for polygon in polygons for ring in polygon]
        assert all(ring[0] == ring[-1] for ring in rings)
        assert (filled([np.array(ring[:-1]) for ring in rings], cells.labels.shape) == (cells.labels == number)).all()
        assert feature["properties"]["measurements"]["area_px2"] == (cells.labels == number).sum()
        assert feature["properties"]["measurements"]["confidence"] == pytest.approx(0.9)


def test_coco(cells):
    document = json.loads(coco(cells, "smear.png", None))
    height, width = cells.labels.shape
    assert document["images"] == [{"id": 1, "file_name": "smear.png", "width": width, "height": height}]
    for item in document["annotations"]:
        cell = cells.labels == item["id"]
        if item["iscrowd"]:
            counts = item["segmentation"]["counts"]
            read = np.repeat(np.arange(len(counts)) % 2 == 1, counts).reshape((height, width), order="F")
        else:
            (polygon,) = item["segmentation"]
            read = filled([np.array(polygon).reshape(-1, 2)], cell.shape)
        assert (read == cell).all()
        assert item["area"] == cell.sum()
        left, top, wide, high = item["bbox"]
        assert cell[top : top + high, left : left + wide].sum() == cell.sum()
    assert sorted(item["iscrowd"] for item in document["annotations"]) == [0, 0, 0, 0, 1, 1]
    cell = np.array([[True, False], [True, True]])
    assert run_lengths(cell, 0, 0, (2, 2)) == [0, 2, 1, 1]
    assert run_lengths(cell, 1, 2, (4, 5)) == [9, 2, 3, 1, 5]


def test_ome_tiff(cells, tmp_path):
    path = tmp_path / "labels.ome.tif"
    path.write_bytes(ome_tiff(cells, "smear", 0.25))
    with tifffile.TiffFile(path) as file:
        assert file.is_ome
        assert (file.asarray() == cells.labels).all()
        assert file.pages[0].dtype == np.uint16
        xml = file.ome_metadata
    assert 'PhysicalSizeX="0.25"' in xml and 'PhysicalSizeXUnit="µm"' in xml
    path.write_bytes(ome_tiff(cells, "smear", None))
    with tifffile.TiffFile(path) as file:
        assert "PhysicalSize" not in file.ome_metadata


def test_ome_tiff_by_the_package_of_its_standard(cells, tmp_path):
    ome_types = pytest.importorskip("ome_types")
    path = tmp_path / "labels.ome.tif"
    path.write_bytes(ome_tiff(cells, "smear", 0.25))
    pixels = ome_types.from_tiff(path).images[0].pixels
    assert (pixels.physical_size_x, pixels.size_x, pixels.size_y) == (0.25, 80, 60)


def test_labels_are_16_bits_wide_and_32_where_they_must(tmp_path):
    path = tmp_path / "labels.tif"
    for top, dtype in ((65535, np.uint16), (65536, np.uint32)):
        labels = np.array([[0, 1], [top, 2]], np.int32)
        path.write_bytes(labels_tiff(labels, 0.5))
        with tifffile.TiffFile(path) as file:
            assert file.asarray().dtype == dtype
            assert (file.asarray() == labels).all()
            assert file.pages[0].get_resolution(unit="MICROMETER") == pytest.approx((2, 2))


def test_an_image_without_cells_has_files_too():
    empty = Cells(np.zeros((5, 6), np.int32), [])
    for _, make in EXPORTS.values():
        assert make(empty, "empty", None)
    assert json.loads(coco(empty, "empty", None))["annotations"] == []
    assert (tifffile.imread(io.BytesIO(ome_tiff(empty, "e", None))) == 0).all()


@pytest.mark.parametrize(("export", "read"), [(coco, read_coco), (geojson, read_geojson)])
def test_exported_outlines_are_read_as_the_same_cells(cells, export, read):
    document = json.loads(export(cells, "smear.png", None))
    outlines = read(document, "file")
    outlines = outlines["smear.png"] if isinstance(outlines, dict) else outlines
    labels, _ = number_cells(outlines.parts(cells.labels.shape), cells.labels.shape)
    assert np.array_equal(labels, cells.labels)
