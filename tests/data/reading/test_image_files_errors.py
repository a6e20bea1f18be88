"""Files that cannot be used, each with its reason: damaged, too large, not an image; and Pillow's own limit of pixels."""

import struct
import threading
import warnings
import zlib

import numpy as np
import pytest
from PIL import Image

from minunet.data.reading.image_files import decode, decode_mask
from minunet.errors import UserError
from tests.data.small_pictures import GREY, photo, save, saved


def refused(path, *, mask=False):
    with pytest.raises(UserError) as caught:
        (decode_mask if mask else decode)(path)
    (problem,) = caught.value.problems
    return problem


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_floats_that_are_no_numbers_are_refused(tmp_path, value):
    path = save(tmp_path / "a.tif", np.tile(np.array([0.5, value, 2], np.float32), (4, 1)))
    remedy = "replace them, with numpy.nan_to_num for example."
    expected = f"{path} has no usable pixels: 4 of its 12 values are not a number (NaN) or infinite: {remedy}"
    assert refused(path) == expected


@pytest.mark.parametrize("values", [[-1.0, 5.0], [0.0, 1e6]])
def test_a_mask_of_floats_without_a_scale_is_refused(tmp_path, values):
    path = save(tmp_path / "a.tif", np.tile(np.array(values, np.float32), (4, 1)))
    assert refused(path, mask=True).startswith(f"{path} has no usable pixels: its 32-bit values run from ")
    assert refused(path, mask=True).endswith("export it as 8-bit or 16-bit.")


@pytest.mark.parametrize("ending", ["png", "jpg", "bmp", "tif"])
@pytest.mark.parametrize("part", [0.1, 0.5, 0.9])
def test_truncated_files_are_refused(tmp_path, ending, part):
    path = save(tmp_path / f"a.{ending}", photo(0, (240, 160)))
    path.write_bytes(path.read_bytes()[: int(part * path.stat().st_size)])
    problem = refused(path)
    assert problem.startswith(f"{path} ")
    assert "truncated" in problem
    assert problem.endswith("copy or export it again.")


def test_a_header_cut_off(tmp_path):
    path = save(tmp_path / "a.png", photo())
    path.write_bytes(path.read_bytes()[:20])
    assert "truncated" in refused(path)
    path.write_bytes(b"BM" + bytes(3))
    assert refused(path) == f"{path} starts like a BMP picture but is truncated or damaged: copy or export it again."


def test_damaged_data(tmp_path):
    path = save(tmp_path / "a.png", photo(0, (240, 160)))
    content = bytearray(path.read_bytes())
    content[3000:3100] = bytes(100)
    path.write_bytes(content)
    assert refused(path).startswith(f"{path} is damaged (") or refused(path).startswith(f"{path} is truncated")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (
            b"hello,\n  world " * 9,
            "is a text file, not an image (it begins with 'hello, world hello, world hello, world h')",
        ),
        (
            "größe\n".encode(),
            "is a text file, not an image (it begins with 'größe'): remove it or put the real image there.",
        ),
        (b"", "is empty (0 bytes): copy or export it again."),
        (bytes(range(256)), "is not an image that can be read: give a PNG, JPEG, BMP or TIFF file."),
        ("ü".encode() * 300, "is a text file, not an image (it begins with"),
    ],
)
def test_what_is_no_image(tmp_path, content, problem):
    path = tmp_path / "a.png"
    path.write_bytes(content)
    assert refused(path, mask=True).startswith(f"{path} {problem}")


def test_another_picture_format_under_a_known_name(tmp_path):
    path = saved(tmp_path / "a.png", Image.fromarray(photo()), format="WEBP")
    assert refused(path) == f"{path} is a WEBP picture, which is not read here: convert it to PNG."


def test_missing_forbidden_or_a_folder(tmp_path, monkeypatch):
    assert refused(tmp_path / "a.png") == f"{tmp_path}/a.png does not exist: check the name."
    assert refused(tmp_path) == f"{tmp_path} is a folder where an image file is expected: give a file in it."
    path = save(tmp_path / "b.png", GREY)

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("minunet.files.reading.os.open", refuse)  # root may read everything, so chmod shows nothing
    assert refused(path) == f"{path} may not be read: ask for permission to read it."


def _chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def test_pictures_beyond_the_limit_are_refused_before_they_are_decoded(tmp_path):
    path = tmp_path / "a.png"
    header = struct.pack(">IIBBBBB", 50_000, 40_000, 8, 0, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", b"") + _chunk(b"IEND", b""))
    assert refused(path) == (
        f"{path} has 50000x40000 pixels, 2,000 million; at most 537 million are read at once: cut it into pieces or shrink "
        "it."
    )


@pytest.mark.parametrize("ending", ["png", "tif"])
def test_pictures_beyond_pillows_limit_are_read(tmp_path, monkeypatch, ending):
    path = save(tmp_path / f"a.{ending}", photo())
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    assert np.array_equal(decode(path), photo())
    assert Image.MAX_IMAGE_PIXELS == 100


def test_threads_leave_pillows_limit_and_the_warning_filters_alone(tmp_path):
    path = save(tmp_path / "a.tif", photo())
    limit, filters = Image.MAX_IMAGE_PIXELS, list(warnings.filters)
    threads = [threading.Thread(target=lambda: [decode(path) for _ in range(20)]) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert limit == Image.MAX_IMAGE_PIXELS
    assert warnings.filters == filters
