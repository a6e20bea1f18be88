"""Pictures: images of any type as 8-bit colour, scaled to fit a figure, and encoded as PNG."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image


def to_uint8_rgb(array: np.ndarray | Image.Image) -> np.ndarray:
    """Convert an image to 8-bit colour.

    Parameters
    ----------
    array : ndarray or PIL image
        (H, W), (H, W, 1) or (H, W, 3); bool, uint8, uint16, or floating point in [0, 1], which is clipped to that range.

    Returns
    -------
    ndarray, uint8, (H, W, 3)

    Raises
    ------
    ValueError
        For another shape or type.
    """
    pixels = drop_channel_axis(array.convert("RGB") if isinstance(array, Image.Image) else array)
    if pixels.ndim not in (2, 3) or (pixels.ndim == 3 and pixels.shape[2] != 3):
        raise ValueError(f"a picture is (H, W), (H, W, 1) or (H, W, 3), not {pixels.shape}")
    if pixels.dtype == bool:
        pixels = pixels.astype(np.uint8) * 255
    elif pixels.dtype == np.uint16:
        pixels = (pixels >> 8).astype(np.uint8)
    elif np.issubdtype(pixels.dtype, np.floating):
        pixels = np.rint(np.clip(np.nan_to_num(pixels), 0, 1) * 255).astype(np.uint8)
    elif pixels.dtype != np.uint8:
        raise ValueError(f"a picture is bool, uint8, uint16 or floating point, not {pixels.dtype}")
    return pixels if pixels.ndim == 3 else np.repeat(pixels[:, :, None], 3, axis=2)


def drop_channel_axis(array: np.ndarray | Image.Image) -> np.ndarray:
    """An array (H, W, 1) as (H, W); any other array unchanged."""
    pixels = np.asarray(array)
    return pixels[:, :, 0] if pixels.ndim == 3 and pixels.shape[2] == 1 else pixels


def resize_to_width(array: np.ndarray | Image.Image, width: int, crisp: bool = False) -> Image.Image:
    """An image resized to `width` pixels with its proportions kept.

    `crisp` keeps sharp edges where it is enlarged: for masks, whose single pixels should be visible.
    """
    picture = Image.fromarray(to_uint8_rgb(array))
    scale = width / picture.width
    size = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
    if scale > 1:
        return picture.resize(size, Image.Resampling.NEAREST if crisp else Image.Resampling.BICUBIC)
    return picture.resize(size, Image.Resampling.BOX if crisp else Image.Resampling.LANCZOS)


def png_bytes(image: np.ndarray | Image.Image, *, compress_level: int = 6, optimize: bool = False) -> bytes:
    """Encode an image as a PNG file.

    Parameters
    ----------
    image : ndarray or PIL image
        An array as `PIL.Image.fromarray` accepts it: (H, W) bool, uint8 or uint16, or (H, W, 3) uint8.
    compress_level : int
        From 0 (large and fast) to 9 (small and slow); 6 is also the default of Pillow.
    optimize : bool
        Make the file as small as possible; `compress_level` is then ignored.

    Returns
    -------
    bytes
        The content of the file.
    """
    picture = image if isinstance(image, Image.Image) else Image.fromarray(image)
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", compress_level=compress_level, optimize=optimize)
    return buffer.getvalue()
