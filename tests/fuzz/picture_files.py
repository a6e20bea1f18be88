"""Small picture files of every kind that is read, and mutations that know their formats: chunks, fields and segments."""

import io
import struct
import zlib

import numpy as np
import tifffile
from PIL import Image

from tests.fuzz.mutations import INTERESTING, mutated_bytes, pick

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def pictures():
    """Names and contents of the files."""
    rng = np.random.default_rng(0)
    grey = rng.integers(0, 256, (18, 23), np.uint8)
    grey[8:] = 0  # the rows that Pillow would leave at 0 are so in some files
    colour = rng.integers(0, 256, (18, 23, 3), np.uint8)
    wide = rng.integers(0, 65536, (18, 23), np.uint16)
    clear = Image.fromarray(np.dstack([colour, grey]))
    palette = Image.fromarray(colour).quantize(16)
    exif = Image.Exif()
    exif[274] = 6
    return {
        "grey.png": _file(grey),
        "colour.png": _file(colour),
        "wide.png": _file(wide),
        "clear.png": _encoded(clear, "PNG"),
        "palette.png": _encoded(palette, "PNG", transparency=3),
        "bits.png": _encoded(Image.fromarray(grey > 99), "PNG"),
        "turned.png": _encoded(Image.fromarray(grey), "PNG", exif=exif),
        "grey.jpg": _file(grey, "JPEG"),
        "turned.jpg": _encoded(Image.fromarray(colour), "JPEG", exif=exif),
        "progressive.jpg": _file(colour, "JPEG", progressive=True),
        "grey.bmp": _file(grey, "BMP"),
        "colour.bmp": _file(colour, "BMP"),
        "bits.bmp": _encoded(Image.fromarray(grey > 99), "BMP"),
        "grey.tif": _file(grey, "TIFF"),
        "wide.tif": _file(wide, "TIFF"),
        "floats.tif": _file(wide.astype(np.float32) / 65535, "TIFF"),
        "lzw.tif": _file(colour, "TIFF", compression="tiff_lzw"),
        "deflate.tif": _file(colour, "TIFF", compression="tiff_adobe_deflate"),
        "packbits.tif": _file(grey, "TIFF", compression="packbits"),
        "double.tif": _tiff(rng.normal(size=(18, 23))),
        "channels.tif": _tiff(np.dstack([wide, wide]), compression="zlib", planarconfig="contig"),
        "stack.tif": _tiff(wide[None].repeat(3, 0), imagej=True, metadata={"axes": "CYX"}),
        "deep.tif": _tiff(wide[..., None] + np.arange(3, dtype=np.uint16), photometric="rgb", compression="zlib"),
        "planes.tif": _tiff(
            wide + np.arange(3, dtype=np.uint16)[:, None, None],
            photometric="rgb",
            planarconfig="separate",
            tile=(16, 16),
        ),
        "pages.tif": _encoded(Image.fromarray(grey), "TIFF", save_all=True, append_images=[Image.fromarray(grey)]),
    }


def _file(array, kind="PNG", **options):
    return _encoded(Image.fromarray(array), kind, **options)


def _tiff(array, photometric="minisblack", **options):
    file = io.BytesIO()
    tifffile.imwrite(file, array, photometric=photometric, **options)
    return file.getvalue()


def _encoded(image, kind, **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def mutated_picture(rng, data):
    """The kind of mutation, and the file: bytes of any file, or the structure of its format with checksums that are right."""
    if rng.integers(2):
        return "bytes", mutated_bytes(rng, data)
    if data.startswith(SIGNATURE):
        return "chunks", _mutated_chunks(rng, data)
    if data.startswith((b"II", b"MM")):
        return "fields", _mutated_fields(rng, data)
    if data.startswith(b"\xff\xd8"):
        return "segments", _mutated_segments(rng, data)
    place = int(rng.integers(54))  # the headers of a BMP
    return "header", data[:place] + struct.pack("<I", pick(rng, INTERESTING)) + data[place + 4 :]


def chunks(data):
    """The kinds and contents of the chunks of a PNG."""
    place, found = len(SIGNATURE), []
    while place < len(data):
        length = int.from_bytes(data[place : place + 4], "big")
        found.append((data[place + 4 : place + 8], data[place + 8 : place + 8 + length]))
        place += 12 + length
    return found


def png(parts):
    """A PNG of chunks, each with its checksum."""
    return SIGNATURE + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in parts
    )


def _mutated_chunks(rng, data):
    parts = chunks(data)
    for _ in range(int(rng.integers(1, 3))):
        place, other = int(rng.integers(len(parts))), int(rng.integers(len(parts)))
        kind, content = parts[place]
        action = rng.integers(8)
        if action == 0 and len(parts) > 1:
            del parts[place]
        elif action == 1:
            parts.insert(other, parts[place])
        elif action == 2:
            parts[place], parts[other] = parts[other], parts[place]
        elif action == 3:
            parts[place] = pick(rng, (b"IDAT", b"tRNS", b"PLTE", b"iCCP", b"zTXt", b"acTL", b"IEND", b"abcd")), content
        elif action == 4 and kind == b"IDAT":
            parts[place] = kind, _fewer_rows(rng, content)
        elif action == 5 and kind == b"IHDR":
            header = bytearray(content)
            header[int(rng.integers(len(header)))] = pick(rng, (0, 1, 2, 3, 4, 6, 8, 16, 255))
            parts[place] = kind, bytes(header)
        else:
            parts[place] = kind, mutated_bytes(rng, content)
    return png(parts)


def _fewer_rows(rng, packed):
    try:
        rows = zlib.decompress(packed)
    except zlib.error:  # an earlier mutation
        return packed
    return zlib.compress(rows[: int(rng.integers(len(rows) + 1))])


def _mutated_fields(rng, data):
    """Values of the directory of a TIFF replaced."""
    order = "<" if data.startswith(b"II") else ">"
    content = bytearray(data)
    (directory,) = struct.unpack_from(f"{order}I", content, 4)
    (count,) = struct.unpack_from(f"{order}H", content, directory)
    for _ in range(int(rng.integers(1, 4))):
        place = directory + 2 + 12 * int(rng.integers(count))
        if rng.integers(3):
            value = pick(rng, (*INTERESTING, *range(1, 9), 32773, 34712, len(data)))
            struct.pack_into(f"{order}I", content, place + 8, value)
        else:
            field = int(rng.integers(3))
            where, letter = ((place, "H"), (place + 2, "H"), (place + 4, "I"))[field]
            struct.pack_into(f"{order}{letter}", content, where, pick(rng, (*INTERESTING[:7], 273, 279, 322, 338, 339)))
    return bytes(content)


def _mutated_segments(rng, data):
    """Segments of a JPEG removed, repeated, exchanged or changed."""
    place, parts = 2, []
    while place + 4 <= len(data) and data[place] == 0xFF and data[place + 1] != 0xDA:
        length = 2 + int.from_bytes(data[place + 2 : place + 4], "big")
        parts.append(data[place : place + length])
        place += length
    a, b = int(rng.integers(len(parts))), int(rng.integers(len(parts)))
    action = rng.integers(4)
    if action == 0:
        del parts[a]
    elif action == 1:
        parts.insert(b, parts[a])
    elif action == 2:
        parts[a], parts[b] = parts[b], parts[a]
    else:
        parts[a] = mutated_bytes(rng, parts[a])
    return data[:2] + b"".join(parts) + data[place:]
