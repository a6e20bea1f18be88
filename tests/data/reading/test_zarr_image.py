"""OME-Zarr images: both formats, every order of axes, levels, the size of a pixel, and one sentence for each that is not right."""

import shutil
import sys

import numpy as np
import pytest

from minunet.data.reading.image_files import decode, decode_mask
from minunet.data.reading.pixel_size import read_pixel_size
from minunet.data.reading.rows_of_files import open_rows
from minunet.data.reading.zarr_metadata import is_zarr
from minunet.errors import UserError
from tests.data.reading.stored_pyramids import metadata_of, picture, write_ome_zarr

zarr = pytest.importorskip("zarr")


@pytest.mark.parametrize(
    ("axes", "channels", "zarr_format"),
    [("tczyx", 3, 2), ("tczyx", 1, 3), ("cyx", 3, 3), ("yx", 1, 2), ("yxc", 3, 2), ("cyx", 2, 2)],
)
def test_pixels_of_every_level(axes, channels, zarr_format, tmp_path):
    path = tmp_path / "slide.ome.zarr"
    levels = write_ome_zarr(path, picture(channels=channels), axes, zarr_format)
    np.testing.assert_array_equal(decode(path), levels[0])
    assert read_pixel_size(path) == 0.25
    for number, level in enumerate(levels):
        with open_rows(path, level=lambda pyramid, rows, number=number: number) as rows:
            assert (rows.height, rows.width, rows.scale, rows.level) == (*level.shape[:2], 2**number, number)
            np.testing.assert_array_equal(rows.whole(), level)
            spans = [(10, 30), (25, level.shape[0])]
            for (start, stop), window in zip(spans, rows.windows(spans), strict=True):
                np.testing.assert_array_equal(window, level[start:stop])


@pytest.mark.parametrize("dtype", ["<u2", ">u2", np.float32, bool])
def test_numbers(dtype, tmp_path):
    image = (picture(channels=1) > 99 if dtype is bool else picture(channels=1) * 3).astype(dtype)
    write_ome_zarr(tmp_path / "a.zarr", image, "yx", levels=1)
    read = decode(tmp_path / "a.zarr")
    np.testing.assert_array_equal(read, image * np.uint8(255) if dtype is bool else image)
    assert read.dtype == (np.uint8 if dtype is bool else np.dtype(dtype).newbyteorder("="))


def test_grey_in_colour_is_grey(tmp_path):
    grey = picture(channels=1)
    write_ome_zarr(tmp_path / "a.zarr", np.repeat(grey[..., None], 3, axis=2), "cyx", levels=1)
    np.testing.assert_array_equal(decode(tmp_path / "a.zarr"), grey)
    with open_rows(tmp_path / "a.zarr") as rows:
        np.testing.assert_array_equal(rows.whole(), grey)


def test_a_mask(tmp_path):
    labels = np.arange(100 * 130, dtype=np.uint32).reshape(100, 130) // 900
    write_ome_zarr(tmp_path / "a.zarr", labels, "yx", levels=1)
    np.testing.assert_array_equal(decode_mask(tmp_path / "a.zarr"), labels)


def test_only_the_needed_chunks_are_read(tmp_path):
    level = write_ome_zarr(tmp_path / "a.zarr", picture(channels=1), "yx", levels=1)[0]
    for chunk in (tmp_path / "a.zarr/0/0").iterdir():
        chunk.write_bytes(b"damaged")
    with open_rows(tmp_path / "a.zarr") as rows:
        np.testing.assert_array_equal(next(rows.windows([(70, 90)])), level[70:90])


def test_what_bioformats2raw_writes(tmp_path):
    (tmp_path / "a.zarr").mkdir()
    levels = write_ome_zarr(tmp_path / "a.zarr/0", picture(channels=1), "yx", levels=1)
    write_ome_zarr(tmp_path / "a.zarr/1", picture(channels=1), "yx", levels=1)
    (tmp_path / "a.zarr/.zattrs").write_text('{"bioformats2raw.layout": 3}')
    said = []
    with open_rows(tmp_path / "a.zarr", report=said.append) as rows:
        np.testing.assert_array_equal(rows.whole(), levels[0])
    assert "holds 2 images; only the first is used" in said[0]


def test_missing_chunks_are_said(tmp_path):
    write_ome_zarr(tmp_path / "a.zarr", picture(channels=1), "yx", levels=1)
    (tmp_path / "a.zarr/0/0/1").unlink()
    said = []
    with open_rows(tmp_path / "a.zarr", report=said.append) as rows:
        assert not rows.whole()[:64, 64:128].any()
    assert "1 of the 6 chunks of level 0 are not stored, and are read as 0" in said[0]


@pytest.mark.parametrize(
    ("unit", "side", "known"),
    [
        ("nanometer", 250.0, 0.25),
        ("millimeter", 0.0005, 0.5),
        (None, 0.25, None),
        ("second", 0.25, None),
        ("micrometer", 400.0, None),
    ],
)
def test_pixel_size(unit, side, known, tmp_path):
    write_ome_zarr(tmp_path / "a.zarr", picture(channels=1), "yx", unit=unit, side=side, levels=1)
    assert read_pixel_size(tmp_path / "a.zarr") == (known if known is None else pytest.approx(known))


def problem(path):
    with pytest.raises(UserError) as caught:
        decode(path)
    (text,) = caught.value.problems
    assert str(path) in text
    return text


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_a_truncated_chunk(zarr_format, tmp_path):
    path = tmp_path / "a.zarr"
    write_ome_zarr(path, picture(channels=1), "yx", zarr_format, levels=1)
    chunk = path / ("0/1/1" if zarr_format == 2 else "0/c/1/1")
    chunk.write_bytes(chunk.read_bytes()[:20])
    assert "is damaged" in problem(path)


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({}, "a Zarr without an OME-Zarr image (no multiscales)"),
        ({"multiscales": []}, "no multiscales"),
        ({"multiscales": [{"axes": ["y", "x"], "datasets": []}]}, "have no datasets"),
        ({"multiscales": [{"axes": ["y", "x"], "datasets": [{"path": "../0"}]}]}, "no usable path"),
        ({"multiscales": [{"axes": ["y", "x"], "datasets": [{"path": "9"}]}]}, "its level 9 is missing"),
        (
            {"multiscales": [{"axes": ["z", "x"], "datasets": [{"path": "0"}]}]},
            "has the axes z and x: an image has x and y",
        ),
        (
            {"multiscales": [{"axes": ["c", "y", "x"], "datasets": [{"path": "0"}]}]},
            "level 0 has 2 axes, and the image 3",
        ),
        ({"plate": {}}, "an OME-Zarr plate of several images: give one of them, such as"),
        ({"bioformats2raw.layout": 3}, "has multiscales"),
    ],
)
def test_wrong_metadata(attributes, expected, tmp_path):
    path = tmp_path / "a.zarr"
    write_ome_zarr(path, picture(channels=1), "yx", 3 if "plate" in attributes else 2, levels=1, attributes=attributes)
    if expected == "has multiscales":
        shutil.rmtree(path / "0")
        expected = "holds no image (no folder 0"
    assert expected in problem(path)


def test_several_time_points_and_planes(tmp_path):
    group = zarr.open_group(str(tmp_path / "a.zarr"), mode="w", zarr_format=2)
    group.create_array("0", shape=(5, 1, 2, 64, 64), chunks=(1, 1, 1, 64, 64), dtype="uint8")
    axes = [{"name": axis} for axis in "tczyx"]
    group.attrs["multiscales"] = [{"axes": axes, "datasets": [{"path": "0"}]}]
    with pytest.raises(UserError) as caught:
        decode(tmp_path / "a.zarr")
    assert ["has 5 time points" in caught.value.problems[0], "has 2 planes" in caught.value.problems[1]] == [True, True]


def test_numbers_that_are_not_read(tmp_path):
    path = tmp_path / "a.zarr"
    write_ome_zarr(path, picture(channels=1).astype(np.complex64), "yx", levels=1)
    assert "holds complex64, which is not read here" in problem(path)
    write_ome_zarr(tmp_path / "b.zarr", picture(channels=1), "yx", 3, levels=1)
    file, content = metadata_of(tmp_path / "b.zarr/0")
    file.write_text(file.read_text().replace(content["data_type"], "no_such_type"))
    assert "its level 0 cannot be read" in problem(tmp_path / "b.zarr")


def test_folders_that_are_no_image(tmp_path):
    (tmp_path / "a.zarr").mkdir()
    assert "is not a Zarr, it has neither zarr.json nor .zattrs" in problem(tmp_path / "a.zarr")
    (tmp_path / "a.zarr/.zattrs").write_text("{")
    assert "this is not JSON" in problem(tmp_path / "a.zarr").replace(
        str(tmp_path / "a.zarr/.zattrs"), str(tmp_path / "a.zarr")
    )
    write_ome_zarr(tmp_path / "b.zarr", picture(channels=1), "yx", 3, levels=1)
    assert "is a Zarr array without the metadata of an image" in problem(tmp_path / "b.zarr/0")
    (tmp_path / "plain").mkdir()
    assert not is_zarr(tmp_path / "plain")
    assert not is_zarr(tmp_path / "missing.zarr")
    assert "is a folder where an image file is expected" in problem(tmp_path / "plain")


def test_without_the_package(tmp_path, monkeypatch):
    write_ome_zarr(tmp_path / "a.zarr", picture(channels=1), "yx", levels=1)
    monkeypatch.setitem(sys.modules, "zarr", None)
    assert "to read it, install zarr: python -m pip install 'minunet[zarr]'" in problem(tmp_path / "a.zarr")
