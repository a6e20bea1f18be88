"""TIFFs through tifffile: compression, tiles, BigTIFF, channels as pages, alpha, incomplete files, and what is not read."""

import importlib.util
import logging
import subprocess
import sys
import warnings

import numpy as np
import pytest
import tifffile
from PIL import Image

from minunet.data.reading.image_files import decode
from minunet.data.reading.lzw_segments import has_lzw
from minunet.data.reading.open_images import open_image
from minunet.errors import UserError

RNG = np.random.default_rng(0)
TWO = RNG.integers(0, 4096, (33, 37, 2)).astype(np.uint16)
DOUBLE = RNG.normal(size=(33, 37))


def written(path, values, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tifffile guesses
        tifffile.imwrite(path, values, **options)
    return path


def problem_of(path):
    with pytest.raises(UserError) as caught:
        decode(path)
    (problem,) = caught.value.problems
    return problem


@pytest.mark.parametrize("values", [TWO, DOUBLE, DOUBLE.astype(np.float16), (DOUBLE * 1e12).astype(np.int64)])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"compression": "zlib"},
        {"tile": (16, 32)},
        {"tile": (16, 16), "compression": "zlib", "predictor": True},
        {"bigtiff": True},
        {"byteorder": ">", "compression": "zlib"},
        {"rowsperstrip": 5, "compression": "zlib"},
    ],
    ids=str,
)
def test_layouts(tmp_path, values, options):
    if values.dtype != np.uint16 and options.get("predictor"):
        options = {**options, "predictor": False}
    found = decode(written(tmp_path / "a.tif", values, photometric="minisblack", planarconfig="contig", **options))
    assert found.dtype == values.dtype and np.array_equal(found, values)


@pytest.mark.parametrize("stored", ["imagej", "ome", "shaped"])
@pytest.mark.parametrize("channels", [2, 3, 5])
def test_pages_that_are_channels(tmp_path, stored, channels):
    pages = RNG.integers(0, 4096, (channels, 13, 17)).astype(np.uint16)
    options = {"imagej": {"imagej": True}, "ome": {"ome": True}, "shaped": {}}[stored]
    path = tmp_path / ("a.ome.tif" if stored == "ome" else "a.tif")
    written(path, pages, metadata={"axes": "CYX"}, photometric="minisblack", **options)
    reports = []
    assert np.array_equal(decode(path, report=reports.append), pages.transpose(1, 2, 0))
    assert not reports
    with open_image(path) as image:
        assert image.header.size == (17, 13) and image.header.frames == 1


@pytest.mark.parametrize("axes", ["ZYX", "TYX"])
def test_pages_that_are_no_channels_are_frames(tmp_path, axes):
    pages = RNG.integers(0, 256, (3, 13, 17)).astype(np.uint8)
    path = written(tmp_path / "a.tif", pages, imagej=True, metadata={"axes": axes}, photometric="minisblack")
    with pytest.warns(UserWarning, match="holds several frames; only the first is used"):
        assert np.array_equal(decode(path), pages[0])


def test_channels_in_each_of_several_frames_are_not_joined(tmp_path):
    pages = RNG.integers(0, 256, (3, 2, 13, 17)).astype(np.uint8)
    path = written(tmp_path / "a.tif", pages, imagej=True, metadata={"axes": "TCYX"}, photometric="minisblack")
    with pytest.warns(UserWarning, match="holds several frames"):
        assert np.array_equal(decode(path), pages[0, 0])


def test_a_broken_description_is_no_reason_to_refuse(tmp_path):
    for number, text in enumerate(['{"axes": 3}', "{", "<OME><broken", "ImageJ=1\nchannels=9999999999\n", "[" * 9999]):
        path = written(tmp_path / f"{number}.tif", TWO[..., 0], description=text, metadata=None)
        assert np.array_equal(decode(path), TWO[..., 0])


def test_alpha(tmp_path):
    with_alpha = {"photometric": "minisblack", "extrasamples": ["unassalpha"], "planarconfig": "contig"}
    share = TWO[..., 1] / 65535
    found = decode(written(tmp_path / "a.tif", TWO, **with_alpha))
    assert np.array_equal(found, np.rint(TWO[..., 0] * share + 65535 * (1 - share)))
    floats = DOUBLE[:, :36].reshape(33, -1, 2)  # white of floats is not known
    assert np.array_equal(decode(written(tmp_path / "b.tif", floats, **with_alpha)), floats[..., 0])
    five = RNG.integers(0, 256, (13, 17, 5)).astype(np.uint8)
    options = {"photometric": "rgb", "extrasamples": ["unspecified", "unassalpha"], "planarconfig": "contig"}
    assert np.array_equal(decode(written(tmp_path / "c.tif", five, **options)), five[..., :4])


@pytest.mark.parametrize("extra", ["unspecified", "unassalpha", "assocalpha"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_fourth_sample_of_colours_is_that_of_every_other_tiff(tmp_path, extra, dtype):
    pixels = RNG.integers(0, 256, (13, 17, 4)).astype(dtype)
    pixels[..., 3] = np.iinfo(dtype).max
    options = {"photometric": "rgb", "extrasamples": [extra]}
    expected = decode(written(tmp_path / "a.tif", pixels, **options))
    found = decode(written(tmp_path / "b.tif", pixels, bigtiff=True, byteorder=">", **options))  # not for Pillow
    assert expected.shape == (13, 17, 3) and np.array_equal(found, expected)


def test_webp_is_read_with_imagecodecs(tmp_path):
    pytest.importorskip("imagecodecs")
    pixels = RNG.integers(0, 256, (33, 41, 3)).astype(np.uint8)
    path = written(
        tmp_path / "a.tif", pixels, photometric="rgb", compression="webp", compressionargs={"lossless": True}
    )
    assert np.array_equal(decode(path), pixels)


def test_white_is_zero_and_an_orientation(tmp_path):
    values = RNG.integers(0, 2**62, (13, 17)).astype(np.uint64)
    path = written(tmp_path / "a.tif", values, photometric="miniswhite", extratags=[(274, 3, 1, 6, True)])
    assert np.array_equal(decode(path), (2**64 - 1 - values).T[:, ::-1])
    with open_image(path) as image:
        assert image.header.size == (13, 17) and image.header.stored_size == (17, 13)


@pytest.mark.parametrize("part", [0.3, 0.9, 0.995])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_incomplete_files(tmp_path, part, compression):
    path = written(tmp_path / "a.tif", DOUBLE, rowsperstrip=5, compression=compression)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * part)])
    assert "truncated" in problem_of(path)


def test_a_size_that_its_data_cannot_fill(tmp_path):
    path = written(tmp_path / "a.tif", DOUBLE, compression="zlib")
    data = bytearray(path.read_bytes())
    with tifffile.TiffFile(path) as tiff:
        for name in ("ImageLength", "RowsPerStrip"):
            place = tiff.pages.first.tags[name].valueoffset
            data[place : place + 2] = (60000).to_bytes(2, "little")
    path.write_bytes(data)
    assert "truncated" in problem_of(path)


@pytest.fixture
def no_imagecodecs(monkeypatch):
    """As where the package imagecodecs is not installed."""
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "imagecodecs" else find_spec(name))


@pytest.mark.parametrize("predictor", [False, True])
@pytest.mark.parametrize("tiled", [False, True])
def test_lzw(tmp_path, tiled, predictor, no_imagecodecs):
    """Written by Pillow's libtiff as bytes, under the header of other numbers."""
    path, values = tmp_path / "a.tif", TWO[:32, :32]
    rows = 8
    tiles = [values[y : y + 16, x : x + 16] for y in (0, 16) for x in (0, 16)]
    parts = tiles if tiled else [values[y : y + rows] for y in range(0, 32, rows)]
    if predictor:
        parts = [np.concatenate([part[:, :1], np.diff(part, axis=1)], axis=1) for part in parts]
    packed = []
    for part in parts:
        raw = np.frombuffer(part.tobytes(), np.uint8).reshape(part.shape[0], -1)
        Image.fromarray(raw).save(path, compression="tiff_lzw", tiffinfo={278: part.shape[0]})
        with tifffile.TiffFile(path) as tiff:
            page = tiff.pages.first
            packed.append(path.read_bytes()[page.dataoffsets[0] :][: page.databytecounts[0]])
    options = {"tile": (16, 16)} if tiled else {"rowsperstrip": rows}
    path.unlink()
    options |= {"photometric": "minisblack", "planarconfig": "contig", "predictor": predictor}
    with tifffile.TiffWriter(path) as writer:
        writer.write(iter(packed), shape=values.shape, dtype=np.uint16, compression="zlib", metadata=None, **options)
    with tifffile.TiffFile(path, mode="r+") as tiff:
        tiff.pages.first.tags["Compression"].overwrite(5)
    with tifffile.TiffFile(path) as tiff:
        assert has_lzw(tiff.pages.first)
    assert np.array_equal(decode(path), values)


@pytest.mark.skipif(importlib.util.find_spec("imagecodecs") is not None, reason="imagecodecs unpacks everything")
def test_what_needs_imagecodecs_says_so(tmp_path):
    path = written(tmp_path / "a.tif", DOUBLE, compression="zlib")
    with tifffile.TiffFile(path, mode="r+") as tiff:
        tiff.pages.first.tags["Compression"].overwrite(34887)  # LERC
    assert problem_of(path).endswith(
        "install the package imagecodecs (pip install imagecodecs), or save it without compression."
    )


def test_tifffile_prints_nothing(tmp_path, caplog, capsys):
    path = written(tmp_path / "a.tif", DOUBLE)
    data = bytearray(path.read_bytes())
    path.write_bytes(data[:-1])
    with caplog.at_level(logging.CRITICAL):
        problem_of(path)
    assert capsys.readouterr() == ("", "")


def test_importing_minunet_does_not_load_tifffile():
    code = "import sys, minunet, minunet.data.reading.image_files; sys.exit('tifffile' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
