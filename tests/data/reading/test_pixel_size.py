"""The size of a pixel: read where a file gives that of a microscope, and never guessed."""

import numpy as np
import pytest
import tifffile
from PIL import Image

from minunet.data.reading.pixel_size import read_pixel_size

PIXELS = np.arange(48, dtype=np.uint8).reshape(6, 8)


@pytest.mark.parametrize(("unit", "scale"), [("CENTIMETER", 1e4), ("INCH", 25400)])
def test_resolution_of_a_tiff(tmp_path, unit, scale):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, PIXELS, resolution=(scale / 0.25, scale / 0.25), resolutionunit=unit)
    assert read_pixel_size(path) == pytest.approx(0.25, rel=1e-4)


def test_imagej(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, PIXELS, imagej=True, resolution=(8, 8), metadata={"unit": "um"})
    assert read_pixel_size(path) == pytest.approx(0.125)
    tifffile.imwrite(path, PIXELS, imagej=True, resolution=(8, 8), metadata={"unit": "pixel"})
    assert read_pixel_size(path) is None


@pytest.mark.parametrize(("unit", "expected"), [("µm", 0.2), ("nm", None), ("mm", None), ("pixel", None)])
def test_ome(tmp_path, unit, expected):
    path = tmp_path / "a.ome.tif"
    metadata = {
        "axes": "YX",
        "PhysicalSizeX": 0.2,
        "PhysicalSizeXUnit": unit,
        "PhysicalSizeY": 0.2,
        "PhysicalSizeYUnit": unit,
    }
    tifffile.imwrite(path, PIXELS, ome=True, metadata=metadata)
    assert read_pixel_size(path) == expected


def test_ome_in_nanometres_and_without_a_unit(tmp_path):
    path = tmp_path / "a.ome.tif"
    tifffile.imwrite(path, PIXELS, ome=True, metadata={"axes": "YX", "PhysicalSizeX": 0.5, "PhysicalSizeY": 0.5})
    assert read_pixel_size(path) == 0.5
    sizes = {"PhysicalSizeX": 250, "PhysicalSizeXUnit": "nm", "PhysicalSizeY": 250, "PhysicalSizeYUnit": "nm"}
    tifffile.imwrite(path, PIXELS, ome=True, metadata={"axes": "YX", **sizes})
    assert read_pixel_size(path) == pytest.approx(0.25)


def test_png(tmp_path):
    path = tmp_path / "a.png"
    Image.fromarray(PIXELS).save(path, dpi=(25400 / 0.2, 25400 / 0.2))
    assert read_pixel_size(path) == pytest.approx(0.2, rel=1e-3)


@pytest.mark.parametrize("dpi", [72, 96, 300, 600, 1200])
@pytest.mark.parametrize("ending", ["png", "tif", "jpg"])
def test_the_resolution_of_a_screen_or_a_printer_is_not_believed(tmp_path, dpi, ending):
    path = tmp_path / f"a.{ending}"
    Image.fromarray(PIXELS).save(path, dpi=(dpi, dpi))
    assert read_pixel_size(path) is None


def test_nothing_is_said_or_pixels_are_not_square(tmp_path):
    for ending in ("png", "tif", "jpg", "bmp"):
        Image.fromarray(PIXELS).save(tmp_path / f"a.{ending}")
        assert read_pixel_size(tmp_path / f"a.{ending}") is None
    tifffile.imwrite(tmp_path / "b.tif", PIXELS, resolution=(40000, 20000), resolutionunit="CENTIMETER")
    assert read_pixel_size(tmp_path / "b.tif") is None
    assert read_pixel_size(tmp_path / "missing.tif") is None
    (tmp_path / "text.tif").write_text("text")
    assert read_pixel_size(tmp_path / "text.tif") is None


def test_a_resolution_of_zero_is_nothing(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", PIXELS, resolution=(0, 0), resolutionunit="CENTIMETER")
    assert read_pixel_size(tmp_path / "a.tif") is None


def test_pillow_s_own_limit_of_pixels_does_not_count(tmp_path, monkeypatch):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, PIXELS, resolution=(40000, 40000), resolutionunit="CENTIMETER")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", PIXELS.size // 4)
    assert read_pixel_size(path) == pytest.approx(0.25)
