"""Image files become arrays: every format, depth, palette, alpha channel and orientation that is read."""

import io
import struct

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageOps

from minunet.data.reading.image_files import decode, decode_mask
from minunet.data.reading.open_images import open_image
from minunet.data.reading.pixels import from_pil, to_grey
from tests.data.small_pictures import GREY, disc, photo, save, saved


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
    assert decode(path).dtype == np.dtype("uint16")  # in native byte order


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
    with open_image(path) as image:
        assert image.header.size == upright.shape[::-1]
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
    if mode not in ("PA", "1", "LAB"):  # these modes themselves change the colours
        assert np.abs(found.astype(int) - np.asarray(plain)).mean() < 4


@pytest.mark.parametrize("scale", [1 / 255, 1.0, -250.0, 1e9], ids=["fractions", "8 bits", "negative", "large"])
def test_floating_point_tiff(tmp_path, scale):
    values = (GREY * scale).astype(np.float32)
    found = decode(save(tmp_path / "a.tif", values))
    assert found.dtype == np.float32 and np.array_equal(found, values)


@pytest.mark.parametrize("dtype", [np.uint32, np.int32, np.int16])
def test_wide_integers(tmp_path, dtype):
    values = (GREY.astype(np.int64) * 250 - 20000 * (np.dtype(dtype).kind == "i")).astype(dtype)
    tifffile.imwrite(tmp_path / "a.tif", values)
    found = decode(tmp_path / "a.tif")
    assert found.dtype == dtype and np.array_equal(found, values)


def test_first_frame_with_a_warning(tmp_path):
    frames = [Image.fromarray(disc(i)) for i in range(3)]
    path = saved(tmp_path / "a.tif", frames[0], save_all=True, append_images=frames[1:])
    with pytest.warns(
        UserWarning, match="a.tif holds several frames; only the first is used: export the others as files"
    ):
        assert np.array_equal(decode(path), disc(0))
    reports = []
    decode_mask(path, report=reports.append)
    assert reports == [f"{path} holds several frames; only the first is used: export the others as files of their own."]


def test_content_decides_and_not_the_name(tmp_path):
    path = saved(tmp_path / "a.png", Image.fromarray(GREY), format="BMP")
    assert np.array_equal(decode(path), GREY)


def test_damaged_exif_is_no_reason_to_refuse(tmp_path):
    data = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(GREY).save(data, "JPEG", exif=exif.tobytes()[:16])
    path = tmp_path / "a.jpg"
    path.write_bytes(data.getvalue())
    assert decode(path).shape == (16, 24)
