"""The stored model: the settings and the weights of the model, as they lie in the file of a script.

In the module itself they are empty; `minunet.exchange.single_file.script_writing` fills them in.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from minunet.checkpoints.architecture import parameter_shapes

LINE = 120  # letters

SETTINGS: dict[str, Any] = {}
WEIGHTS = ""


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
    text = base64.b85encode(zlib.compress(by_byte, 9)).decode("ascii")
    return "\n".join(text[start : start + LINE] for start in range(0, len(text), LINE))


def unpacked_weights(text: str, dtype: str, config: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """The weights of which `packed_weights` made a text, as float32, by their names in the architecture `config`."""
    by_byte = np.frombuffer(zlib.decompress(base64.b85decode("".join(text.split()))), np.uint8)
    kind = np.dtype(dtype).newbyteorder("<")
    numbers = np.ascontiguousarray(by_byte.reshape(kind.itemsize, -1).T).view(kind)[:, 0].astype(np.float32)
    weights, start = {}, 0
    for name, shape in parameter_shapes(config).items():
        count = int(np.prod(shape))
        weights[name] = numbers[start : start + count].reshape(shape)
        start += count
    return weights
