"""16-bit colour is read without loss: PNGs, also interlaced, TIFFs of every layout, with transparency or without."""

import io
import struct
import zlib

import numpy as np
import pytest
import tifffile
from PIL import Image

from minunet.data.reading.deep_colour import is_deep, over_white
from minunet.data.reading.image_files import decode, decode_mask
from minunet.data.reading.png_strips import png_chunk
from tests.data.small_pictures import photo, save

PASSES = ((0, 8, 0, 8), (4, 8, 0, 8), (0, 4, 4, 8), (2, 4, 0, 4), (0, 2, 2, 4), (1, 2, 0, 2), (0, 1, 1, 2))


def deep(channels, seed=0, shape=(13, 17)):
    return np.random.default_rng(seed).integers(0, 65536, (*shape, channels)).astype(np.uint16)


def png(path, values, *, interlaced=False, chunks=()):
    """A 16-bit PNG (ISO 15948), whose rows are filtered by the values to their left."""
    height, width, channels = values.shape
    colour, step = {2: 4, 3: 2, 4: 6}[channels], 2 * channels
    rows = []
    for x, x_step, y, y_step in PASSES if interlaced else ((0, 1, 0, 1),):
        part = values[y::y_step, x::x_step]
        for row in part.astype(">u2").reshape(len(part), -1) if part.size else ():
            data = np.frombuffer(row.tobytes(), np.uint8)
            rows.append(b"\1" + np.concatenate([data[:step], data[step:] - data[:-step]]).tobytes())
    header = struct.pack(">IIBBBBB", width, height, 16, colour, 0, 0, interlaced)
    parts = [(b"IHDR", header), *chunks, (b"IDAT", zlib.compress(b"".join(rows))), (b"IEND", b"")]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(*part) for part in parts))
    return path


def composited(values, alpha):
    share = alpha / 65535
    return np.rint(values * share + 65535 * (1 - share))


@pytest.mark.parametrize("interlaced", [False, True])
def test_png(tmp_path, interlaced):
    colours = deep(3)
    found = decode(png(tmp_path / "a.png", colours, interlaced=interlaced))
    assert found.dtype == np.uint16 and np.array_equal(found, colours)
    with_alpha = deep(4, seed=1)
    found = decode(png(tmp_path / "b.png", with_alpha, interlaced=interlaced))
    assert np.array_equal(found, composited(with_alpha[..., :3], with_alpha[..., 3:]))
    grey = deep(2, seed=2)
    found = decode(png(tmp_path / "c.png", grey, interlaced=interlaced))
    assert np.array_equal(found, composited(grey[..., 0], grey[..., 1]))


def test_a_transparent_colour_is_white(tmp_path):
    colours = deep(3)
    transparent = (b"tRNS", colours[3, 4].astype(">u2").tobytes())
    found = decode(png(tmp_path / "a.png", colours, chunks=[transparent]))
    expected = colours.copy()
    expected[3, 4] = 65535
    assert np.array_equal(found, expected)


def test_equal_channels_are_grey(tmp_path):
    grey = deep(1)
    assert np.array_equal(decode(png(tmp_path / "a.png", np.repeat(grey, 3, 2))), grey[..., 0])


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("options", [{}, {"tile": (16, 16)}, {"planarconfig": "separate"}, {"rowsperstrip": 3}])
@pytest.mark.parametrize("compression", [None, "zlib", "zlib, predicted"])
@pytest.mark.parametrize("channels", [3, 4])
def test_tiff(tmp_path, channels, compression, options, order):
    values = deep(channels, shape=(33, 37))
    stored = values.transpose(2, 0, 1) if options.get("planarconfig") else values
    packed = {"compression": "zlib", "predictor": "predicted" in compression} if compression else {}
    extra = {"extrasamples": ["unassalpha"]} if channels == 4 else {}
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, stored, photometric="rgb", byteorder=order, **packed, **options, **extra)
    found = decode(path)
    assert found.dtype == np.uint16
    assert np.array_equal(found, values if channels == 3 else composited(values[..., :3], values[..., 3:]))


def test_premultiplied_alpha(tmp_path):
    alpha = deep(1, seed=3)
    values = np.minimum(deep(3), alpha)
    tifffile.imwrite(tmp_path / "a.tif", np.dstack([values, alpha]), photometric="rgb", extrasamples=["assocalpha"])
    assert np.array_equal(decode(tmp_path / "a.tif"), values + (65535 - alpha))


def test_an_orientation_is_applied(tmp_path):
    colours = deep(3)
    exif = Image.Exif()
    exif[0x0112] = 6
    found = decode(png(tmp_path / "a.png", colours, chunks=[(b"eXIf", exif.tobytes()[6:])]))
    assert np.array_equal(found, colours.transpose(1, 0, 2)[:, ::-1])
    tifffile.imwrite(tmp_path / "a.tif", colours, photometric="rgb", extratags=[(274, 3, 1, 6, True)])
    assert np.array_equal(decode(tmp_path / "a.tif"), colours.transpose(1, 0, 2)[:, ::-1])


def test_eight_bits_are_not_deep(tmp_path):
    for name in ("a.png", "a.tif", "a.jpg", "a.bmp"):
        with Image.open(save(tmp_path / name, photo())) as image:
            assert not is_deep(image)
    data = io.BytesIO()
    Image.fromarray(np.zeros((3, 4), np.uint16)).save(data, "PNG")
    with Image.open(data) as image:
        assert not is_deep(image)


def test_a_mask_is_colours_of_8_bits(tmp_path):
    assert np.array_equal(decode_mask(png(tmp_path / "a.png", deep(3))), deep(3) >> 8)


def test_compositing_at_the_ends():
    values, ends = np.array([[[0, 65535]]], np.uint16), np.array([[[0]], [[65535]]], np.uint16)
    assert np.array_equal(over_white(values, ends[:1], 65535), [[[65535, 65535]]])
    assert np.array_equal(over_white(values, ends[1:], 65535), values)
