"""Stored masks: what the files of a mask hold, before anything decides which of it is cell.

Numbers stay numbers, palettes stay indices, and colours stay colours; a `MaskReading` turns them into cell and background.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from PIL import Image

from minunet.data.reading.mask_alpha import as_colours, check_planes
from minunet.data.reading.numbered_cells import CellRemarks
from minunet.data.reading.open_images import OpenImage
from minunet.data.reading.orientation import orientation_of
from minunet.data.reading.pixels import as_16_bits, finite, from_pil, grey_if_equal, upright, white_is_zero
from minunet.errors import UserError

PLANAR = 2  # TIFF 6.0, tag 284: channels one after the other
FAX = (2, 3, 4)  # TIFF 6.0, tag 259: the compressions of a fax, whose paper is stored as 0
MOST_GREYS = 16  # a palette of greys with more levels than this in use holds the greys of a picture


@dataclass(frozen=True, eq=False)
class StoredMask:
    """The values of one mask as they are stored.

    Attributes
    ----------
    values : ndarray, (H, W) or (H, W, 3)
        bool, integers or floats; the indices of a palette; or colours, (H, W, 3) uint8.
    palette : ndarray, (N, 3) uint8, or None
        The colour of each index, where the values are indices.
    is_numbered : bool
        Whether the source itself numbers the cells from 1 up, as one file a cell or a file of outlines does.
    remarks : CellRemarks or None
        What was noticed when it was put together from single cells.
    shown_by : callable or None
        Makes the mask as a picture shows it; None where that is `values`.
    """

    values: np.ndarray
    palette: np.ndarray | None = None
    is_numbered: bool = False
    remarks: CellRemarks | None = None
    shown_by: Callable[[], np.ndarray] | None = field(default=None, repr=False)

    @property
    def shape(self) -> tuple[int, int]:
        """(H, W)"""
        return self.values.shape[0], self.values.shape[1]

    def shown(self) -> np.ndarray:
        """The mask as a picture shows it, with its palette and transparency applied: how older versions read masks.

        Returns
        -------
        ndarray, (H, W) or (H, W, 3)
        """
        if self.is_numbered:
            return np.uint8(self.values > 0) * np.uint8(255)
        return self.values if self.shown_by is None else self.shown_by()


def stored_mask(file: OpenImage) -> StoredMask:
    """The mask that an image file holds.

    Raises
    ------
    UserError
        Naming the file, what is wrong with it, and the remedy.
    """
    if file.pillow is None or file.deep:
        values = file.wide_mask()
        with file.usable():
            shown_by = _as_8_bits if file.deep else as_16_bits
            return StoredMask(_in_one_or_three_channels(values), shown_by=lambda: shown_by(values))
    image = file.load()
    with file.usable():
        turn = orientation_of(image)
        values, palette = _stored_values(image)
        values = np.ascontiguousarray(upright(values, turn))
        return StoredMask(values, palette, shown_by=_picture(image, values))


def _in_one_or_three_channels(values: np.ndarray) -> np.ndarray:
    if values.ndim == 2:
        return values
    if values.shape[2] != 3:
        raise UserError(
            f"it has {values.shape[2]} channels: a mask has one, or three of a colour; save the channel of the mask alone."
        )
    return as_colours(values) if values.dtype == np.uint16 else values.astype(np.uint8)


def _as_8_bits(values: np.ndarray) -> np.ndarray:
    return grey_if_equal((values >> 8).astype(np.uint8))


def _picture(image: Image.Image, values: np.ndarray) -> Callable[[], np.ndarray] | None:
    """What gives the mask as a picture shows it; None where that is its values."""
    plain = image.mode == "L" or image.mode.startswith("I;16")
    if plain and not image.has_transparency_data and not white_is_zero(image):
        return None
    try:
        shown = from_pil(image, mask=True)
    except UserError as error:
        problem = error  # for whoever asks for the picture

        def refuse() -> np.ndarray:
            raise problem

        return refuse
    return None if shown.dtype == values.dtype and np.array_equal(shown, values) else lambda: shown


def _stored_values(image: Image.Image) -> tuple[np.ndarray, np.ndarray | None]:
    """The values of a loaded image, and its palette where they are indices."""
    if image.mode in ("P", "PA"):
        return _indices(image)
    if image.mode in ("I", "F") or image.mode.startswith("I;"):
        return _wide(image), None
    if image.mode in ("1", "L"):
        values = np.asarray(image.convert("L"))
        values = values > 0 if image.mode == "1" else values
        return (~values if _is_inverted(image) else values), None
    if image.mode in ("LA", "La", "RGBA", "RGBa"):
        return _without_alpha(image), None
    values = np.asarray(image if image.mode == "RGB" else image.convert("RGB"))
    if _is_planar(image):
        check_planes(values)
    return values, None


def _indices(image: Image.Image) -> tuple[np.ndarray, np.ndarray | None]:
    values = np.asarray(image)
    if values.ndim == 3:  # with an alpha channel
        values = values[..., 0]
    colours = np.array(image.getpalette("RGB") or [], np.uint8).reshape(-1, 3)
    missing = int(values.max()) + 1 - len(colours)
    if missing > 0:  # indices that the palette does not have
        colours = np.concatenate([colours, np.zeros((missing, 3), np.uint8)])
    is_grey = bool((colours == colours[:, :1]).all())
    ramp = np.array_equal(colours[: int(values.max()) + 1, 0], np.arange(int(values.max()) + 1))
    if is_grey and (ramp and values.max() > 1 or np.count_nonzero(np.bincount(values.ravel())) > MOST_GREYS):
        return colours[values, 0], None  # greys in the order of a picture's, not of classes
    return values, colours


def _wide(image: Image.Image) -> np.ndarray:
    values = np.asarray(image)
    tags = getattr(image, "tag_v2", {})
    if image.mode == "I" and tags and 2 not in tags.get(339, (1,)):  # unsigned, which Pillow reads as signed
        values = values.view(np.uint32) if values.dtype == np.int32 else values
    if image.mode.startswith("I;"):
        values = values.astype(np.uint16)
    return finite(values)


def _is_inverted(image: Image.Image) -> bool:
    """Whether a TIFF says that white is 0, of which programs that write arrays do not mean that the mask is to be inverted."""
    return white_is_zero(image) and getattr(image, "tag_v2", {}).get(259) not in FAX


def _is_planar(image: Image.Image) -> bool:
    """Whether the channels of a TIFF are stored one after the other."""
    return getattr(image, "tag_v2", {}).get(284) == PLANAR


def _without_alpha(image: Image.Image) -> np.ndarray:
    """The colours, over black where the transparency varies, or the transparency itself where the colours do not."""
    if image.mode in ("La", "RGBa"):  # premultiplied, which Pillow converts only to "LA" and "RGBA"
        image = image.convert(image.mode.upper())
    array = np.asarray(image)
    if _is_planar(image):
        check_planes(array)
        return array[..., 0]
    colours, alpha = array[..., :-1], array[..., -1]
    if alpha.min() != alpha.max():
        opacity = alpha[..., None].astype(np.uint32)
        colours = ((colours * opacity + 127) // 255).astype(np.uint8)
        if (colours == colours[:1, :1]).all():
            return alpha
    return colours[..., 0] if colours.shape[-1] == 1 else colours
