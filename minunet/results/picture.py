"""A picture: any image array the program handles, as the 8-bit colour pixels that a figure shows."""

from __future__ import annotations

import io
import unicodedata

import numpy as np
from PIL import Image, ImageFont


def to_picture(array: np.ndarray | Image.Image) -> np.ndarray:
    """Turn an image into 8-bit colour.

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
    pixels = np.asarray(array.convert("RGB") if isinstance(array, Image.Image) else array)
    if pixels.ndim == 3 and pixels.shape[2] == 1:
        pixels = pixels[:, :, 0]
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


def fitted(array: np.ndarray | Image.Image, width: int, height: int | None = None, crisp: bool = False) -> Image.Image:
    """A picture scaled, in its own proportions, to `width` pixels, or less where it would be higher than `height`.

    `crisp` keeps the edges of the pixels where it is enlarged: for masks, whose pixels one wants to see.
    """
    picture = Image.fromarray(to_picture(array))
    scale = width / picture.width
    if height is not None:
        scale = min(scale, height / picture.height)
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


def font(size: int) -> ImageFont.FreeTypeFont:
    """Pillow's own typeface, so that figures look alike on every machine."""
    return ImageFont.load_default(size=size)


# Pillow's typeface has the letters of ASCII and few others.
SUBSTITUTES = str.maketrans(
    {"×": "x", "–": "-", "—": "-", "−": "-", "µ": "u", "ß": "ss", "ø": "o", "Ø": "O", "ł": "l", "æ": "ae"}
)


def legible(text: str) -> str:
    """The text in characters that the typeface has: letters lose their accents, and what remains unknown becomes "?"."""
    plain = unicodedata.normalize("NFKD", text.translate(SUBSTITUTES))
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return "".join(letter if " " <= letter <= "~" or letter in "°±·" else "?" for letter in plain)


def shortened(text: str, width: int, face: ImageFont.FreeTypeFont) -> str:
    """The legible text, with its middle left out where it is wider than `width` pixels: the end of a file's name tells it apart."""
    text = legible(text)
    if face.getlength(text) <= width:
        return text
    for kept in range(len(text) - 1, 0, -1):
        head = (kept + 1) // 2
        shorter = text[:head] + "..." + text[len(text) - (kept - head) :]
        if face.getlength(shorter) <= width:
            return shorter
    return ""
