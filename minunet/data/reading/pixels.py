"""Pixels: an image as a NumPy array, however its file encodes it.

1-bit, palette, alpha and CMYK images become uint8 arrays, grey (H, W) or colour (H, W, 3); wider numbers stay what the camera made
them. All are upright according to their EXIF orientation; `to_grey` and `to_rgb` turn 8 and 16 bits into fractions of white.
"""

from __future__ import annotations

import sys

import numpy as np
from PIL import Image

from minunet.data.reading.orientation import QUARTER_TURNS, orientation_of
from minunet.errors import UserError

MAX_PIXELS = 2**29  # 537 megapixels, 1.6 GB in colour: larger than one scanned region, smaller than a whole slide
LONGEST_SIDE = 2**17  # pixels; what is longer is a line and no picture, and one row of it may be all that memory holds

# ITU-R Recommendation BT.601-7, section 2.5.1: E'Y = 0.299 E'R + 0.587 E'G + 0.114 E'B, in thousandths.
LUMA_601 = (299, 587, 114)

_SIXTEEN_BIT = ("I;16", "I;16L", "I;16B", "I;16N")
_GREY = ("1", "L", "LA", "La")


def from_pil(image: Image.Image, *, mask: bool = False) -> np.ndarray:
    """Turn a Pillow image into an upright array.

    Parameters
    ----------
    image : PIL.Image.Image
        In any mode. Its EXIF orientation, if it has one, is applied.
    mask : bool
        False: transparency is composited over white, as on paper. True: over black, the background of a mask; where
        the result has a single level and the alpha channel has several, the alpha channel is the mask.

    Returns
    -------
    ndarray, (H, W) or (H, W, 3), uint8, uint16, int16, uint32, int32 or float32
        Grey where the three channels are equal everywhere. 16-bit colour becomes 8-bit colour, since an image that Pillow has
        decoded holds no more; from a file it is read as it is (`minunet.data.reading.deep_colour`). A mask of floats or of
        32-bit integers becomes uint8 or uint16.

    Raises
    ------
    UserError
        If floats are not finite, or those or the 32-bit integers of a mask not between 0 and 65535.
    """
    image.load()
    orientation = orientation_of(image)  # after load(), in which Pillow itself turns a TIFF and removes the tag
    return upright(_values(image, mask), orientation)


def finite(array: np.ndarray) -> np.ndarray:
    """The array itself.

    Raises
    ------
    UserError
        If some of its values are not finite, which no network can be given.
    """
    if array.dtype.kind == "f":
        usable = np.isfinite(array)
        if not usable.all():
            raise UserError(
                f"{array.size - np.count_nonzero(usable):,} of its {array.size:,} values are not a number (NaN) or infinite: "
                "replace them, with numpy.nan_to_num for example."
            )
    return array


def as_16_bits(array: np.ndarray) -> np.ndarray:
    """Values as older versions read them: wide integers and floats as uint8 or uint16 by their range, others unchanged.

    Parameters
    ----------
    array : ndarray, (H, W) or (H, W, C)

    Raises
    ------
    UserError
        If they are not finite or not between 0 and 65535.
    """
    return array if array.dtype in (np.uint8, np.uint16, np.bool_) else _from_wide(array, sixteen_bit=False)


def unmasked(array: np.ndarray) -> np.ndarray:
    """The pixels as a plain array, also from a subclass of `numpy.ndarray`.

    Raises
    ------
    UserError
        For a masked array: its mask would be ignored.
    """
    # numpy.ma takes longer to import than a model to read, and without it there are no masked arrays.
    if "numpy.ma" in sys.modules and isinstance(array, np.ma.MaskedArray):
        raise UserError("an image is a masked array, whose mask would be ignored: fill its gaps, with .filled(value).")
    return np.asarray(array)


def is_upright(image: Image.Image) -> bool:
    """Whether a loaded Pillow image has no EXIF orientation that turns it."""
    return orientation_of(image) == 1


def grey_if_equal(array: np.ndarray) -> np.ndarray:
    """One channel of an array (H, W, 3) whose channels are equal; any other array unchanged."""
    if array.ndim == 2 or array.shape[2] != 3:
        return array
    for sample in (array[::16, ::16], array):  # for nearly every colour image the sample suffices
        if not (np.array_equal(sample[..., 0], sample[..., 1]) and np.array_equal(sample[..., 0], sample[..., 2])):
            return array
    return array[..., 0]


def upright(array: np.ndarray, orientation: int) -> np.ndarray:
    """Apply the EXIF orientation, TIFF 6.0 tag 274: in which corner of the upright image the first pixel is."""
    if orientation in QUARTER_TURNS:
        array = array.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        array = array[::-1]
    if orientation in (2, 3, 6, 7):
        array = array[:, ::-1]
    return np.ascontiguousarray(array)


def white_is_zero(image: Image.Image) -> bool:
    """Whether 0 is white in a TIFF (TIFF 6.0, tag 262, value 0), which Pillow takes into account only up to 8 bits."""
    return getattr(image, "tag_v2", {}).get(262) == 0


def to_grey(array: np.ndarray) -> np.ndarray:
    """Grey values as fractions of white: the luma of ITU-R BT.601, Y = 0.299 R + 0.587 G + 0.114 B.

    Parameters
    ----------
    array : ndarray, (H, W), (H, W, 1) or (H, W, 3)
        bool, uint8, uint16, or floating point already in [0, 1].

    Returns
    -------
    ndarray, (H, W) float32 in [0, 1]
    """
    array, white = _checked(array)
    if array.ndim == 2:
        return divide_by_white(array, white)
    thousandths = luma_in_thousandths(array)
    thousandths /= thousandths.dtype.type(1000 * white)
    return thousandths.astype(np.float32, copy=False)


def luma_in_thousandths(array: np.ndarray) -> np.ndarray:
    """299 R + 587 G + 114 B of colours (H, W, 3): (H, W), exact in float32 for uint8, else float64."""
    if array.dtype == np.uint8:
        # Whole thousandths stay below 2**24, so these float32 sums are exact in any order and on any number of threads.
        return array.astype(np.float32) @ np.array(LUMA_601, np.float32)  # (H, W, 3) @ (3,) -> (H, W)
    red, green, blue = (array[..., channel].astype(np.float64) * LUMA_601[channel] for channel in range(3))
    return red + green + blue


def to_rgb(array: np.ndarray) -> np.ndarray:
    """Colours as fractions of white; for a grey image the three channels are equal.

    Parameters
    ----------
    array : ndarray, (H, W), (H, W, 1) or (H, W, 3)
        bool, uint8, uint16, or floating point already in [0, 1].

    Returns
    -------
    ndarray, (H, W, 3) float32 in [0, 1]
    """
    array, white = _checked(array)
    values = divide_by_white(array, white)
    return np.repeat(values[..., None], 3, axis=-1) if values.ndim == 2 else values


def white_level(dtype: np.dtype) -> int:
    """The value of white in an array of this dtype: 1, 255 or 65535."""
    if dtype == np.uint8:
        return 255
    if dtype == np.uint16:
        return 65535
    if dtype == np.bool_ or np.issubdtype(dtype, np.floating):
        return 1
    raise UserError(f"an image array of {dtype} has no known white: give uint8, uint16, bool, or floats in [0, 1].")


def divide_by_white(array: np.ndarray, white: int) -> np.ndarray:
    """`array / white` as float32, each value rounded once, so that v / 255 has the same bits everywhere."""
    return np.divide(array, np.float32(white), dtype=np.float32)


def _checked(array: np.ndarray) -> tuple[np.ndarray, int]:
    array = unmasked(array)
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] != 3) or array.size == 0:
        raise UserError(f"an image array has the shape (H, W) or (H, W, 3), not {array.shape}.")
    return array, white_level(array.dtype)


def _values(image: Image.Image, mask: bool) -> np.ndarray:
    """The values of a loaded image before its orientation is applied."""
    if image.mode in _SIXTEEN_BIT:
        values = np.asarray(image).astype(np.uint16)
        return 65535 - values if white_is_zero(image) else values
    if image.mode in ("I", "F"):
        sixteen_bit = image.format == "PNG"  # which older Pillows open as "I"
        return _from_wide(np.asarray(image), sixteen_bit=sixteen_bit) if mask else finite(_wide(image, sixteen_bit))
    if image.has_transparency_data:
        return _composited(image, mask)
    if image.mode in _GREY:
        return np.asarray(image.convert("L"))
    return grey_if_equal(np.asarray(image if image.mode == "RGB" else image.convert("RGB")))


def _wide(image: Image.Image, sixteen_bit: bool) -> np.ndarray:
    """The values of an image of mode "I" or "F" in the type in which its file stores them."""
    array = np.asarray(image)
    if array.dtype.kind == "f":
        return array
    if sixteen_bit:
        return array.astype(np.uint16)
    tags = getattr(image, "tag_v2", None)
    if tags is None:
        return array
    if tuple(tags.get(258, (32,))) == (16,):  # TIFF 6.0: the bits of a number
        return array.astype(np.int16)
    return array.view(np.uint32) if tuple(tags.get(339, (1,))) == (1,) else array  # 1: without a sign


def _from_wide(array: np.ndarray, *, sixteen_bit: bool) -> np.ndarray:
    """Wide integers or floats as uint8 or uint16, depending on their range."""
    low, high = float(array.min()), float(array.max())  # NaN spreads through min and max
    if not (np.isfinite(low) and np.isfinite(high)) or low < 0 or high > 65535:
        raise UserError(
            f"its {8 * array.itemsize}-bit values run from {low:g} to {high:g}: export it as 8-bit or 16-bit."
        )
    if sixteen_bit:
        return array.astype(np.uint16)
    if array.dtype.kind == "f" and high <= 1:
        return np.rint(array * 65535.0).astype(np.uint16)
    return np.rint(array).astype(np.uint8 if high <= 255 else np.uint16)


def _composited(image: Image.Image, mask: bool) -> np.ndarray:
    if image.mode in ("La", "RGBa"):  # premultiplied alpha, which Pillow converts only to "LA" and "RGBA"
        image = image.convert(image.mode.upper())
    rgba = np.asarray(image.convert("RGBA"))
    alpha = rgba[..., 3]
    colours = rgba[..., 0] if image.mode in _GREY else grey_if_equal(rgba[..., :3])
    opacity = (alpha if colours.ndim == 2 else alpha[..., None]).astype(np.uint32)
    backdrop = 0 if mask else 255
    composite = ((colours * opacity + backdrop * (255 - opacity) + 127) // 255).astype(np.uint8)
    if mask and composite.min() == composite.max() and alpha.min() != alpha.max():
        return alpha
    return grey_if_equal(composite)
