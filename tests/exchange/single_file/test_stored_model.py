"""Weights as text: base 85 as in Python's base64, and back."""

import base64

import numpy as np

from minunet.exchange.single_file.stored_model import base_85, bytes_of_base_85


def test_the_text_is_that_of_base64():
    data = np.random.default_rng(0).integers(0, 256, 1003, np.uint8).tobytes()
    for part in (*(data[:length] for length in range(10)), data, bytes(9), b"\xff" * 11):
        text = base_85(part)
        assert text == base64.b85encode(part).decode("ascii") and bytes_of_base_85(text) == part
