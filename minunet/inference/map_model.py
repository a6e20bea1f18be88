"""The map model: a network on its machine, which makes maps of images that are prepared for it.

It adds to the network the meaning of its output channels, and tiles for images that are too large for memory.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minunet.autograd import Tensor
from minunet.data.outputs import Outputs
from minunet.data.reading.preprocessing import Preprocessing
from minunet.data.reading.resize import resize_probability
from minunet.functional import sigmoid
from minunet.inference.forward_pass import ForwardPass
from minunet.inference.tile_size import pixels_at_once
from minunet.kernels import backend
from minunet.kernels.machine import Machine
from minunet.nn.unet import UNet

if TYPE_CHECKING:
    from minunet.inference.predicted_maps import PredictedMaps


class MapModel:
    """What a `LoadedModel` does with images that are prepared; its fields are described there."""

    model: UNet
    preprocessing: Preprocessing
    config: dict[str, Any]
    machine: Machine
    outputs: Outputs
    forward_pass: ForwardPass

    @property
    def device(self) -> str:
        """Where the model is: "cpu" or "cuda"."""
        return self.machine.device

    @property
    def precision(self) -> str:
        """Of a GPU's convolutions: "fp32", "tf32" or "bf16"."""
        return self.machine.precision

    def probabilities(self, inputs: np.ndarray) -> np.ndarray:
        """The probabilities for images that `preprocessing.image` prepared, at that size.

        Parameters
        ----------
        inputs : ndarray
            (N, h, w, C) float32.

        Returns
        -------
        ndarray
            (N, h, w) float32 in [0, 1].
        """
        return self._probabilities(self.output_logits(inputs))

    def probability(self, image: np.ndarray) -> np.ndarray:
        """The probabilities (h, w) of one image (h, w, C) that is prepared."""
        return np.asarray(self.probabilities(image[None])[0])

    @property
    def map_count(self) -> int:
        """The number of maps that `maps` gives."""
        return 1 + (self.outputs.separation is not None) + len(self.outputs.classes)

    def maps(self, inputs: np.ndarray) -> np.ndarray:
        """All that the network says of such images, (N, h, w, M) float32 in [0, 1].

        The last axis is as `PredictedMaps.of` takes it: the probability of cell, the separation, the probability of each class.
        """
        return self.maps_of(self.output_logits(inputs))

    def maps_of(self, logits: np.ndarray) -> np.ndarray:
        """The maps of all logits (N, h, w, channels), (N, h, w, M); see `maps`."""
        outputs = self.outputs
        parts = [self._probabilities(logits)[..., None]]
        if (separation := outputs.separation_map(logits)) is not None:
            parts.append(separation[..., None])
        if outputs.classes:
            parts.append(outputs.class_probabilities(logits))
        return np.concatenate(parts, axis=-1) if len(parts) > 1 else parts[0]

    def output_logits(self, inputs: np.ndarray) -> np.ndarray:
        """All logits for such images, (N, h, w, channels) float32; what they mean is in `outputs`.

        Images that need too much memory are cut into overlapping tiles, unless they have the size that the model resizes all to.
        """
        if not self.is_tiled(*inputs.shape[1:3]):
            return self._run(inputs)
        from minunet.inference.tiled_logits import tiled_logits

        return tiled_logits(self._run, inputs, self.config)

    def is_tiled(self, height: int, width: int) -> bool:
        """Whether images of this size are predicted in tiles, because they would need too much memory."""
        return self.preprocessing.size != (width, height) and height * width > pixels_at_once(self.config)

    def outputs_of(self, prepared: Sequence[np.ndarray], shapes: Sequence[tuple[int, int]]) -> list[PredictedMaps]:
        """As `predict_outputs`, of images that `prepared` has made; those of one size go through the network together.

        The network may compute several images by another algorithm than one: the last bits may differ.

        Parameters
        ----------
        prepared : sequence of ndarray
            Each (h, w, C) float32.
        shapes : sequence of (H, W)
            Of the images themselves.

        Returns
        -------
        list of PredictedMaps
            In the order of the images, at their own sizes.
        """
        from minunet.inference.predicted_maps import PredictedMaps

        maps: dict[int, PredictedMaps] = {}
        places = sorted(range(len(prepared)), key=lambda place: prepared[place].shape)
        for (height, width, _), group in itertools.groupby(places, key=lambda place: prepared[place].shape):
            together = self.images_at_once(height, width)
            while batch := list(itertools.islice(group, together)):
                stacked = self.maps(np.stack([prepared[place] for place in batch]))  # (N, h, w, M)
                for place, of_image in zip(batch, stacked, strict=True):
                    maps[place] = PredictedMaps.of(resize_probability(of_image, shapes[place]), self.outputs)
        return [maps[place] for place in range(len(prepared))]

    def images_at_once(self, height: int, width: int) -> int:
        """How many images of this size at the network's input one call of it may have."""
        return max(1, pixels_at_once(self.config) // (height * width))

    def _run(self, inputs: np.ndarray) -> np.ndarray:
        if self.preprocessing.diameter is None:
            return backend.to_numpy(self.forward_pass.logits(inputs))  # (N, h, w, channels)
        from minunet.inference.mirrored_border import with_mirrored_border

        height, width = inputs.shape[1:3]
        padded = with_mirrored_border(inputs, self.model.padded_size(height, width))
        return backend.to_numpy(self.forward_pass.logits(padded))[:, :height, :width]

    def _probabilities(self, logits: np.ndarray) -> np.ndarray:
        cell = np.ascontiguousarray(self.outputs.cell_logits(logits)[..., 0])
        return sigmoid(Tensor(cell)).data
