"""Image files that end early or contradict themselves: an error, never black rows in the place of what is missing."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from minunet.data.reading.image_files import decode
from minunet.data.reading.open_images import open_image
from minunet.errors import UserError
from tests.data.small_pictures import photo, save


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(rows, *, width=4, height=6, interlaced=0, bits=8, colour=0, between=b""):
    """A grey PNG of the rows given, each with its filter, whatever size its header promises."""
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, interlaced)
    data = chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + between + data + chunk(b"IEND", b"")


def refused(path):
    with pytest.raises(UserError) as caught:
        decode(path)
    (problem,) = caught.value.problems
    assert problem.startswith(str(path))
    return problem


def written(tmp_path, data, name="a.png"):
    path = tmp_path / name
    path.write_bytes(data)
    return path


def test_a_png_is_whole_to_its_last_byte(tmp_path):
    path = save(tmp_path / "a.png", photo(0, (24, 16)))
    data = path.read_bytes()
    for cut in range(1, len(data)):
        problem = refused(written(tmp_path, data[:-cut]))
        assert "truncated" in problem or "empty" in problem or "not an image" in problem


@pytest.mark.parametrize("ending", ["bmp", "tif", "jpg"])
def test_so_are_the_other_formats(tmp_path, ending):
    path = save(tmp_path / f"a.{ending}", photo(0, (23, 16)))
    data = path.read_bytes()
    for cut in [*range(1, 40), *range(40, len(data), 37)]:
        path.write_bytes(data[:-cut])
        problem = refused(path)
        assert "truncated" in problem or "damaged" in problem or "not an image" in problem


@pytest.mark.parametrize("rows", [0, 1, 5])
@pytest.mark.parametrize("interlaced", [0, 1])
def test_rows_that_are_missing_are_not_black(tmp_path, rows, interlaced):
    data = b"".join(b"\0" + bytes([200] * 4) for _ in range(rows))
    problem = refused(written(tmp_path, png(data, interlaced=interlaced)))
    assert "truncated" in problem or "damaged" in problem


def test_rows_that_are_black_are_read(tmp_path):
    path = written(tmp_path, png(b"\0\1\2\3\4" * 5 + bytes(5)))
    assert decode(path)[:, 3].tolist() == [4, 4, 4, 4, 4, 0]


@pytest.mark.parametrize("mode", ["1", "L", "P", "I;16", "RGB", "RGBA", "LA"])
@pytest.mark.parametrize("size", [(1, 1), (7, 5), (33, 18)])
def test_black_pictures_of_every_kind_are_whole(tmp_path, mode, size):
    path = tmp_path / "a.png"
    Image.new(mode, size).save(path)
    assert decode(path).shape[:2] == size[::-1]


def interlaced_file(array):
    """A grey PNG with the rows in seven passes (ISO 15948, 8.2), which Pillow cannot write."""
    passes = ((0, 8, 0, 8), (4, 8, 0, 8), (0, 4, 4, 8), (2, 4, 0, 4), (0, 2, 2, 4), (1, 2, 0, 2), (0, 1, 1, 2))
    parts = [array[y::y_step, x::x_step] for x, x_step, y, y_step in passes]
    rows = b"".join(b"\0" + row.tobytes() for part in parts if part.size for row in part)
    return png(rows, width=array.shape[1], height=array.shape[0], interlaced=1)


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (5, 9), (17, 8)])
def test_interlaced_pictures_are_read(tmp_path, size):
    array = np.random.default_rng(0).integers(0, 256, size, np.uint8)
    assert np.array_equal(decode(written(tmp_path, interlaced_file(array))), array)


def test_a_flipped_bit_in_the_pixels_of_a_png_is_noticed(tmp_path):
    path = save(tmp_path / "a.png", photo(0, (24, 16)))
    data = path.read_bytes()
    begin = data.index(b"IDAT")
    for place in range(begin, len(data) - 12, 5):
        path.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        problem = refused(path)
        assert "damaged" in problem or "truncated" in problem


def test_a_small_file_cannot_promise_a_large_picture(tmp_path, monkeypatch):
    path = written(tmp_path, png(b"\0\0\0\0\0", width=20_000, height=20_000))
    monkeypatch.setattr(Image.Image, "load", lambda image: pytest.fail("its pixels were asked for"))
    assert "truncated" in refused(path)


def test_each_side_is_limited(tmp_path):
    path = written(tmp_path, png(b"", width=400_000_000, height=1))
    assert (
        refused(path) == f"{path} has 400000000x1 pixels; a side has at most 131,072: cut it into pieces or shrink it."
    )


@pytest.mark.parametrize("kind", [b"zTXt", b"iCCP", b"iTXt"])
def test_metadata_that_unpack_to_megabytes_are_not_unpacked(tmp_path, kind):
    bomb = zlib.compress(bytes(30_000_000))
    data = {b"zTXt": b"a\0\0", b"iCCP": b"a\0\0", b"iTXt": b"a\0\1\0\0\0"}[kind] + bomb
    path = written(tmp_path, png(b"\0\1\2\3\4" * 6, between=chunk(kind, data)))
    try:
        assert decode(path).shape == (6, 4)
    except UserError as error:
        assert "more text than pictures carry" in str(error) or "damaged" in str(error)


def test_pages_are_not_counted(tmp_path):
    page = Image.new("L", (4, 4))
    page.save(tmp_path / "many.tif", save_all=True, append_images=[page] * 300)
    with open_image(tmp_path / "many.tif") as image:
        assert image.header.frames == 2
        assert image.pixels().shape == (4, 4)
        assert image._image.tell() == 0


def test_a_page_that_follows_itself_is_one_page(tmp_path):
    page = io.BytesIO()
    Image.new("L", (4, 4)).save(page, "TIFF")
    data = bytearray(page.getvalue())
    directory = int.from_bytes(data[4:8], "little")
    after = directory + 2 + 12 * int.from_bytes(data[directory : directory + 2], "little")
    data[after : after + 4] = data[4:8]
    with open_image(written(tmp_path, data, "a.tif")) as image:
        assert image.header.frames == 1
        assert image.pixels().shape == (4, 4)


def test_a_page_beyond_the_end_of_the_file_is_missing(tmp_path):
    page = io.BytesIO()
    Image.new("L", (4, 4)).save(page, "TIFF")
    data = bytearray(page.getvalue())
    directory = int.from_bytes(data[4:8], "little")
    after = directory + 2 + 12 * int.from_bytes(data[directory : directory + 2], "little")
    data[after : after + 4] = (10**6).to_bytes(4, "little")
    assert "truncated" in refused(written(tmp_path, data, "a.tif"))


@pytest.mark.parametrize("kind", [b"eXIf", b"tEXt"])
@pytest.mark.parametrize("after", [False, True])
def test_an_orientation_beside_the_pixels_turns_the_header_too(tmp_path, kind, after):
    """Found among damaged pictures: the size in the header was that of the picture before it is turned."""
    exif = Image.Exif()
    exif[274] = 6
    data = exif.tobytes()[6:]
    if kind == b"tEXt":
        data = b"XML:com.adobe.xmp\0" + b'<x tiff:Orientation="6"/>'
    parts = png(b"\0\1\2\3\4" * 6), chunk(kind, data)
    place = parts[0].index(b"IEND" if after else b"IDAT") - 4
    path = written(tmp_path, parts[0][:place] + parts[1] + parts[0][place:])
    with open_image(path) as image:
        array = image.pixels()
        assert image.header.size == array.shape[::-1]
    if kind == b"eXIf":
        assert array.shape == (4, 6)


def test_the_last_orientation_counts(tmp_path):
    """Found among damaged pictures."""
    blocks = []
    for orientation in (1, 6):
        exif = Image.Exif()
        exif[274] = orientation
        blocks.append(chunk(b"eXIf", exif.tobytes()[6:]))
    whole = png(b"\0\1\2\3\4" * 6)
    first, last = whole.index(b"IDAT") - 4, whole.index(b"IEND") - 4
    path = written(tmp_path, whole[:first] + blocks[0] + whole[first:last] + blocks[1] + whole[last:])
    with open_image(path) as image:
        assert image.header.size == image.pixels().shape[::-1] == (6, 4)
