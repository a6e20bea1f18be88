"""Mask choices: what the user says of the masks, as the flags `--cell`, `--classes` and others say it."""

from __future__ import annotations

from dataclasses import dataclass

COMMAND = "python -m minunet.train DATA"


@dataclass(frozen=True)
class MaskChoice:
    """What the user says of the masks, as the flags say it.

    Parameters
    ----------
    cell, ignore : str or None
        Values as `minunet.data.reading.mask_values.MaskValues` takes them; None leaves the choice to the masks.
    invert : bool
        Whether cells are dark on a light background.
    threshold : "otsu" or float
        A fraction of white: values above it are cell. "otsu" leaves the choice to the masks.
    command : str
        The command without these flags, for messages that say what to type.
    grayscale : bool
        Whether greys are kept, so that levels of grey are no question.
    classes : str or None
        The classes of the masks (see `minunet.data.reading.mask_classes.ClassRequest`); None where there are none but cell and
        background.
    """

    cell: str | None = None
    ignore: str | None = None
    invert: bool = False
    threshold: str | float = "otsu"
    command: str = COMMAND
    grayscale: bool = False
    classes: str | None = None


NOTHING_SAID = MaskChoice()  # everything is left to the masks
