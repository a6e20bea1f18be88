"""Small pictures of every kind, and their pixels read by rows and compared with those of the whole file."""

import numpy as np
from PIL import Image, ImageFile

from minunet.data.reading import image_rows
from minunet.data.reading.image_files import decode
from minunet.data.reading.rows_of_files import open_rows

HEIGHT, WIDTH = 67, 45


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
