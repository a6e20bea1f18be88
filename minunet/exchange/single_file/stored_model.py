"""The stored model: the settings and the weights of the model, as they lie in the file of a script.

In the module itself they are empty; `minunet.exchange.single_file.script_writing` fills them in.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from minunet.checkpoints.architecture import parameter_shapes

LINE = 120  # letters

SETTINGS: dict[str, Any] = {}
WEIGHTS = ""
# Of RFC 1924, as in Python's base64.b85encode, which takes minutes for large networks.
DIGITS_85 = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~"


def packed_weights(weights: Mapping[str, np.ndarray], dtype: str) -> str:
    """Weights as text: the first byte of every number, then the second byte of every number, and so on, compressed, in base 85.

    Parameters
    ----------
    weights : mapping of str to ndarray
        In the order of `parameter_shapes`.
    dtype : {"float32", "float16"}
    """
    numbers = np.concatenate([weight.ravel() for weight in weights.values()]).astype(np.dtype(dtype).newbyteorder("<"))
    by_byte = numbers.view(np.uint8).reshape(len(numbers), -1).T.tobytes()
    text = base_85(zlib.compress(by_byte, 6))
    return "\n".join(text[start : start + LINE] for start in range(0, len(text), LINE))


def unpacked_weights(text: str, dtype: str, config: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """The weights of which `packed_weights` made a text, as float32, by their names in the architecture `config`."""
    by_byte = np.frombuffer(zlib.decompress(bytes_of_base_85("".join(text.split()))), np.uint8)
    kind = np.dtype(dtype).newbyteorder("<")
    numbers = np.ascontiguousarray(by_byte.reshape(kind.itemsize, -1).T).view(kind)[:, 0].astype(np.float32)
    weights, start = {}, 0
    for name, shape in parameter_shapes(config).items():
        count = int(np.prod(shape))
        weights[name] = numbers[start : start + count].reshape(shape)
        start += count
    return weights


def base_85(data: bytes) -> str:
    """Bytes as text: of each four bytes, as a number, the five digits in base 85, the largest first."""
    missing = -len(data) % 4
    values = np.frombuffer(data + bytes(missing), ">u4").astype(np.uint32)
    digits = np.empty((len(values), 5), np.uint8)
    for place in range(4, -1, -1):
        values, rest = np.divmod(values, np.uint32(85))
        digits[:, place] = np.frombuffer(DIGITS_85, np.uint8)[rest]
    text = digits.tobytes().decode("ascii")
    return text[: len(text) - missing]


def bytes_of_base_85(text: str) -> bytes:
    """The bytes of which `base_85` made a text."""
    missing = -len(text) % 5
    letters = np.frombuffer(text.encode("ascii") + DIGITS_85[-1:] * missing, np.uint8).reshape(-1, 5)
    digit_of = np.zeros(256, np.uint32)
    digit_of[np.frombuffer(DIGITS_85, np.uint8)] = np.arange(85)
    values = np.zeros(len(letters), np.uint32)
    for place in range(5):
        values = values * np.uint32(85) + digit_of[letters[:, place]]
    data = values.astype(">u4").tobytes()
    return data[: len(data) - missing]
