"""The pretrained model, which comes with the package: trained on drawn smears, it predicts before anyone has annotated an image."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from minunet.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path

PRETRAINED = "pretrained"  # its name, where the path of a model is expected
PRETRAINED_FILE = os.path.join(
    os.path.dirname(os.path.dirname(os.path.realpath(__file__))), "models", "blood_smears.safetensors"
)


def named_model(model: str | Path | None) -> str:
    """The path of a model that was given by its name or by its path.

    Parameters
    ----------
    model : str, Path or None
        None and "pretrained" are the model that comes with the package; everything else is a path.

    Raises
    ------
    UserError
        If it is named while there is a file or a folder of that name in the working folder, or the package lacks its model.
    """
    if model is not None and model != PRETRAINED:
        return os.fspath(model)
    if model is not None and os.path.lexists(PRETRAINED):
        kind = "folder" if os.path.isdir(PRETRAINED) else "file"
        raise UserError(
            f"{PRETRAINED} is the model that comes with minunet, and also a {kind} here: write ./{PRETRAINED} for the {kind}, or "
            "rename it."
        )
    if not os.path.isfile(PRETRAINED_FILE):
        raise UserError(
            f"the model that comes with minunet is not there ({PRETRAINED_FILE}): install minunet again, or name a model of "
            "your own."
        )
    return PRETRAINED_FILE


def is_pretrained(path: str | Path | None) -> bool:
    """Whether a file is that model."""
    return path is not None and os.path.normpath(path) == os.path.normpath(PRETRAINED_FILE)
