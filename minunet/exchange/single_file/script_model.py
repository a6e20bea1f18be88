"""The model of a script: what `minunet.inference.loaded_model.LoadedModel` does, without the rest of the package."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from minunet.cells.cell_maps import CellMaps
from minunet.cells.cell_settings import CellSettings
from minunet.data.appearance import middle_window
from minunet.data.cell_scale import check_diameter, scaled_size
from minunet.data.class_cells import ClassCells
from minunet.data.class_legend import ClassLegend
from minunet.data.outputs import Outputs
from minunet.data.reading.image_range import ImageRange
from minunet.data.reading.preprocessing import as_picture, input_values, resized_input, size_at_scale
from minunet.data.reading.resize import resize_probability
from minunet.errors import UserError
from minunet.exchange.single_file.plain_network import plain_logits
from minunet.exchange.single_file.stored_model import unpacked_weights
from minunet.inference.diameter_estimate import estimate_diameter
from minunet.inference.image_array import check_units
from minunet.inference.mirrored_border import with_mirrored_border
from minunet.inference.predicted_maps import PredictedMaps
from minunet.inference.scaling_model import NO_DIAMETER
from minunet.inference.tile_size import pixels_at_once
from minunet.inference.tiled_logits import tiled_logits


class ScriptModel:
    """A model that predicts images and counts their cells.

    Parameters
    ----------
    settings : mapping
        As `minunet.exchange.single_file.script_writing.script_settings` describes a model.
    weights : str
        As `packed_weights` packs them.
    """

    def __init__(self, settings: Mapping[str, Any], weights: str):
        self.config = settings["architecture"]
        self.weights = unpacked_weights(weights, settings["weights"], self.config)
        self.channels, self.size, self.scale = settings["channels"], settings["size"], settings["scale"]
        self.range = None if settings["range"] is None else ImageRange(**settings["range"])
        self.trained_diameter = settings["trained_diameter"]  # to which every image is brought; None where none is
        self.known_diameter = settings["known_diameter"]  # of the cells in the training images
        self.outputs = Outputs(tuple(settings["classes"]), settings["separation"])
        self.legend = ClassLegend(self.outputs.classes, tuple(settings["outer"])) if self.outputs.classes else None
        self.cell_settings = CellSettings(**settings["cells"])

    def maps(self, image: np.ndarray, diameter: float | None) -> PredictedMaps:
        """What the network says of an image (H, W) or (H, W, C), at its own size.

        Parameters
        ----------
        image : ndarray
        diameter : float or None
            Of its cells, in its own pixels; see `settled_diameter`.
        """
        shape = image.shape[0], image.shape[1]
        size = self.size if self.scale is None else size_at_scale(shape, self.scale)
        if diameter is not None:
            if self.known_diameter is None:
                raise UserError(f"{NO_DIAMETER}.")
            check_diameter(diameter, shape if diameter > self.known_diameter else None)
            size = scaled_size(shape, diameter, self.known_diameter)
        values = input_values(image, self.channels, self.range)
        if size is not None:
            values = resized_input(values, size, interpolate=diameter is not None)
        check_units(image, self.range)
        return PredictedMaps.of(resize_probability(self._maps(values), shape), self.outputs)

    def cells(self, maps: PredictedMaps) -> ClassCells:
        """The cells in the maps of an image, numbered, each with its class."""
        found = CellMaps.of(maps.probability, maps.foreground_class, self.legend, maps.separation)
        return found.find(self.cell_settings)

    def settled_diameter(self, image: np.ndarray, diameter: float | None) -> float | None:
        """The diameter of the cells of an image: the given one; or that which a model of one cell diameter estimates."""
        if diameter is not None or self.trained_diameter is None:
            return diameter
        window = input_values(image[middle_window((image.shape[0], image.shape[1]))], self.channels, self.range)
        found = estimate_diameter(window, self.trained_diameter, lambda values: self._maps(values)[..., 0])
        return found or self.trained_diameter

    def display(self, image: np.ndarray) -> np.ndarray:
        """An image as it can be shown, (H, W) or (H, W, 3) uint8: 8-bit images as they are, others as the network sees them."""
        if image.dtype == np.uint8 and image.shape[2:] in ((), (3,)):
            return image
        return as_picture(input_values(image, self.channels, self.range))

    def _maps(self, values: np.ndarray) -> np.ndarray:
        """The probability of cell, then what separates cells, then the probability of each class: (h, w, C) -> (h, w, M)."""
        logits = self._logits(values)
        parts = [self.outputs.probability(logits)[..., None]]
        if (separation := self.outputs.separation_map(logits)) is not None:
            parts.append(separation[..., None])
        if self.outputs.classes:
            parts.append(self.outputs.class_probabilities(logits))
        return np.concatenate(parts, axis=-1) if len(parts) > 1 else parts[0]

    def _logits(self, values: np.ndarray) -> np.ndarray:
        """The logits, (h, w, C) -> (h, w, channels): of a large image tile by tile."""
        height, width = values.shape[:2]
        if self.size == (width, height) or height * width <= pixels_at_once(self.config):
            return self._run(values[None])[0]
        return tiled_logits(self._run, values[None], self.config)[0]

    def _run(self, images: np.ndarray) -> np.ndarray:
        """The logits of one image or tile: (1, h, w, C) -> (1, h, w, channels)."""
        height, width = images.shape[1:3]
        if self.trained_diameter is not None:
            multiple = 2 ** self.config["depth"]
            images = with_mirrored_border(images, (height + -height % multiple, width + -width % multiple))
        return plain_logits(self.weights, self.config, images[0])[None, :height, :width]
