"""Deep colour: images of 16 bits a channel, of which Pillow alone gives only the upper 8 bits.

Pillow's decoders take either byte of a 16-bit value, by the raw mode they are asked for. So such an image is decoded twice, once
for the upper bytes and once for the lower ones.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import numpy as np
from PIL import Image

from minunet.data.reading.mask_alpha import mask_without_alpha

WHITE = 65535

_LAYOUTS = ("RGB", "RGBX", "RGBA", "RGBa")
_ORDERS = ("B", "L", "N")  # big-endian, little-endian, that of this machine
_GREY_ALPHA = "LA;16B"  # of a PNG


def is_deep(image: Image.Image) -> bool:
    """Whether an image that is not decoded yet has 16 bits a channel that Pillow would cut to 8."""
    layout, deep, order = _raw_mode(image).partition(";16")
    return _raw_mode(image) == _GREY_ALPHA or (bool(deep) and layout in _LAYOUTS and order in _ORDERS)


def deep_values(
    image: Image.Image,
    again: Callable[[], Image.Image],
    load: Callable[[Image.Image], object] = Image.Image.load,
    *,
    mask: bool = False,
) -> np.ndarray:
    """The values of an image for which `is_deep` holds, before its orientation is applied.

    Parameters
    ----------
    image : PIL.Image.Image
        Not decoded yet.
    again : callable
        Opens the same file once more.
    load : callable
        Decodes an image.
    mask : bool
        Whether transparency is that of a mask, see `mask_without_alpha`.

    Returns
    -------
    ndarray, (H, W) or (H, W, 3), uint16
        Transparency is composited over white, except in a mask.
    """
    layout, _, order = _raw_mode(image).partition(";16")
    if layout == "LA":  # two values of 16 bits take as many bytes as four of 8
        _decode_as(image, "RGBA", "RGBA")
        load(image)
        stored = np.asarray(image).astype(np.uint16)
        values = stored[..., 0::2] << 8 | stored[..., 1::2]  # (H, W, 4) -> (H, W, 2)
        return mask_without_alpha(values) if mask else over_white(values[..., :1], values[..., 1:], WHITE)[..., 0]
    lower = again()
    premultiplied = layout == "RGBa"
    mode = "RGBA" if premultiplied else image.mode
    for part, byte in ((image, order), (lower, _other_byte(order))):
        _decode_as(part, mode, f"{'RGBA' if premultiplied else layout};16{byte}")
        load(part)
    values = np.asarray(image).astype(np.uint16) << 8
    values |= np.asarray(lower)
    if mask:
        return mask_without_alpha(values) if mode == "RGBA" else values
    if mode == "RGBA":
        return over_white(values[..., :3], values[..., 3:], WHITE, premultiplied=premultiplied)
    transparent = image.info.get("transparency")
    if isinstance(transparent, tuple) and len(transparent) == 3:
        values[(values == np.array(transparent, np.uint16)).all(axis=-1)] = WHITE
    return values


def over_white(values: np.ndarray, alpha: np.ndarray, white: int, *, premultiplied: bool = False) -> np.ndarray:
    """Colours composited over white.

    Parameters
    ----------
    values : ndarray, (H, W, C), uint8 or uint16
    alpha : ndarray, (H, W, 1), of the same type
    white : int
        Of the type, which also means opaque.
    premultiplied : bool
        Whether the values have been multiplied by alpha before.
    """
    opacity = alpha.astype(np.uint32)  # 65535 * 65535 + 32767 is below 2**32
    if premultiplied:
        return np.minimum(values + (white - opacity), white).astype(values.dtype)
    return ((values * opacity + white * (white - opacity) + white // 2) // white).astype(values.dtype)


def _raw_mode(image: Image.Image) -> str:
    """How the decoder is to understand the bytes of the file; "" where there is none or several."""
    modes = {tile[3] if isinstance(tile[3], str) else tile[3][0] if tile[3] else "" for tile in _tiles(image)}
    return modes.pop() if len(modes) == 1 and isinstance(next(iter(modes)), str) else ""


def _tiles(image: Image.Image) -> list:
    return [tile for tile in getattr(image, "tile", []) if isinstance(tile[3], str | tuple)]


def _other_byte(order: str) -> str:
    """The byte order by which the lower byte of each value is read as if it were the upper one."""
    if order == "N":
        return "B" if sys.byteorder == "little" else "L"
    return "L" if order == "B" else "B"


def _decode_as(image: Image.Image, mode: str, raw_mode: str) -> None:
    image._mode = mode
    tiles = []
    for tile in image.tile:  # type: ignore[attr-defined]
        arguments = raw_mode if isinstance(tile[3], str) else (raw_mode, *tile[3][1:])
        new = (*tile[:3], arguments)
        tiles.append(type(tile)(*new) if hasattr(tile, "_fields") else new)  # a plain tuple in older versions
    image.tile = tiles  # type: ignore[attr-defined]
