"""Image files read by rows: the same pixels as read whole, for every kind of PNG and TIFF, and the same errors."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageFile, TiffImagePlugin
from PIL.PngImagePlugin import PngInfo

from minunet.data.reading import image_rows, rows_of_files
from minunet.data.reading.image_files import decode
from minunet.data.reading.rows_of_files import open_rows
from minunet.errors import UserError

HEIGHT, WIDTH = 67, 45


@pytest.fixture(autouse=True)
def every_image_is_large(monkeypatch):
    for module in (image_rows, rows_of_files):
        monkeypatch.setattr(module, "LARGE", 0)
    monkeypatch.setattr(image_rows, "STRIP_PIXELS", 7 * WIDTH)


def smooth(channels=(), dtype=np.uint8):
    """Pixels for which a PNG writer uses all of its filters."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    noise = np.random.default_rng(0).integers(0, 40, (HEIGHT, WIDTH, *channels))
    waves = (np.sin(x / 9) * np.cos(y / 7) + 1) * 100
    values = noise + (waves[..., None] if channels else waves)
    return (values * (200 if dtype == np.uint16 else 1)).astype(dtype)


IMAGES = {
    "grey": lambda: Image.fromarray(smooth()),
    "1-bit": lambda: Image.fromarray(smooth()).convert("1"),
    "16-bit": lambda: Image.fromarray(smooth(dtype=np.uint16)),
    "colour": lambda: Image.fromarray(smooth((3,))),
    "grey in colour": lambda: Image.fromarray(smooth()).convert("RGB"),
    "palette": lambda: Image.fromarray(smooth((3,))).quantize(200),
    "palette of 4": lambda: Image.fromarray(smooth((3,))).quantize(4),
    "alpha": lambda: Image.fromarray(smooth((4,))),
    "grey with alpha": lambda: Image.fromarray(smooth((4,))).convert("LA"),
}


def by_rows(path):
    with open_rows(path) as rows:
        strips = list(rows.windows(image_rows.spans_of(rows.height, 5)))
        again = rows.whole()
    found = np.concatenate(strips)
    np.testing.assert_array_equal(found, again)
    assert all(strip.dtype == found.dtype for strip in strips)
    return found


def assert_same(path, whole=None):
    expected = decode(path) if whole is None else whole
    found = by_rows(path)
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found, expected)


def held_whole(monkeypatch, path):
    """Whether the file was decoded as a whole."""
    calls = []
    load = ImageFile.ImageFile.load

    def counted(self):
        if self.size == (WIDTH, HEIGHT):
            calls.append(self)
        return load(self)

    monkeypatch.setattr(ImageFile.ImageFile, "load", counted)
    by_rows(path)
    return bool(calls)


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


@pytest.mark.parametrize("kind", ["int16", "uint32", "int32", "float32", "16-bit colour", "16-bit colour and alpha"])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_tiff_of_wide_numbers_and_of_deep_colour(tmp_path, monkeypatch, kind, compression):
    tifffile = pytest.importorskip("tifffile")
    colours = {"16-bit colour": (3,), "16-bit colour and alpha": (4,)}.get(kind)
    pixels = smooth(colours, np.uint16) if colours else (smooth() * 91.0 - 9000 * (kind[0] != "u")).astype(kind)
    options = {"photometric": "rgb" if colours else "minisblack", "compression": compression}
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


@pytest.mark.parametrize("orientation", [1, 3, 6])
def test_turned_pictures(tmp_path, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    for name in ("image.tif", "image.jpg"):
        IMAGES["colour"]().save(tmp_path / name, exif=exif)
        assert_same(tmp_path / name)


def test_other_files_are_decoded_whole_and_cut(tmp_path):
    for kind in ("grey", "colour"):
        IMAGES[kind]().save(tmp_path / "image.jpg")
        IMAGES[kind]().save(tmp_path / "image.bmp")
        assert_same(tmp_path / "image.jpg")
        assert_same(tmp_path / "image.bmp")
    Image.fromarray(smooth().astype(np.float32)).save(tmp_path / "float.tif")
    assert_same(tmp_path / "float.tif")


@pytest.mark.parametrize("name", ["image.png", "image.tif"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_files_that_end_early(tmp_path, name, share):
    path = tmp_path / name
    IMAGES["colour"]().save(path)
    data = path.read_bytes()
    if name == "image.tif":  # whose directory is at its end: the pixels are cut out
        directory = struct.unpack("<I", data[4:8])[0]
        assert directory > 0
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(UserError, match=r"image\.(png|tif) .*(truncated|damaged)"):
        by_rows(path)


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


def test_windows_may_overlap():
    array = smooth()
    rows = image_rows.ImageRows.of_array(array)
    spans = [(0, 10), (3, 30), (3, 31), (29, 67)]
    for (start, stop), window in zip(spans, rows.windows(spans), strict=True):
        np.testing.assert_array_equal(window, array[start:stop])
