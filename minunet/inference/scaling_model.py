"""The scaling model: it prepares an image for its network as those of the training were prepared.

A model that knows one cell diameter gets the image resized by the diameter of its cells, given or estimated.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from minunet.data.cell_scale import SMALLEST_DIAMETER
from minunet.data.reading.preprocessing import Preprocessing
from minunet.errors import UserError
from minunet.inference.image_array import check_units, image_array
from minunet.inference.map_model import MapModel

if TYPE_CHECKING:
    from pathlib import Path

    from minunet.data.training_images import TrainingImages
    from minunet.inference.predicted_maps import PredictedMaps

NOT_ONE_DIAMETER = "this model was not trained at one cell diameter, so that it cannot estimate that of an image"
NO_DIAMETER = (
    "this model does not know how large the cells of its training images are, so that a cell diameter says nothing to it; leave "
    "it out, or train with --diameter"
)


class ScalingModel(MapModel):
    """What a `LoadedModel` does with an image before its network gets it; its fields are described there."""

    training_images: TrainingImages | None

    @property
    def path(self) -> Path | None:
        """The file that the model came from."""
        raise NotImplementedError

    @property
    def diameter(self) -> float | None:
        """The cell diameter that the model knows, in pixels of the network's input; None for a model that cannot tell.

        It is that to which the training images were brought, or else that of the cells in their masks.
        """
        if self.preprocessing.diameter is not None:
            return self.preprocessing.diameter
        known = 0.0 if self.training_images is None else self.training_images.cell_diameter
        return known if known >= SMALLEST_DIAMETER else None

    def prepared(self, array: np.ndarray, diameter: float | None) -> np.ndarray:
        """The input of the network, (h, w, C) float32, for an image (H, W) or (H, W, C); `diameter` as for `predict`."""
        fitted = self.fitted((array.shape[0], array.shape[1]), self.settled_diameter(array, diameter))
        prepared = fitted.image(array)
        check_units(array, self.preprocessing.range)  # after the channels were found to fit
        return prepared

    def predict_outputs(self, image: Any, diameter: float | None = None) -> PredictedMaps:
        """All that the network says of an image.

        Parameters
        ----------
        image : ndarray, PIL image, str or Path
            As for `predict`.
        diameter : float, optional
            As for `predict`.

        Returns
        -------
        PredictedMaps
            `probability`, as of `predict`; `separation`, (H, W) float32 or None; `classes`, (H, W) uint8 or None.

        Raises
        ------
        UserError
            As `predict`.

        Examples
        --------
        >>> from minunet import UNet
        >>> from minunet.checkpoints.trained_model import TrainedModel
        >>> model = TrainedModel(UNet(base_channels=2, depth=1), Preprocessing())
        >>> maps = model.predict_outputs(np.zeros((30, 40), np.uint8))
        >>> maps.probability.shape, maps.separation
        ((30, 40), None)
        """
        array = image_array(image)
        return self.outputs_of([self.prepared(array, diameter)], [(array.shape[0], array.shape[1])])[0]

    def estimate_diameter(self, image: Any) -> float | None:
        """The diameter of the cells in an image, in its own pixels, found by predicting it at several scales.

        Parameters
        ----------
        image : ndarray, PIL image, str or Path
            As for `predict`; of a large one the middle is looked at.

        Returns
        -------
        float or None
            None where no cells are found.

        Raises
        ------
        UserError
            As `predict`, and for a model that was not trained at one cell diameter.

        Examples
        --------
        >>> from minunet import UNet
        >>> from minunet.checkpoints.trained_model import TrainedModel
        >>> model = TrainedModel(UNet(base_channels=2, depth=1), Preprocessing(diameter=20.0))
        >>> model.estimate_diameter(np.zeros((64, 64), np.uint8)) is None  # a network without training finds no cells
        True
        """
        from minunet.data.appearance import middle_window
        from minunet.inference.diameter_estimate import estimate_diameter

        if self.preprocessing.diameter is None:
            raise UserError(f"{self.path or 'this model'}: {NOT_ONE_DIAMETER}.")
        array = image_array(image)
        window = array[middle_window((array.shape[0], array.shape[1]))]
        return estimate_diameter(self.preprocessing.values(window), self.preprocessing.diameter, self.probability)

    def settled_diameter(self, image: Any, diameter: float | None = None) -> float | None:
        """The cell diameter with which an image is predicted: the given one, or an estimate; None where it is not resized by one.

        Where no cells are found, the image is not resized: its cells count as large as the model knows them.
        """
        if diameter is not None or self.preprocessing.diameter is None:
            return diameter
        return self.estimate_diameter(image) or self.preprocessing.diameter

    def fitted(self, shape: tuple[int, int], diameter: float | None) -> Preprocessing:
        """The preprocessing for an image of a shape (H, W) whose cells have a diameter in its own pixels.

        Raises
        ------
        UserError
            If the diameter does not suit the image, or the model knows none.
        """
        if diameter is None:
            return self.preprocessing.scaled(shape)
        if self.diameter is None:
            raise UserError(f"{self.path or 'this model'}: {NO_DIAMETER}.")
        return self.preprocessing.fitted(shape, diameter, self.diameter)

    def unlike(self, image: Any, diameter: float | None = None) -> list[str]:
        """How an image differs from those that the model was trained on, so that its prediction may be wrong.

        Compared are tones, sharpness, the size of what is in the image, and colours.

        Parameters
        ----------
        image : ndarray, PIL image, str or Path
            As for `predict`.
        diameter : float, optional
            Of its cells, in its own pixels, if it was predicted with one; it is not estimated here.

        Returns
        -------
        list of str
            A sentence for each kind of difference; empty where there is none, and for models of older versions, which do not
            know their training images.

        Raises
        ------
        UserError
            If the image is of another type, or its file cannot be read.

        Examples
        --------
        >>> from minunet import UNet
        >>> from minunet.checkpoints.trained_model import TrainedModel
        >>> model = TrainedModel(UNet(base_channels=2, depth=1), Preprocessing())
        >>> model.unlike(np.zeros((30, 40), np.uint8))  # nothing is known of the training images
        []
        """
        return self.unlike_window(image_array(image), diameter=diameter)

    def unlike_window(
        self, window: np.ndarray, shape: tuple[int, int] | None = None, diameter: float | None = None
    ) -> list[str]:
        """As `unlike`, from the `middle_window` of a large image of a `shape` (H, W)."""
        from minunet.inference.unlike_images import differences

        whole = (window.shape[0], window.shape[1]) if shape is None else shape
        return differences(window, self.fitted(whole, diameter), self.training_images, shape)
