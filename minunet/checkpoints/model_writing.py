"""Writing a model file: a network and everything that prediction needs, in one safetensors file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from minunet.cells.cell_choice import CellChoice
from minunet.checkpoints import container
from minunet.checkpoints.header import describe_model, to_json
from minunet.data.outputs import Outputs
from minunet.data.reading.preprocessing import Preprocessing
from minunet.data.training_images import TrainingImages
from minunet.nn.unet import UNet

MODEL = "minunet-model"  # the file's format, as its header calls it


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

    Raises
    ------
    UserError
        If the file cannot be written or safetensors is not installed.
    """
    document = {
        "format": MODEL,
        "about": "A trained U-Net for blood-cell images, for minunet.load_model. Tensors are named after layers.",
        **describe_model(model, preprocessing, outputs),
        "metrics": to_json(metrics or {}),
        "extra": to_json(extra or {}),
    }
    if cell_choice is not None:
        document["cells"] = to_json(cell_choice)
    if training_images is not None:
        document["training_images"] = to_json(training_images.to_dict())
    return container.write(path, model.state_dict(), document)
