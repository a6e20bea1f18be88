"""Writing a model file: a network and everything that prediction needs, in one safetensors file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from minunet.checkpoints import container
from minunet.checkpoints.header import MODEL, describe_model, to_json
from minunet.data.outputs import Outputs
from minunet.data.reading.preprocessing import Preprocessing
from minunet.errors import UserError
from minunet.nn.unet import UNet
from minunet.wording import join_names

if TYPE_CHECKING:
    from minunet.cells.cell_choice import CellChoice
    from minunet.data.training_images import TrainingImages

ABOUT = "A trained U-Net for blood-cell images, for minunet.load_model. Tensors are named after layers."


def write_model(
    path: str | Path,
    model: UNet,
    preprocessing: Preprocessing,
    *,
    metrics: Mapping[str, Any] | None = None,
    extra: Mapping[str, Any] | None = None,
    cell_choice: CellChoice | None = None,
    training_images: TrainingImages | None = None,
    outputs: Outputs | None = None,
    about: str = ABOUT,
    dtype: str = "float32",
) -> Path:
    """Write a model file, which `load_model` can read without any further information.

    Parameters
    ----------
    path : str or Path
        The file; written completely or not at all. An existing file is replaced.
    model : UNet
        Its weights are stored with the names of `named_parameters()`, in their layout.
    preprocessing : Preprocessing
        Turns an image into the model's input.
    metrics : mapping, optional
        The scores of the model, and on which images. NaN and infinity, which JSON does not have, are stored as null.
    extra : mapping, optional
        Anything else that JSON can hold, such as the training configuration.
    cell_choice : CellChoice, optional
        How cells are cut out; without it the defaults are used.
    training_images : TrainingImages, optional
        How the images of the training look, with which new images are compared.
    outputs : Outputs, optional
        What the channels of the model's logits mean; one logit, cell or not, unless given.
    about : str
        What the file is, for whoever reads its header.
    dtype : {"float32", "float16"}
        Of the weights in the file. float16 halves its size and rounds every weight by up to 1 / 2048 of itself.

    Raises
    ------
    UserError
        If a weight is too large for the dtype, or the file cannot be written.
    """
    described = model_document(
        model,
        preprocessing,
        metrics=metrics,
        extra=extra,
        cell_choice=cell_choice,
        training_images=training_images,
        outputs=outputs,
    )
    return container.write(path, _rounded(path, model.state_dict(), dtype), {**described, "about": about})


def model_document(
    model: UNet,
    preprocessing: Preprocessing,
    *,
    metrics: Mapping[str, Any] | None = None,
    extra: Mapping[str, Any] | None = None,
    cell_choice: CellChoice | None = None,
    training_images: TrainingImages | None = None,
    outputs: Outputs | None = None,
) -> dict[str, Any]:
    """The document in the header of a model file; the arguments are those of `write_model`."""
    document = {
        "format": MODEL,
        "about": ABOUT,
        **describe_model(model, preprocessing, outputs),
        "metrics": to_json(metrics or {}),
        "extra": to_json(extra or {}),
    }
    if cell_choice is not None:
        document["cells"] = to_json(cell_choice)
    if training_images is not None:
        document["training_images"] = to_json(training_images.to_dict())
    return document


def _rounded(path: str | Path, weights: Mapping[str, np.ndarray], dtype: str) -> dict[str, np.ndarray]:
    """The weights in the dtype of the file."""
    with np.errstate(over="ignore"):
        rounded = {name: value.astype(dtype, copy=False) for name, value in weights.items()}
    lost = [name for name, value in rounded.items() if np.isinf(value).any() and not np.isinf(weights[name]).any()]
    if lost:
        raise UserError(f"{path}: the weights of {join_names(lost)} are too large for {dtype}; write float32.")
    return rounded
