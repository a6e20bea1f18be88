"""The loaded model: a trained network with its preprocessing, which turns an image of any size into a probability for each pixel.

The image is prepared as in training (`ScalingModel`), the network gives its maps (`MapModel`), and cells are found in them
(`CellModel`). What `predict` does not need is imported where it is used, so that a new process does not wait for it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from minunet.data.outputs import Outputs
from minunet.data.reading.channels import describe_channels
from minunet.data.reading.preprocessing import Preprocessing
from minunet.data.reading.resize import resize_probability
from minunet.errors import UserError
from minunet.inference.cell_model import CellModel
from minunet.inference.forward_pass import ForwardPass
from minunet.inference.image_array import image_array
from minunet.kernels import backend
from minunet.kernels.machine import Machine
from minunet.nn.unet import UNet

if TYPE_CHECKING:
    from pathlib import Path

    from typing_extensions import Self

    from minunet.cells.cell_choice import CellChoice
    from minunet.data.training_images import TrainingImages

BATCH_SIZE = 8


class LoadedModel(CellModel):
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

    # Not a dataclass, which takes a new process longer to make; nor does a prediction wait until pathlib is imported.
    def __init__(
        self,
        model: UNet,
        preprocessing: Preprocessing,
        metrics: dict[str, Any] | None = None,
        config: dict[str, Any] | None = None,
        extra: dict[str, Any] | None = None,
        path: str | Path | None = None,
        machine: Machine | None = None,
        cell_choice: CellChoice | None = None,
        training_images: TrainingImages | None = None,
        outputs: Outputs | None = None,
    ):
        self.model, self.preprocessing = model, preprocessing
        self.metrics, self.extra = metrics or {}, extra or {}
        self.config = config or dict(model.config)
        self._path = path
        self.machine = machine or Machine()
        self.cell_choice, self.training_images = cell_choice, training_images
        self.outputs = outputs or Outputs()
        self.forward_pass = ForwardPass(self.model, self.machine)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.summary()})"

    @property
    def path(self) -> Path | None:
        """The file that the model came from."""
        from pathlib import Path

        return None if self._path is None else Path(self._path)

    def with_preprocessing(self, preprocessing: Preprocessing) -> Self:
        """The same model, whose images are prepared in another way."""
        import copy

        model = copy.copy(self)
        model.preprocessing = preprocessing
        return model

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
            together = min(batch_size, self.images_at_once(*shape[:2]))
            while batch := list(itertools.islice(group, together)):
                inputs = np.stack([item[0] for item in batch])  # (N, h, w, C)
                for probability, (_, size) in zip(self.probabilities(inputs), batch, strict=True):
                    yield resize_probability(probability, size)

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
