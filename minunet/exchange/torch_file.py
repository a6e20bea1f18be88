"""The file for PyTorch: the weights of a model in PyTorch's layout, with everything else of the model in the header.

A module that loads it is `minunet/exchange/torch_unet.py`. The file can be imported again, also after more training in PyTorch.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from minunet.checkpoints import container
from minunet.checkpoints.architecture import check_architecture, parameter_shapes
from minunet.checkpoints.checksum import CHECKSUM
from minunet.checkpoints.header import LAYOUT, MODEL, entry
from minunet.checkpoints.model_file import check_model
from minunet.checkpoints.model_writing import ABOUT, model_document
from minunet.checkpoints.tensor_table import TensorEntry
from minunet.errors import UserError
from minunet.exchange.foreign_weights import ForeignWeights
from minunet.exchange.torch_layout import TORCH_LAYOUT, from_torch, to_torch
from minunet.inference.loaded_model import LoadedModel
from minunet.wording import shorten

TORCH = "minunet-torch"  # the file's format, as its header calls it
ABOUT_TORCH = "A trained U-Net of minunet in the layout of PyTorch. Tensors are named after layers."


def write_torch_file(model: LoadedModel, path: Path) -> Path:
    """Write a model for PyTorch.

    Parameters
    ----------
    model : LoadedModel
    path : Path
        Written completely or not at all.

    Raises
    ------
    UserError
        If the file cannot be written.
    """
    described = model_document(
        model.model,
        model.preprocessing,
        metrics=model.metrics,
        extra=model.extra,
        cell_choice=model.cell_choice,
        training_images=model.training_images,
        outputs=model.outputs,
    )
    document = {**described, "format": TORCH, "about": ABOUT_TORCH, "weight_layout": TORCH_LAYOUT}
    weights = {name: to_torch(name, weight) for name, weight in model.model.state_dict().items()}
    return container.write(path, weights, document)


def write_imported(path: Path, source: Path, weights: ForeignWeights, document: Mapping[str, Any]) -> Path:
    """Write the model of a file that `write_torch_file` wrote, with the header that it had before.

    Parameters
    ----------
    path : Path
        Written completely or not at all.
    source : Path
        Of the file, for messages.
    weights : ForeignWeights
        Its tensors, which may have been trained since.
    document : mapping
        Of its header.

    Raises
    ------
    UserError
        If the header is damaged, the tensors do not fit it, or the file cannot be written.
    """
    described = {**document, "format": MODEL, "about": ABOUT, "weight_layout": LAYOUT}
    described.pop(CHECKSUM, None)
    config = entry(source, described, "architecture")
    check_architecture(source, config)
    shapes = parameter_shapes(config)
    arrays = {name: from_torch(name, weights.array(source, name)) for name in weights.tensors if name in shapes}
    others = {name: TensorEntry("float32", weights.shape(name)) for name in weights.tensors if name not in shapes}
    table = {name: TensorEntry("float32", array.shape) for name, array in arrays.items()} | others
    check_model(source, table, described)
    return container.write(path, {name: np.asarray(arrays[name]) for name in shapes}, described)


def check_version(path: Path, document: Mapping[str, Any]) -> None:
    """A UserError where the file was written by a newer minunet."""
    version = document.get("format_version")
    if version != container.VERSION:
        raise UserError(
            f"{path}: this file has format version {shorten(version, 20)}, and this minunet reads version {container.VERSION}; "
            "upgrade with: pip install --upgrade minunet"
        )
