"""Mask alpha: the alpha channel of masks of 16 bits and of TIFFs that tifffile reads, and how channels of masks may be stored.

Alpha is not composited here, since that would change the numbers of cells.
"""

from __future__ import annotations

import numpy as np

from minunet.errors import UserError

ALPHA_REMEDY = (
    "save each mask as a file of its own, or the pages of a stack with tifffile.imwrite(..., photometric='minisblack'); save "
    "colours as a PNG of 8 bits"
)


def mask_without_alpha(values: np.ndarray) -> np.ndarray:
    """The channels of a mask without its alpha channel, the last one.

    Where alpha is black and white only, what it hides is 0; where only alpha varies, it is the mask itself.

    Parameters
    ----------
    values : ndarray, (H, W, 2) or (H, W, 4), uint8 or uint16

    Returns
    -------
    ndarray, (H, W) or (H, W, 3)

    Raises
    ------
    UserError
        If alpha has other values, which may be those of a mask.
    """
    colours, alpha = values[..., :-1], values[..., -1]
    if alpha.min() != alpha.max() and not (colours == alpha[..., None]).all():
        if (colours == colours[:1, :1]).all():
            return alpha
        white = np.iinfo(values.dtype).max
        if not ((alpha == 0) | (alpha == white)).all():
            raise UserError(
                f"its last channel of {values.shape[2]} is alpha, with values other than 0 and {white}, which may be the numbers "
                f"of cells: {ALPHA_REMEDY}."
            )
        colours = np.where(alpha[..., None] > 0, colours, 0)
    return colours[..., 0] if colours.shape[2] == 1 else colours


def check_planes(values: np.ndarray) -> None:
    """Refuse the channels of a mask that are stored one after the other, unless all are equal.

    Programs that write arrays store a stack of three or four masks in this way, as one picture in colour.

    Parameters
    ----------
    values : ndarray, (H, W, C)

    Raises
    ------
    UserError
        If the channels differ.
    """
    if not (values == values[..., :1]).all():
        count = values.shape[2]
        raise UserError(
            f"its {count} channels are stored one after the other and differ, as in a stack of {count} masks that was saved as one "
            f"picture: {ALPHA_REMEDY}."
        )


def as_colours(values: np.ndarray) -> np.ndarray:
    """Colours (H, W, 3) of 16 bits a channel with 8 bits.

    Raises
    ------
    UserError
        If they are not colours of 8 bits that were saved with 16, since different numbers would become equal.
    """
    upper = (values >> 8).astype(np.uint8)
    if not any(np.array_equal(values, upper.astype(np.uint16) * factor) for factor in (257, 256)):
        raise UserError(f"its three channels of 16 bits differ and are no colours of 8 bits: {ALPHA_REMEDY}.")
    return upper
