"""A TIFF that counts from white to black, as ImageJ's inverting tables leave it, looks as its neighbour that counts upwards."""

import numpy as np
import pytest
from PIL import Image

from minunet.data.reading.image_files import decode, decode_mask

PHOTOMETRIC, WHITE_IS_ZERO = 262, 0


def white_is_zero(path):
    """Set the tag in a file that Pillow wrote, which writes the other value alone."""
    data = bytearray(path.read_bytes())
    order = "little" if data[:2] == b"II" else "big"
    directory = int.from_bytes(data[4:8], order)
    for entry in range(int.from_bytes(data[directory : directory + 2], order)):
        place = directory + 2 + 12 * entry
        if int.from_bytes(data[place : place + 2], order) == PHOTOMETRIC:
            data[place + 8 : place + 10] = WHITE_IS_ZERO.to_bytes(2, order)
    path.write_bytes(data)


@pytest.mark.parametrize("read", [decode, decode_mask])
@pytest.mark.parametrize(
    ("dtype", "mode"), [("u1", "L"), ("<u2", "I;16")]
)  # Pillow opens no big-endian ones of 16 bits
def test_it_is_turned_over(dtype, mode, read, tmp_path):
    values = np.random.default_rng(0).integers(0, np.iinfo(dtype).max, (5, 7), endpoint=True).astype(dtype)
    path = tmp_path / "a.tif"
    Image.frombytes(mode, (7, 5), values.tobytes()).save(path)
    assert np.array_equal(read(path), values)
    white_is_zero(path)
    assert np.array_equal(read(path), np.iinfo(dtype).max - values)
