"""The loaded model: a trained network with its preprocessing, which turns an image of any size into a probability for each pixel.

The image is prepared as in training, and the result is resized to the image's own size. What `predict` does not need, such as
the search for cells, is imported where it is used, so that a new process does not wait for it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from minunet.autograd import Tensor
from minunet.data.cell_scale import SMALLEST_DIAMETER
from minunet.data.outputs import Outputs
from minunet.data.reading.channels import describe_channels
from minunet.data.reading.preprocessing import Preprocessing
from minunet.data.reading.resize import resize_probability
from minunet.errors import UserError
from minunet.functional import sigmoid
from minunet.inference.forward_pass import ForwardPass
from minunet.inference.image_array import check_units, image_array
from minunet.inference.tile_size import pixels_at_once
from minunet.kernels import backend
from minunet.kernels.machine import Machine
from minunet.nn.unet import UNet

if TYPE_CHECKING:
    from minunet.cells.cell_choice import CellChoice
    from minunet.cells.cell_maps import CellMaps
    from minunet.cells.cell_measures import Cells
    from minunet.cells.cell_settings import CellSettings
    from minunet.data.class_legend import ClassLegend
    from minunet.data.training_images import TrainingImages
    from minunet.inference.predicted_maps import PredictedMaps

BATCH_SIZE = 8
NOT_ONE_DIAMETER = "this model was not trained at one cell diameter, so that it cannot estimate that of an image"
NO_DIAMETER = (
    "this model does not know how large the cells of its training images are, so that a cell diameter says nothing to it; leave "
    "it out, or train with --diameter"
)


@dataclass
class LoadedModel:
    """A trained model, ready to predict; users get a `TrainedModel`, which can also be saved and scored.

    Attributes
    ----------
    model : UNet
        In evaluation mode.
    preprocessing : Preprocessing
        Turns an image into the model's input.
    metrics : dict
        The scores of the model when it was saved.
    config : dict
        The architecture: `UNet(**config)` builds it.
    extra : dict
        Other values stored with the model, such as the training configuration.
    path : Path or None
        The file it came from.
    machine : Machine
        The device and the precision; `to` changes them.
    cell_choice : CellChoice or None
        How cells are cut out, chosen at the end of the training; None for models of older versions.
    training_images : TrainingImages or None
        How the images look that the model was trained on; None for models of older versions.
    outputs : Outputs
        What the channels of the network's logits mean; one logit, cell or not, for models of older versions.

    Examples
    --------
    >>> model = LoadedModel(UNet(base_channels=2, depth=1), Preprocessing())  # of a network that a program has trained
    >>> cell = model.predict(np.zeros((30, 40), np.uint8)) > 0.5
    >>> cell.shape
    (30, 40)
    """

    model: UNet
    preprocessing: Preprocessing
    metrics: dict[str, Any] = field(default_factory=dict)
    config: dict[str, Any] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)
    path: Path | None = None
    machine: Machine = field(default_factory=Machine)
    cell_choice: CellChoice | None = None
    training_images: TrainingImages | None = None
    outputs: Outputs = field(default_factory=Outputs)

    def __post_init__(self) -> None:
        self.config = self.config or dict(self.model.config)
        self.forward_pass = ForwardPass(self.model, self.machine)

    @property
    def device(self) -> str:
        """Where the model is: "cpu" or "cuda"."""
        return self.machine.device

    @property
    def precision(self) -> str:
        """Of a GPU's convolutions: "fp32", "tf32" or "bf16"."""
        return self.machine.precision

    @property
    def cell_settings(self) -> CellSettings:
        """How cells are cut out: as the model stores it, or the defaults where it stores nothing."""
        return self.default_cell_settings if self.cell_choice is None else self.cell_choice.settings

    @property
    def default_cell_settings(self) -> CellSettings:
        """The settings of models that store none."""
        from minunet.cells.cell_settings import SEPARATED, CellSettings

        return CellSettings() if self.outputs.separation is None else SEPARATED

    @property
    def legend(self) -> ClassLegend | None:
        """The classes of the model; None where it tells cell and background only."""
        if not self.outputs.classes:
            return None
        from minunet.data.class_legend import ClassLegend

        reading = self.preprocessing.reading
        return ClassLegend.of(self.outputs.classes, () if reading is None else reading.classes)

    def cell_maps(self, maps: PredictedMaps) -> CellMaps:
        """What cells are found in, of the maps of an image."""
        from minunet.cells.cell_maps import CellMaps

        return CellMaps.of(maps.probability, maps.foreground_class, self.legend, maps.separation)

    def to(self, device: str, precision: str = "auto") -> LoadedModel:
        """Move the model to a device.

        Parameters
        ----------
        device : {"cpu", "cuda", "auto"}
            "auto" is the GPU if there is one.
        precision : {"auto", "fp32", "tf32", "bf16"}
            Of a GPU's convolutions; see `minunet.load_model`.

        Returns
        -------
        LoadedModel
            The model itself.

        Raises
        ------
        UserError
            For "cuda" without a usable GPU, an unknown name, or a precision that is not available on the device.

        Examples
        --------
        >>> model = LoadedModel(UNet(base_channels=2, depth=1), Preprocessing())
        >>> model.to("cpu").device
        'cpu'
        """
        self.machine = Machine.choose(device, precision)
        self.model.to(self.device)
        self.forward_pass = ForwardPass(self.model, self.machine)
        return self

    @property
    def diameter(self) -> float | None:
        """The cell diameter that the model knows, in pixels of the network's input; None for a model that cannot tell.

        It is that to which the training images were brought, or else that of the cells in their masks.
        """
        if self.preprocessing.diameter is not None:
            return self.preprocessing.diameter
        known = 0.0 if self.training_images is None else self.training_images.cell_diameter
        return known if known >= SMALLEST_DIAMETER else None

    def predict(self, image: Any, diameter: float | None = None) -> np.ndarray:
        """The probability that each pixel belongs to a cell.

        Parameters
        ----------
        image : ndarray, PIL image, str or Path
            An array (H, W) or (H, W, C) of any size, with numbers in the units of the training images; a PIL image; or the
            path of an image file.
        diameter : float, optional
            Of the cells in the image, in its own pixels: the image is resized so that they have the `diameter` that the model
            knows. By default a model that was trained at one cell diameter estimates it (`estimate_diameter`), and others do
            not resize by it.

        Returns
        -------
        ndarray
            (H, W) float32 in [0, 1], at the image's own size.

        Raises
        ------
        UserError
            If the image is of another type, or its file cannot be read; if the diameter does not suit the image, or the model
            knows none.

        Examples
        --------
        >>> model = LoadedModel(UNet(3, base_channels=2, depth=1), Preprocessing(channels="rgb"))
        >>> probability = model.predict(np.zeros((30, 40, 3), np.uint8))
        >>> probability.shape, probability.dtype
        ((30, 40), dtype('float32'))
        """
        return next(self.predict_many([image], diameter=diameter))

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
        >>> model = LoadedModel(UNet(base_channels=2, depth=1), Preprocessing())
        >>> maps = model.predict_outputs(np.zeros((30, 40), np.uint8))
        >>> maps.probability.shape, maps.separation
        ((30, 40), None)
        """
        array = image_array(image)
        return self.outputs_of([self.prepared(array, diameter)], [(array.shape[0], array.shape[1])])[0]

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
            together = self._together(height, width)
            while batch := list(itertools.islice(group, together)):
                stacked = self.maps(np.stack([prepared[place] for place in batch]))  # (N, h, w, M)
                for place, of_image in zip(batch, stacked, strict=True):
                    maps[place] = PredictedMaps.of(resize_probability(of_image, shapes[place]), self.outputs)
        return [maps[place] for place in range(len(prepared))]

    def cells(self, image: Any, pixel_size: float | None = None, diameter: float | None = None) -> Cells:
        """The cells of an image, numbered and measured.

        Parameters
        ----------
        image : ndarray, PIL image, str or Path
            As for `predict`.
        pixel_size : float, optional
            The side of a pixel in micrometres; for a file by default what the file itself says, where that can be believed.
        diameter : float, optional
            As for `predict`.

        Returns
        -------
        Cells
            `labels`, (H, W) int32, the number of the cell of each pixel, 0 where there is none; and `table`, a dictionary for each
            cell with the columns of cells.csv.

        Raises
        ------
        UserError
            As `predict`, and where the packages that cells need are not installed.

        Examples
        --------
        >>> model = LoadedModel(UNet(base_channels=2, depth=1), Preprocessing())
        >>> labels, table = model.cells(np.zeros((30, 40), np.uint8))  # a network without training finds no cells
        >>> labels.shape, [row["area_px2"] for row in table]
        ((30, 40), [])
        """
        from minunet.cells.found_cells import find_and_measure
        from minunet.data.reading.pixel_size import read_pixel_size

        if pixel_size is None and isinstance(image, (str, Path)):
            pixel_size = read_pixel_size(image)
        array = image_array(image)
        maps = self.cell_maps(self.predict_outputs(array, diameter))
        return find_and_measure(maps, array, self.cell_settings, pixel_size)

    def features(self, image: Any, diameter: float | None = None) -> dict[str, np.ndarray]:
        """The outputs of all layers for an image, by the names of the layers; see `Module.features`.

        Parameters
        ----------
        image : ndarray, PIL image, str or Path
            As for `predict`.
        diameter : float, optional
            As for `predict`.

        Returns
        -------
        dict of str to ndarray
            (h, w, channels) float32 for each layer, such as "contraction.0.convs.0", in the order in which they are computed. At
            level k of the network h and w are 1 / 2**k of those of its input, to which the image was resized and padded.

        Raises
        ------
        UserError
            As `predict`, and for an image that is too large to keep all outputs: features are not computed in tiles.

        Examples
        --------
        >>> model = LoadedModel(UNet(base_channels=2, depth=1), Preprocessing())
        >>> outputs = model.features(np.zeros((30, 40), np.uint8))
        >>> outputs["contraction.0.convs.0"].shape, outputs["bottleneck.convs.0"].shape
        ((30, 40, 2), (15, 20, 4))
        """
        array = image_array(image)
        prepared = self.prepared(array, diameter)
        height, width = prepared.shape[:2]
        if self.is_tiled(height, width):
            raise UserError(
                f"the input of the network would have {width}x{height} pixels, too many to keep the outputs of all layers: "
                "give a part of the image, such as image[:1024, :1024]."
            )
        inputs = backend.to_device(prepared[None], self.device)
        return {name: backend.to_numpy(output)[0] for name, output in self.model.features(inputs).items()}

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
        >>> model = LoadedModel(UNet(base_channels=2, depth=1), Preprocessing(diameter=20.0))
        >>> model.estimate_diameter(np.zeros((64, 64), np.uint8)) is None  # a network without training finds no cells
        True
        """
        from minunet.data.appearance import middle_window
        from minunet.inference.diameter_estimate import estimate_diameter

        if self.preprocessing.diameter is None:
            raise UserError(f"{self.path or 'this model'}: {NOT_ONE_DIAMETER}.")
        array = image_array(image)
        window = array[middle_window((array.shape[0], array.shape[1]))]
        return estimate_diameter(self.preprocessing.values(window), self.preprocessing.diameter, self._probability)

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
        >>> model = LoadedModel(UNet(base_channels=2, depth=1), Preprocessing())
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

    def predict_many(
        self, images: Iterable[Any], batch_size: int = BATCH_SIZE, diameter: float | None = None
    ) -> Iterator[np.ndarray]:
        """The probabilities of many images, in order; consecutive images of one input size are predicted as a batch.

        Parameters
        ----------
        images : iterable
            Each as for `predict`; not more than one batch is read ahead.
        batch_size : int
            The largest number of images in a batch; there are fewer where they are large.
        diameter : float, optional
            Of the cells in all of them, as for `predict`.

        Yields
        ------
        ndarray
            (H, W) float32 in [0, 1], one per image.

        Examples
        --------
        >>> model = LoadedModel(UNet(base_channels=2, depth=1), Preprocessing())
        >>> [probability.shape for probability in model.predict_many([np.zeros((30, 40)), np.zeros((9, 7))])]
        [(30, 40), (9, 7)]
        """
        prepared = ((self.prepared(array, diameter), array.shape[:2]) for array in map(image_array, images))
        for shape, group in itertools.groupby(prepared, key=lambda item: item[0].shape):
            together = min(batch_size, self._together(*shape[:2]))
            while batch := list(itertools.islice(group, together)):
                inputs = np.stack([item[0] for item in batch])  # (N, h, w, C)
                for probability, (_, size) in zip(self.probabilities(inputs), batch, strict=True):
                    yield resize_probability(probability, size)

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

    def summary(self) -> str:
        """Model, input and device in one line.

        Returns
        -------
        str

        Examples
        --------
        >>> LoadedModel(UNet(base_channels=2, depth=1), Preprocessing()).summary()
        'paper U-Net, base 2, depth 1; grey, native resolution; on cpu'
        """
        size = self.preprocessing.size
        scale = "native resolution" if size is None else f"resized to {size[0]}x{size[1]}"
        if self.preprocessing.diameter is not None:
            scale = f"cells brought to {self.preprocessing.diameter:g} pixels across"
        if self.preprocessing.scale is not None:
            scale = f"resized by {self.preprocessing.scale:g}"
        return (
            f"{self.config['variant']} U-Net, base {self.config['base_channels']}, depth {self.config['depth']}; "
            f"{describe_channels(self.preprocessing.channels)}, {scale}; on {self.device}"
            + (f", {self.precision}" if self.device == "cuda" else "")
        )

    def _together(self, height: int, width: int) -> int:
        """How many images of this size at the network's input one call of it may have."""
        return max(1, pixels_at_once(self.config) // (height * width))

    def prepared(self, array: np.ndarray, diameter: float | None) -> np.ndarray:
        """The input of the network, (h, w, C) float32, for an image (H, W) or (H, W, C); `diameter` as for `predict`."""
        fitted = self.fitted((array.shape[0], array.shape[1]), self.settled_diameter(array, diameter))
        prepared = fitted.image(array)
        check_units(array, self.preprocessing.range)  # after the channels were found to fit
        return prepared

    def _probability(self, image: np.ndarray) -> np.ndarray:
        """The probabilities (h, w) of one image (h, w, C)."""
        return np.asarray(self.probabilities(image[None])[0])

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
