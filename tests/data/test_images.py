import io
import struct
import threading
import warnings
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image, ImageOps
from small_pictures import disc, photo, save

from minunet.data import images
from minunet.data.images import decode, decode_mask, from_pil, to_grey, to_rgb
from minunet.errors import UserError

GREY = photo()[..., 0]


def refused(path, *, mask=False):
    with pytest.raises(UserError) as caught:
        (decode_mask if mask else decode)(path)
    (problem,) = caught.value.problems
    return problem


def saved(path, image, **options):
    image.save(path, **options)
    return path


@pytest.mark.parametrize("ending", ["png", "bmp", "tif", "tiff", "PNG"])
@pytest.mark.parametrize("array", [photo(), GREY], ids=["colour", "grey"])
def test_lossless_formats_come_back_exactly(tmp_path, ending, array):
    found = decode(save(tmp_path / f"a.{ending}", array))
    assert found.dtype == np.uint8
    assert np.array_equal(found, array)
    assert found.flags.c_contiguous


def test_jpeg_is_close_and_grey_jpeg_is_grey(tmp_path):
    smooth = np.add.outer(np.arange(40), np.arange(60)).astype(np.uint8)
    assert np.abs(decode(save(tmp_path / "a.jpg", smooth, quality=95)).astype(int) - smooth).max() <= 3
    colour = np.stack([smooth, smooth // 2, 255 - smooth], -1)
    found = decode(save(tmp_path / "b.jpeg", colour, quality=95, subsampling=0))
    assert np.abs(found.astype(int) - colour).max() <= 8


def test_one_bit(tmp_path):
    found = decode_mask(saved(tmp_path / "a.png", Image.fromarray(disc()).convert("1")))
    assert found.dtype == np.uint8
    assert np.array_equal(found, disc())


@pytest.mark.parametrize("ending", ["png", "tif"])
def test_sixteen_bit(tmp_path, ending):
    deep = np.random.default_rng(0).integers(0, 65536, (16, 24)).astype(np.uint16)
    found = decode(save(tmp_path / f"a.{ending}", deep))
    assert found.dtype == np.uint16
    assert np.array_equal(found, deep)
    assert np.allclose(to_grey(found), deep / 65535, rtol=1e-6)


def test_sixteen_bit_in_the_other_byte_order(tmp_path):
    deep = np.random.default_rng(0).integers(0, 65536, (16, 24)).astype(np.uint16)
    path = tmp_path / "a.tif"
    entries = [
        (256, 4, 24),
        (257, 4, 16),
        (258, 3, 16),
        (259, 3, 1),
        (262, 3, 1),
        (273, 4, 0),
        (278, 4, 16),
        (279, 4, 768),
    ]
    start = 8 + 2 + 12 * len(entries) + 4
    ifd = b"".join(
        struct.pack(">HHI", tag, kind, 1)
        + (struct.pack(">HH", value, 0) if kind == 3 else struct.pack(">I", start if tag == 273 else value))
        for tag, kind, value in entries
    )
    head = b"MM\0*" + struct.pack(">IH", 8, len(entries)) + ifd + struct.pack(">I", 0)
    path.write_bytes(head + deep.astype(">u2").tobytes())
    assert np.array_equal(decode(path), deep)
    assert decode(path).dtype == np.dtype("uint16")  # of the machine's own order


def test_palette_becomes_colour_or_grey(tmp_path):
    indices = Image.fromarray((GREY % 3).astype(np.uint8), "L")
    paletted = Image.frombytes("P", indices.size, indices.tobytes())
    colours = np.array([[0, 0, 0], [200, 10, 30], [5, 250, 60]], np.uint8)
    paletted.putpalette(colours.tobytes())
    assert np.array_equal(decode(saved(tmp_path / "a.png", paletted)), colours[GREY % 3])
    assert np.array_equal(decode(saved(tmp_path / "a.bmp", paletted)), colours[GREY % 3])
    paletted.putpalette(bytes([0, 0, 0, 128, 128, 128, 255, 255, 255]))
    assert np.array_equal(decode(saved(tmp_path / "b.png", paletted)), np.array([0, 128, 255], np.uint8)[GREY % 3])


def test_colour_that_is_grey_comes_as_grey(tmp_path):
    assert np.array_equal(decode(save(tmp_path / "a.png", np.repeat(GREY[..., None], 3, 2))), GREY)
    tinted = np.repeat(GREY[..., None], 3, 2)
    tinted[5, 7, 1] += 1
    assert decode(save(tmp_path / "b.png", tinted)).shape == (16, 24, 3)


def test_alpha_is_composited_over_white(tmp_path):
    alpha = np.random.default_rng(1).integers(0, 256, GREY.shape).astype(np.uint8)
    a = alpha[..., None] / 255
    found = decode(save(tmp_path / "a.png", np.dstack([photo(), alpha])))
    assert np.array_equal(found, np.floor(photo() * a + 255 * (1 - a) + 0.5))
    found = decode(saved(tmp_path / "b.png", Image.merge("LA", [Image.fromarray(GREY), Image.fromarray(alpha)])))
    assert found.shape == (16, 24)
    assert np.array_equal(found, np.floor(GREY * (alpha / 255) + 255 * (1 - alpha / 255) + 0.5))


def test_a_transparent_palette_entry_and_a_transparent_colour_are_white(tmp_path):
    paletted = Image.fromarray(disc() // 255).convert("L")
    paletted = Image.frombytes("P", paletted.size, paletted.tobytes())
    paletted.putpalette(bytes([10, 20, 30, 90, 90, 90]))
    found = decode(saved(tmp_path / "a.png", paletted, transparency=0))
    assert np.array_equal(found, np.where(disc(), 90, 255))
    found = decode(saved(tmp_path / "b.png", Image.fromarray(disc()), transparency=0))
    assert np.array_equal(found, np.full((16, 24), 255))


def test_mask_with_alpha(tmp_path):
    white = np.full((16, 24, 3), 255, np.uint8)
    black = np.zeros((16, 24, 3), np.uint8)
    drawn = save(tmp_path / "white on nothing.png", np.dstack([white, disc()]))
    assert np.array_equal(decode_mask(drawn), disc())
    assert np.array_equal(decode(drawn), np.full((16, 24), 255))
    assert np.array_equal(decode_mask(save(tmp_path / "black on nothing.png", np.dstack([black, disc()]))), disc())
    opaque = np.dstack([np.repeat(disc()[..., None], 3, 2), np.full((16, 24), 255, np.uint8)])
    assert np.array_equal(decode_mask(save(tmp_path / "opaque.png", opaque)), disc())


@pytest.mark.parametrize("ending", ["png", "jpg", "tif"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation(tmp_path, ending, orientation):
    picture = np.kron(np.arange(6).reshape(2, 3) * 40, np.ones((16, 16))).astype(np.uint8)  # (32, 48)
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = saved(tmp_path / f"a.{ending}", Image.fromarray(picture), exif=exif)
    upright = picture.T if orientation in (5, 6, 7, 8) else picture  # as in the TIFF 6.0 specification, tag 274
    upright = upright[::-1] if orientation in (3, 4, 7, 8) else upright
    upright = upright[:, ::-1] if orientation in (2, 3, 6, 7) else upright
    found = decode(path)
    assert found.shape == upright.shape
    assert np.abs(found.astype(int) - upright).max() <= (3 if ending == "jpg" else 0)
    header, _ = images.read(path)
    assert header.size == upright.shape[::-1]
    if ending != "tif":
        with Image.open(path) as image:
            assert np.array_equal(from_pil(image), np.asarray(ImageOps.exif_transpose(image)))


def test_cmyk_jpeg(tmp_path):
    flat = np.full((16, 24, 3), (200, 80, 40), np.uint8)
    path = saved(tmp_path / "a.jpg", Image.fromarray(flat).convert("CMYK"), quality=95)
    assert np.abs(decode(path).astype(int) - flat).max() <= 6


@pytest.mark.parametrize("mode", ["YCbCr", "LAB", "HSV", "RGBX", "CMYK", "RGBa", "La", "PA", "1"])
def test_every_pillow_mode_becomes_an_array(mode):
    plain = Image.fromarray(photo()) if mode not in ("La", "1") else Image.fromarray(GREY)
    through = {"RGBa": "RGBA", "La": "LA", "PA": "P"}
    image = plain.convert(through.get(mode, mode)).convert(mode)
    found = from_pil(image)
    assert found.shape[:2] == (16, 24)
    if mode not in ("PA", "1", "LAB"):  # these lose colours by themselves
        assert np.abs(found.astype(int) - np.asarray(plain)).mean() < 4


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (
            np.linspace(0, 1, 384).reshape(16, 24),
            np.rint(np.linspace(0, 1, 384).reshape(16, 24) * 65535).astype(np.uint16),
        ),
        (GREY.astype(float), GREY),
        (GREY * 250.0, GREY.astype(np.uint16) * 250),
    ],
    ids=["fractions", "8 bits", "16 bits"],
)
def test_floating_point_tiff(tmp_path, values, expected):
    found = decode(save(tmp_path / "a.tif", values.astype(np.float32)))
    assert found.dtype == expected.dtype
    assert np.abs(found.astype(int) - expected).max() <= 1
    assert np.array_equal(decode(save(tmp_path / "b.tif", GREY.astype(np.int32) * 250)), GREY.astype(np.uint16) * 250)


@pytest.mark.parametrize("values", [[-1.0, 5.0], [0.0, 1e6], [0.0, np.nan], [0.0, np.inf]])
def test_floats_without_a_scale_are_refused(tmp_path, values):
    path = save(tmp_path / "a.tif", np.tile(np.array(values, np.float32), (4, 1)))
    assert refused(path).startswith(f"{path} has no usable pixels: its 32-bit values run from ")
    assert refused(path).endswith("export it as 8-bit or 16-bit.")


def test_first_frame_with_a_warning(tmp_path):
    frames = [Image.fromarray(disc(i)) for i in range(3)]
    path = saved(tmp_path / "a.tif", frames[0], save_all=True, append_images=frames[1:])
    with pytest.warns(UserWarning, match="a.tif holds 3 frames; only the first is used: export the others as files"):
        assert np.array_equal(decode(path), disc(0))
    told = []
    decode_mask(path, report=told.append)
    assert told == [f"{path} holds 3 frames; only the first is used: export the others as files of their own."]


def test_content_decides_and_not_the_name(tmp_path):
    path = saved(tmp_path / "a.png", Image.fromarray(GREY), format="BMP")
    assert np.array_equal(decode(path), GREY)


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
    assert refused(tmp_path) == f"{tmp_path} is a folder where an image file is expected."
    path = save(tmp_path / "b.png", GREY)

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.open", refuse)  # root may read everything, so chmod shows nothing
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


def test_damaged_exif_is_no_reason_to_refuse(tmp_path):
    data = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(GREY).save(data, "JPEG", exif=exif.tobytes()[:16])
    path = tmp_path / "a.jpg"
    path.write_bytes(data.getvalue())
    assert decode(path).shape == (16, 24)


@given(arrays(np.uint8, (5, 7, 3)))
def test_grey_is_the_luma_of_bt_601(array):
    red, green, blue = np.moveaxis(array.astype(np.float64), -1, 0)
    expected = (0.299 * red + 0.587 * green + 0.114 * blue) / 255
    assert np.abs(to_grey(array) - expected).max() < 1e-7
    assert np.abs(to_grey(array.astype(np.uint16) * 257) - expected).max() < 1e-7
    assert np.abs(to_grey(array / 255) - expected).max() < 1e-7


@given(st.sampled_from([np.uint8, np.uint16, bool]), st.data())
def test_grey_of_equal_channels_is_their_fraction_of_white(dtype, data):
    array = data.draw(arrays(dtype, (4, 5)))
    white = 1 if dtype is bool else np.iinfo(dtype).max
    expected = (array / np.float32(white)).astype(np.float32)
    assert np.array_equal(to_grey(array), expected)
    assert np.array_equal(to_grey(array[..., None]), expected)
    assert np.abs(to_grey(np.repeat(array[..., None], 3, 2)) - expected).max() <= 1e-7
    assert np.array_equal(to_rgb(array), np.repeat(expected[..., None], 3, 2))
    assert to_grey(array).dtype == to_rgb(array).dtype == np.float32


def test_white_is_one():
    assert to_grey(np.full((2, 2, 3), 255, np.uint8)).max() == 1
    assert to_grey(np.full((2, 2, 3), 65535, np.uint16)).max() == 1
    assert np.array_equal(to_rgb(photo()), (photo() / np.float32(255)).astype(np.float32))


@pytest.mark.parametrize("shape", [(4,), (4, 4, 4), (0, 4), (1, 4, 4, 3), (4, 4, 2)])
def test_shapes_that_are_no_image(shape):
    with pytest.raises(UserError, match=r"an image array has the shape \(H, W\) or \(H, W, 3\), not \("):
        to_grey(np.zeros(shape, np.uint8))


def test_dtypes_without_a_white():
    with pytest.raises(
        UserError, match="an image array of int64 has no known white: give uint8, uint16, bool, or floats"
    ):
        to_rgb(np.zeros((2, 2), np.int64))
