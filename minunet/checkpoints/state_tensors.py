"""The tensors of a training state: how those of the model and of the optimizer are told apart by their names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import numpy as np

from minunet.checkpoints.tensor_table import TensorEntry

STATE_FILE = "last.safetensors"
STATE = "minunet-training-state"  # the file's format, as its header calls it
WEIGHTS, OPTIMIZER = "model.", "optimizer."  # what the names of the tensors begin with
Tensors = TypeVar("Tensors", np.ndarray, TensorEntry)


def stored_weights(tensors: Mapping[str, Tensors]) -> dict[str, Tensors]:
    """The model's weights among the tensors of a state file, or of its table, under the names the model gives them."""
    return with_prefix(tensors, WEIGHTS)


def with_prefix(tensors: Mapping[str, Tensors], prefix: str) -> dict[str, Tensors]:
    """The tensors whose names begin with `prefix`, under their names without it."""
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
