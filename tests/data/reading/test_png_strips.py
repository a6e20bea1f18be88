"""PNG files read in strips: the same pixels as read whole, and the same errors."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from minunet.data.reading.image_files import decode
from minunet.errors import UserError
from tests.data.reading.pictures_by_rows import HEIGHT, IMAGES, WIDTH, assert_same, by_rows, held_whole

pytestmark = pytest.mark.usefixtures("every_image_is_large")


@pytest.mark.parametrize("kind", IMAGES)
def test_png(tmp_path, monkeypatch, kind):
    IMAGES[kind]().save(tmp_path / "image.png")
    assert_same(tmp_path / "image.png")
    assert not held_whole(monkeypatch, tmp_path / "image.png")


def test_png_with_a_transparent_colour(tmp_path):
    for kind in ("grey", "colour", "palette"):
        image = IMAGES[kind]()
        image.save(tmp_path / "image.png", transparency=(100, 100, 100) if kind == "colour" else 100)
        assert_same(tmp_path / "image.png")


def png(width, height, depth, colour, rows, interlace=0):
    """A PNG file of rows with their filters."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlace)
    packed = zlib.compress(rows)
    parts = [packed[i : i + 50] for i in range(0, len(packed), 50)]
    content = b"".join(chunk(b"IDAT", part) for part in parts)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + content + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("depth", "colour", "row_bytes"), [(8, 0, 45), (16, 0, 90), (8, 2, 135), (4, 0, 23), (2, 0, 12)]
)
def test_png_with_every_filter(tmp_path, depth, colour, row_bytes):
    rng = np.random.default_rng(0)
    rows = b"".join(bytes([rng.integers(0, 5)]) + rng.bytes(row_bytes) for _ in range(HEIGHT))
    (tmp_path / "image.png").write_bytes(png(WIDTH, HEIGHT, depth, colour, rows))
    assert_same(tmp_path / "image.png")


@pytest.mark.parametrize("chunks", ["exif", "after the pixels", "xmp"])
def test_png_that_is_turned_is_read_whole(tmp_path, chunks):
    exif = Image.Exif()
    exif[0x0112] = 6
    info = PngInfo()
    image = IMAGES["grey"]()
    if chunks == "exif":
        image.save(tmp_path / "image.png", exif=exif)
    elif chunks == "after the pixels":
        buffer = io.BytesIO()
        image.save(buffer, "PNG")
        data, end = buffer.getvalue()[:-12], buffer.getvalue()[-12:]
        block = exif.tobytes()[6:]
        chunk = struct.pack(">I", len(block)) + b"eXIf" + block + struct.pack(">I", zlib.crc32(b"eXIf" + block))
        (tmp_path / "image.png").write_bytes(data + chunk + end)
    else:
        info.add_itxt("XML:com.adobe.xmp", '<x tiff:Orientation="6"/>')
        image.save(tmp_path / "image.png", pnginfo=info)
    whole = decode(tmp_path / "image.png")
    assert_same(tmp_path / "image.png", whole)


def test_interlaced_png_is_read_whole(tmp_path):
    passes = b"".join(
        b"\0" + bytes(range(len(range(x, WIDTH, dx))))
        for x, dx, y, dy in (
            (0, 8, 0, 8),
            (4, 8, 0, 8),
            (0, 4, 4, 8),
            (2, 4, 0, 4),
            (0, 2, 2, 4),
            (1, 2, 0, 2),
            (0, 1, 1, 2),
        )
        for _ in range(y, HEIGHT, dy)
    )
    (tmp_path / "image.png").write_bytes(png(WIDTH, HEIGHT, 8, 0, passes, interlace=1))
    assert_same(tmp_path / "image.png")


def test_a_changed_byte_in_the_middle_of_a_png(tmp_path):
    path = tmp_path / "image.png"
    IMAGES["colour"]().save(path)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 255
    path.write_bytes(data)
    with pytest.raises(UserError, match="damaged"):
        by_rows(path)


def test_a_png_with_too_few_rows(tmp_path):
    rows = b"".join(b"\1" + bytes(WIDTH) for _ in range(HEIGHT - 3))
    (tmp_path / "image.png").write_bytes(png(WIDTH, HEIGHT, 8, 0, rows))
    with pytest.raises(UserError, match="truncated"):
        by_rows(tmp_path / "image.png")
