"""TIFF pyramids: every form of slide, each level by rows, the same pixels as tifffile, and files that are cut off."""

import numpy as np
import pytest
import tifffile

from minunet.data.reading import image_rows, rows_of_files
from minunet.data.reading.image_files import decode
from minunet.data.reading.open_images import open_image
from minunet.data.reading.pixel_size import read_pixel_size
from minunet.data.reading.rows_of_files import open_rows
from minunet.errors import UserError
from tests.data.reading.stored_pyramids import picture, write_ndpi, write_tiled


def level(number):
    return lambda pyramid, rows: number


FORMS = {
    "pages.tif": {},
    "deflate.tif": {"compression": "zlib", "predictor": True},
    "big.tif": {"bigtiff": True, "compression": "zlib"},
    "big.btf": {"bigtiff": True},
    "sub.ome.tif": {"compression": "zlib"},
    "planes.ome.tif": {"planarconfig": "separate"},
    "big.ome.tif": {"bigtiff": True},
    "big_endian.tif": {"byteorder": ">"},
    "strips.ome.tif": {"tile": None, "rowsperstrip": 9},  # as bfconvert writes them
    "rows.ome.tif": {"tile": None, "rowsperstrip": 1, "compression": "zlib"},
    "big_strips.ome.tif": {"tile": None, "rowsperstrip": 9, "bigtiff": True},
}


@pytest.mark.parametrize("name", FORMS)
def test_pixels_of_every_level(name, tmp_path, recwarn):
    options = dict(FORMS[name])
    order = options.pop("byteorder", None)
    path = tmp_path / name
    if order:
        with tifffile.TiffWriter(path, byteorder=order) as file:
            levels = [np.ascontiguousarray(picture()[:: 2**k, :: 2**k]) for k in range(3)]
            for layer in levels:
                file.write(layer, tile=(64, 64), photometric="rgb", metadata=None)
    else:
        levels = write_tiled(path, picture(), **options)
    np.testing.assert_array_equal(decode(path), levels[0])
    for number, expected in enumerate(levels):
        with open_rows(path, level=level(number)) as rows:
            assert (rows.height, rows.width, rows.scale) == (*expected.shape[:2], 2**number)
            np.testing.assert_array_equal(rows.whole(), expected)
            np.testing.assert_array_equal(next(rows.windows([(23, 25)])), expected[23:25])
    assert not recwarn.list  # the levels are no frames that are left out


@pytest.mark.parametrize("bigtiff", [False, True])
def test_smaller_pages_of_strips_are_no_copies(bigtiff, tmp_path):
    write_tiled(tmp_path / "a.tif", picture(), levels=2, tile=None, bigtiff=bigtiff)
    with open_image(tmp_path / "a.tif") as image:
        assert image.pyramid is None and image.header.frames == 2


@pytest.mark.parametrize("dtype", [np.uint16, np.float32, np.int8])
def test_numbers(dtype, tmp_path):
    levels = write_tiled(tmp_path / "a.ome.tif", (picture(channels=1) // 2).astype(dtype))
    with open_rows(tmp_path / "a.ome.tif", level=level(1)) as rows:
        whole = rows.whole()
        assert whole.dtype == dtype
        np.testing.assert_array_equal(whole, levels[1])


def test_channels_as_pages(tmp_path):
    image = np.stack([picture(channels=1, seed=k).astype(np.uint16) * 200 for k in range(2)])
    with tifffile.TiffWriter(tmp_path / "a.ome.tif") as file:
        file.write(image, subifds=1, tile=(64, 64), photometric="minisblack", metadata={"axes": "CYX"})
        file.write(np.ascontiguousarray(image[:, ::2, ::2]), subfiletype=1, tile=(64, 64), photometric="minisblack")
    np.testing.assert_array_equal(decode(tmp_path / "a.ome.tif"), np.moveaxis(image, 0, -1))
    with open_rows(tmp_path / "a.ome.tif", level=level(1)) as rows:
        np.testing.assert_array_equal(rows.whole(), np.moveaxis(image, 0, -1)[::2, ::2])


@pytest.mark.parametrize("compression", ["jpeg", "aperio_jp2000_ycbc", "aperio_jp2000_rgb", "lzw"])
def test_a_slide_of_aperio(compression, tmp_path, recwarn):
    pytest.importorskip("imagecodecs")  # which writes it here
    levels = write_tiled(tmp_path / "a.svs", picture(), compression=compression)
    assert read_pixel_size(tmp_path / "a.svs") == 0.25
    if compression == "jpeg":
        with tifffile.TiffFile(tmp_path / "a.svs") as file:
            levels = [stored.asarray() for stored in file.series[0].levels]
    for number, stored in enumerate(levels[:2]):
        with open_rows(tmp_path / "a.svs", level=level(number)) as rows:
            np.testing.assert_array_equal(rows.whole(), stored)
    assert decode(tmp_path / "a.svs").shape == levels[0].shape
    assert not recwarn.list


def test_a_slide_of_hamamatsu(tmp_path, recwarn):
    pytest.importorskip("imagecodecs")  # which writes it here
    write_ndpi(tmp_path / "a.ndpi", picture())
    with tifffile.TiffFile(tmp_path / "a.ndpi") as file:
        levels = [stored.asarray() for stored in file.series[0].levels]
    assert [stored.shape for stored in levels] == [(100, 130, 3), (50, 65, 3), (25, 33, 3)]
    assert read_pixel_size(tmp_path / "a.ndpi") == 0.25
    for number, stored in enumerate(levels):
        with open_rows(tmp_path / "a.ndpi", level=level(number)) as rows:
            np.testing.assert_array_equal(rows.whole(), stored)
    np.testing.assert_array_equal(decode(tmp_path / "a.ndpi"), levels[0])
    assert not recwarn.list


def test_tiles_that_are_not_stored(tmp_path):
    (expected,) = write_tiled(tmp_path / "a.tif", picture(channels=1), levels=1)
    with tifffile.TiffWriter(tmp_path / "b.tif") as file:
        padded = np.pad(expected, ((0, 28), (0, 62)))
        tiles = [np.ascontiguousarray(padded[y : y + 64, x : x + 64]) for y in (0, 64) for x in (0, 64, 128)]
        tiles[4] = None
        for k in (1, 2):
            layer = expected[::k, ::k]
            data = iter(tiles) if k == 1 else np.ascontiguousarray(layer)
            file.write(
                data,
                shape=layer.shape,
                dtype=layer.dtype,
                tile=(64, 64),
                metadata=None,
                compression="zlib" if k == 1 else None,
            )
    expected = expected.copy()
    expected[64:128, 64:128] = 0
    np.testing.assert_array_equal(decode(tmp_path / "b.tif"), expected)


@pytest.mark.parametrize(
    "options", [{"bigtiff": True}, {"planarconfig": "separate"}, {"planarconfig": "separate", "compression": "zlib"}]
)
def test_large_files_of_one_size_are_read_by_tiles(options, tmp_path, monkeypatch):
    """BigTIFF and separate planes, which Pillow decodes as a whole."""
    monkeypatch.setattr(image_rows, "LARGE", 1000)
    monkeypatch.setattr(image_rows, "STRIP_PIXELS", 1000)
    monkeypatch.setattr(rows_of_files, "LARGE", 1000)
    monkeypatch.setattr("minunet.data.reading.open_images.OpenImage.pixels", None)
    (expected,) = write_tiled(tmp_path / "a.tif", picture(), levels=1, **options)
    with open_rows(tmp_path / "a.tif") as rows:
        np.testing.assert_array_equal(next(rows.windows([(50, 90)])), expected[50:90])
        np.testing.assert_array_equal(rows.whole(), expected)


def test_a_level_that_is_not_there(tmp_path):
    write_tiled(tmp_path / "a.tif", picture())
    with (
        pytest.raises(UserError, match=r"has no level 3: it has 0 \(130x100\), 1 \(65x50\), 2 \(33x25\)"),
        open_rows(tmp_path / "a.tif", level=level(3)),
    ):
        pass


@pytest.mark.parametrize("compression", [None, "zlib"])
def test_a_file_that_is_cut_off(compression, tmp_path):
    """The directories of a TIFF may stand before its pixels, as in this OME-TIFF."""
    path = tmp_path / "a.ome.tif"
    write_tiled(path, picture(), compression=compression)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 3])
    with pytest.raises(UserError, match=r"a\.ome\.tif is (truncated|damaged)"):
        decode(path)
