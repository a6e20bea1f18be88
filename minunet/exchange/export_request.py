"""The request for exported files: the model, the image with which they are checked, and what the files are to be like."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minunet.exchange.model_card import ModelCard
from minunet.inference.loaded_model import LoadedModel


@dataclass(frozen=True)
class ExportRequest:
    """What is asked for.

    Attributes
    ----------
    model : LoadedModel
        On the CPU.
    image : ndarray, (H, W) or (H, W, C)
        With which the files are compared with the model.
    image_name : str
        What it is, for the line about the comparison.
    card : ModelCard
        What is said of the model in a bioimage.io package.
    onnx_preprocessing : bool
        Whether the ONNX file takes images as they are.
    """

    model: LoadedModel
    image: np.ndarray
    image_name: str
    card: ModelCard
    onnx_preprocessing: bool = False


@dataclass(frozen=True)
class ExportedFile:
    """What is said of a file that was written.

    Attributes
    ----------
    lines : list of str
        For people.
    facts : dict
        For --json, in the types of JSON.
    """

    lines: list[str]
    facts: dict[str, Any] = field(default_factory=dict)
