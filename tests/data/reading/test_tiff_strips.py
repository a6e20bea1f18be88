"""TIFF files read in strips: the same pixels as read whole, in every kind and compression."""

import numpy as np
import pytest
from PIL import TiffImagePlugin

from tests.data.reading.pictures_by_rows import IMAGES, assert_same, held_whole, smooth

pytestmark = pytest.mark.usefixtures("every_image_is_large")


TIFFS = [
    *((None, kind) for kind in ("grey", "1-bit", "16-bit", "colour", "grey in colour", "palette", "alpha")),
    *((name, kind) for name in ("tiff_lzw", "packbits") for kind in ("grey", "16-bit", "palette", "alpha")),
    *(("tiff_adobe_deflate", kind) for kind in ("grey", "16-bit", "colour", "grey in colour")),
    *(("jpeg", kind) for kind in ("grey", "colour")),
    ("group4", "1-bit"),
]


@pytest.mark.parametrize(("compression", "kind"), TIFFS)
def test_tiff_of_strips(tmp_path, monkeypatch, compression, kind):
    monkeypatch.setattr(TiffImagePlugin, "WRITE_LIBTIFF", True)  # older Pillows write several strips only by libtiff
    IMAGES[kind]().save(tmp_path / "image.tif", compression=compression, tiffinfo={278: 8})
    assert_same(tmp_path / "image.tif")
    if compression not in ("jpeg", "group4") and kind in ("grey", "16-bit", "colour"):
        assert not held_whole(monkeypatch, tmp_path / "image.tif")


@pytest.mark.parametrize("kind", ["grey", "16-bit", "colour"])
@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("order", ["<", ">"])
def test_tiff_of_tiles(tmp_path, monkeypatch, kind, compression, order):
    tifffile = pytest.importorskip("tifffile")
    pixels = np.asarray(IMAGES[kind]())
    photometric = "rgb" if pixels.ndim == 3 else "minisblack"
    options = {"photometric": photometric, "compression": compression, "byteorder": order}
    tifffile.imwrite(tmp_path / "image.tif", pixels, tile=(16, 32), **options)
    assert_same(tmp_path / "image.tif", pixels)
    assert not held_whole(monkeypatch, tmp_path / "image.tif")
    tifffile.imwrite(tmp_path / "strips.tif", pixels, **options)  # uncompressed: one strip
    assert_same(tmp_path / "strips.tif", pixels)


@pytest.mark.parametrize("options", [{"tile": (16, 32)}, {"rowsperstrip": 8, "compression": "zlib"}])
@pytest.mark.parametrize("order", ["<", ">"])
def test_big_tiff(tmp_path, monkeypatch, options, order):
    tifffile = pytest.importorskip("tifffile")
    pixels = np.asarray(IMAGES["colour"]())
    tifffile.imwrite(tmp_path / "image.tif", pixels, photometric="rgb", bigtiff=True, byteorder=order, **options)
    assert_same(tmp_path / "image.tif", pixels)
    assert not held_whole(monkeypatch, tmp_path / "image.tif")


@pytest.mark.parametrize("kind", ["int16", "uint32", "int32", "float32", "16-bit colour", "16-bit colour and alpha"])
@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("order", ["<", ">"])
def test_tiff_of_wide_numbers_and_of_deep_colour(tmp_path, monkeypatch, kind, compression, order):
    tifffile = pytest.importorskip("tifffile")
    colours = {"16-bit colour": (3,), "16-bit colour and alpha": (4,)}.get(kind)
    pixels = smooth(colours, np.uint16) if colours else (smooth() * 91.0 - 9000 * (kind[0] != "u")).astype(kind)
    options = {"photometric": "rgb" if colours else "minisblack", "compression": compression, "byteorder": order}
    options |= {"extrasamples": ["unassalpha"]} if colours == (4,) else {}
    tifffile.imwrite(tmp_path / "image.tif", pixels, tile=(16, 32), **options)
    assert_same(tmp_path / "image.tif", None if colours == (4,) else pixels)
    assert not held_whole(monkeypatch, tmp_path / "image.tif")


@pytest.mark.parametrize("dtype", ["float64", "int64", "float16"])
def test_what_tifffile_reads_is_cut(tmp_path, dtype):
    tifffile = pytest.importorskip("tifffile")
    pixels = (smooth((2,)) * 91.0 - 9000).astype(dtype)
    tifffile.imwrite(tmp_path / "image.tif", pixels, photometric="minisblack", planarconfig="contig")
    assert_same(tmp_path / "image.tif", pixels)


def test_tiff_whose_white_is_zero(tmp_path):
    tifffile = pytest.importorskip("tifffile")
    for dtype in (np.uint8, np.uint16):
        tifffile.imwrite(tmp_path / "image.tif", smooth(dtype=dtype), photometric="miniswhite")
        assert_same(tmp_path / "image.tif")
