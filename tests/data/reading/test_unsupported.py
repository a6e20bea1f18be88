"""Images that are in order but are not read here: they are called that, with what to do, and not damaged; none is read wrongly."""

import struct

import numpy as np
import pytest

from minunet.data.reading.image_files import decode
from minunet.errors import UserError

REMEDY = "which is not read here: save it as grey or RGB of 8 or 16 bits, with ImageJ or tifffile for example."
SHORT, LONG = 3, 4


def tiff(path, pixels, *, bits, kind=1, channels=1, colour=1, planes=1, big_endian=False, extra=(), shape=(2, 3)):
    """A TIFF (6.0) of one uncompressed strip, with the tags that say what its numbers are."""
    order = ">" if big_endian else "<"
    height, width = shape
    tags = [(256, LONG, [width]), (257, LONG, [height]), (258, SHORT, [bits] * channels), (259, SHORT, [1])]
    strips = channels if planes == 2 else 1
    part = len(pixels) // strips
    tags += [(262, SHORT, [colour]), (273, LONG, None), (277, SHORT, [channels]), (278, LONG, [height])]
    tags += [(279, LONG, [part] * strips), (284, SHORT, [planes])]
    tags += [(338, SHORT, list(extra))] if extra else []
    tags += [(339, SHORT, [kind] * channels)]
    begin = 8 + 2 + 12 * len(tags) + 4
    tail, entries = b"", b""
    where = begin + sum(
        (2 if t == SHORT else 4) * (strips if v is None else len(v))
        for _, t, v in tags
        if (2 if t == SHORT else 4) * (strips if v is None else len(v)) > 4
    )
    for tag, kind_of_tag, values in tags:
        values = [where + part * k for k in range(strips)] if values is None else values
        data = struct.pack(order + ("H" if kind_of_tag == SHORT else "I") * len(values), *values)
        if len(data) > 4:
            data, tail = struct.pack(order + "I", begin + len(tail)), tail + data
        entries += struct.pack(order + "HHI", tag, kind_of_tag, len(values)) + data.ljust(4, b"\0")
    signature = b"MM\0*" if big_endian else b"II*\0"
    head = signature + struct.pack(order + "IH", 8, len(tags)) + entries + struct.pack(order + "I", 0)
    path.write_bytes(head + tail + pixels)
    return path


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"bits": 64, "kind": 6}, "64-bit complex numbers"),
        (
            {"bits": 16, "channels": 4, "colour": 5, "planes": 2},
            "16-bit integers in 4 channels, one after the other, CMYK",
        ),
        ({"bits": 16, "channels": 3, "colour": 8}, "16-bit integers in 3 channels, Lab"),
        ({"bits": 8, "channels": 65}, "8-bit integers in 65 channels"),
    ],
)
def test_tiffs_of_other_numbers(tmp_path, options, what):
    size = 2 * 3 * options["bits"] // 8 * options.get("channels", 1)
    path = tiff(tmp_path / "a.tif", bytes(size), **options)
    with pytest.raises(UserError) as caught:
        decode(path)
    assert caught.value.problems == [f"{path} is a TIFF of {what}, {REMEDY}"]


TYPES = [np.uint8, np.int8, np.uint16, np.int16, np.uint32, np.int32, np.uint64, np.int64]
TYPES += [np.float16, np.float32, np.float64]


@pytest.mark.parametrize("big_endian", [False, True])
@pytest.mark.parametrize("planes", [1, 2])
@pytest.mark.parametrize("channels", [1, 2, 3, 5])
@pytest.mark.parametrize("dtype", TYPES, ids=lambda dtype: dtype.__name__)
def test_numbers_of_every_type_are_read_as_they_are_stored(tmp_path, dtype, channels, planes, big_endian):
    """Also negative ones, and those of the upper half."""
    dtype = np.dtype(dtype)
    values = np.random.default_rng(0).integers(0, 256, (2, 3, channels, dtype.itemsize), np.uint8)
    values = values.reshape(2, 3, -1).view(dtype)
    if dtype.kind == "f":
        values = np.nan_to_num(values, posinf=1, neginf=-1)
    kind = {"u": 1, "i": 2, "f": 3}[dtype.kind]
    stored = values.transpose(2, 0, 1) if planes == 2 else values
    stored = np.ascontiguousarray(stored.astype(dtype.newbyteorder(">" if big_endian else "<")))
    options = {"kind": kind, "channels": channels, "planes": planes, "big_endian": big_endian}
    path = tiff(
        tmp_path / "a.tif", stored.tobytes(), bits=8 * dtype.itemsize, colour=2 if channels == 3 else 1, **options
    )
    found = decode(path)
    assert found.dtype == dtype and found.dtype.isnative and found.flags.c_contiguous
    assert np.array_equal(found, values[..., 0] if channels == 1 else values)


def test_the_same_writer_makes_tiffs_that_are_read(tmp_path):
    grey = np.arange(6, dtype=np.uint8).reshape(2, 3)
    assert np.array_equal(decode(tiff(tmp_path / "a.tif", grey.tobytes(), bits=8)), grey)
    wide = grey * np.uint16(257)
    path = tiff(tmp_path / "b.tif", wide.astype(">u2").tobytes(), bits=16, big_endian=True)
    assert np.array_equal(decode(path), wide)
    colour = np.arange(18, dtype=np.uint8).reshape(2, 3, 3)
    path = tiff(tmp_path / "c.tif", colour.tobytes(), bits=8, channels=3, colour=2)
    assert np.array_equal(decode(path), colour)
    planes = np.ascontiguousarray(colour.transpose(2, 0, 1))
    path = tiff(tmp_path / "d.tif", planes.tobytes(), bits=8, channels=3, colour=2, planes=2)
    assert np.array_equal(decode(path), colour)


def test_a_damaged_tiff_is_not_called_unsupported(tmp_path):
    path = tiff(tmp_path / "a.tif", bytes(48), bits=64)
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(UserError, match="truncated or damaged"):
        decode(path)


def test_a_jpeg_of_12_bits(tmp_path):
    frame = b"\xff\xc1" + struct.pack(">HBHHB", 11, 12, 4, 4, 1) + b"\x01\x11\x00"
    (tmp_path / "a.jpg").write_bytes(b"\xff\xd8" + frame + b"\xff\xd9")
    with pytest.raises(UserError, match=r"is a JPEG of 12-bit coded samples, which is not read here"):
        decode(tmp_path / "a.jpg")


def test_a_bmp_of_another_kind(tmp_path):
    header = struct.pack("<2sIHHI", b"BM", 100, 0, 0, 54) + struct.pack(
        "<IiiHHIIiiII", 40, 4, 4, 1, 8, 5, 0, 0, 0, 0, 0
    )
    (tmp_path / "a.bmp").write_bytes(header + bytes(2000))
    with pytest.raises(UserError, match=r"holds what is not read here \(Unsupported BMP compression"):
        decode(tmp_path / "a.bmp")


@pytest.mark.parametrize(
    ("start", "name"),
    [
        (b"GIF89a", "GIF"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "WEBP"),
        (b"\0\0\0\x18ftypheic", "HEIF or AVIF"),
        (b"8BPS\0\1", "Photoshop"),
    ],
)
def test_other_formats_are_named(tmp_path, start, name):
    (tmp_path / "a.png").write_bytes(start + bytes(200))
    with pytest.raises(UserError, match=f"is a {name} picture, which is not read here: convert it to PNG."):
        decode(tmp_path / "a.png")


def test_a_field_of_another_type_is_damage(tmp_path):
    """Found among damaged pictures: a compression that is text was quoted as if it were a number."""
    path = tiff(tmp_path / "a.tif", bytes(48), bits=64)
    data = bytearray(path.read_bytes())
    place = 10 + 12 * 3
    assert struct.unpack_from("<H", data, place) == (259,)
    struct.pack_into("<H", data, place + 2, 2)  # ASCII
    path.write_bytes(data)
    with pytest.raises(UserError, match="starts like a TIFF picture but is truncated or damaged"):
        decode(path)
