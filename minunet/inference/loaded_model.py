"""The predictor: a trained model with its preprocessing, which turns an image of any size into a probability for each pixel.

The image is prepared as in training, and the result is resized to the image's own size.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from minunet.autograd import Tensor
from minunet.cells.cell_choice import CellChoice
from minunet.cells.cell_measures import Cells
from minunet.cells.cell_settings import CellSettings
from minunet.cells.found_cells import find_and_measure
from minunet.data.appearance import measure_appearance
from minunet.data.reading.channels import describe_channels
from minunet.data.reading.image_files import decode
from minunet.data.reading.pixel_size import read_pixel_size
from minunet.data.reading.pixels import finite, from_pil, unmasked
from minunet.data.reading.preprocessing import Preprocessing
from minunet.data.reading.resize import resize_bilinear
from minunet.data.tiling import predict_tiled
from minunet.data.training_images import TrainingImages
from minunet.errors import UserError
from minunet.functional import sigmoid
from minunet.inference.forward_pass import ForwardPass
from minunet.inference.tile_size import tiling
from minunet.kernels import backend
from minunet.kernels.machine import Machine
from minunet.nn.unet import UNet

BUDGET = 1 << 30  # bytes of activations of one call; an image that would need more is cut into tiles
BYTES_PER_CHANNEL = (
    64  # of activations at the peak, per pixel and base channel; measured: 18 to 38, by size and kernels
)
BATCH_SIZE = 8


@dataclass
class LoadedModel:
    """A trained model, ready to predict; `minunet.load_model` makes it.

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

    Examples
    --------
    >>> model = minunet.load_model("runs/first")                  # doctest: +SKIP
    >>> cells = model.predict("smear.jpg") > 0.5                  # doctest: +SKIP
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

    def __post_init__(self) -> None:
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
        return CellSettings() if self.cell_choice is None else self.cell_choice.settings

    def to(self, device: str, precision: str = "auto") -> LoadedModel:
        """Move the model to "cpu", "cuda" or, for "auto", the GPU if there is one; returns it.

        Parameters
        ----------
        precision : {"auto", "fp32", "tf32", "bf16"}
            Of a GPU's convolutions; see `minunet.load_model`.

        Raises
        ------
        UserError
            For "cuda" without a usable GPU, an unknown name, or a precision that is not available on the device.
        """
        self.machine = Machine.choose(device, precision)
        self.model.to(self.device)
        self.forward_pass = ForwardPass(self.model, self.machine)
        return self

    def predict(self, image: Any) -> np.ndarray:
        """The probability that each pixel belongs to a cell.

        Parameters
        ----------
        image : ndarray, PIL image, str or Path
            An array (H, W) or (H, W, C) of any size, with numbers in the units of the training images; a PIL image; or the
            path of an image file.

        Returns
        -------
        ndarray
            (H, W) float32 in [0, 1], at the image's own size.

        Raises
        ------
        UserError
            If the image is of another type, or its file cannot be read.
        """
        return next(self.predict_many([image]))

    def cells(self, image: Any, pixel_size: float | None = None) -> Cells:
        """The cells of an image, numbered and measured.

        Parameters
        ----------
        image : ndarray, PIL image, str or Path
            As for `predict`.
        pixel_size : float, optional
            The side of a pixel in micrometres; for a file by default what the file itself says, where that can be believed.

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
        >>> labels, table = model.cells("smear.jpg")              # doctest: +SKIP
        >>> [row["area_px2"] for row in table]                         # doctest: +SKIP
        """
        if pixel_size is None and isinstance(image, (str, Path)):
            pixel_size = read_pixel_size(image)
        array = as_array(image)
        return find_and_measure(self.predict(array), array, self.cell_settings, pixel_size)

    def unlike(self, image: Any) -> list[str]:
        """How an image differs from those that the model was trained on, so that its prediction may be wrong.

        Compared are tones, sharpness, the size of what is in the image, and colours.

        Parameters
        ----------
        image : ndarray, PIL image, str or Path
            As for `predict`.

        Returns
        -------
        list of str
            A sentence for each kind of difference; empty where there is none, and for models of older versions, which do not
            know their training images.

        Raises
        ------
        UserError
            If the image is of another type, or its file cannot be read.
        """
        return self.unlike_window(as_array(image))

    def unlike_window(self, window: np.ndarray, shape: tuple[int, int] | None = None) -> list[str]:
        """As `unlike`, from the `middle_window` of a large image of a `shape` (H, W)."""
        image_range = self.preprocessing.range
        mismatch = None if image_range is None else image_range.mismatch(window.dtype)
        numbers = [mismatch] if mismatch else []
        if self.training_images is None:
            return numbers
        sentences = self.training_images.unlike(measure_appearance(window, self.preprocessing, shape))
        if sentences and not numbers:
            numbers = _bit_depth(window, self.preprocessing)
        return [*sentences, *numbers]

    def predict_many(self, images: Iterable[Any], batch_size: int = BATCH_SIZE) -> Iterator[np.ndarray]:
        """The probabilities of many images, in order; consecutive images of one input size are predicted as a batch.

        Parameters
        ----------
        images : iterable
            Each as for `predict`; not more than one batch is read ahead.
        batch_size : int
            The largest number of images in a batch; there are fewer where they are large.

        Yields
        ------
        ndarray
            (H, W) float32 in [0, 1], one per image.
        """
        prepared = (self._prepare(image) for image in images)
        for shape, group in itertools.groupby(prepared, key=lambda item: item[0].shape):
            together = max(1, min(batch_size, self._pixels_at_once() // (shape[0] * shape[1])))
            while batch := list(itertools.islice(group, together)):
                inputs = np.stack([item[0] for item in batch])  # (N, h, w, C)
                for probability, (_, size) in zip(self.probabilities(inputs), batch, strict=True):
                    yield self.at_size(probability, size)

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
        return sigmoid(Tensor(self.logits(inputs))).data

    def logits(self, inputs: np.ndarray) -> np.ndarray:
        """The logits for such images, (N, h, w) float32; the probabilities are their sigmoid.

        For a model that was trained at native resolution, images that need too much memory are cut into overlapping tiles.
        """
        if not self.is_tiled(*inputs.shape[1:3]):
            return self._run(inputs)
        side, margin, align = tiling(self.config, inputs.shape[2])
        predicted = [predict_tiled(self._run_one, image, side, margin, align=align) for image in inputs]
        return predicted[0][None] if len(predicted) == 1 else np.stack(predicted)  # a large image is not copied

    def is_tiled(self, height: int, width: int) -> bool:
        """Whether images of this size are predicted in tiles, because they would need too much memory."""
        return self.preprocessing.size is None and height * width > self._pixels_at_once()

    def summary(self) -> str:
        """Model, input and device in one line."""
        size = self.preprocessing.size
        scale = "native resolution" if size is None else f"resized to {size[0]}x{size[1]}"
        return (
            f"{self.config['variant']} U-Net, base {self.config['base_channels']}, depth {self.config['depth']}; "
            f"{describe_channels(self.preprocessing.channels)}, {scale}; on {self.device}"
            + (f", {self.precision}" if self.device == "cuda" else "")
        )

    def _prepare(self, image: Any) -> tuple[np.ndarray, tuple[int, int]]:
        array = as_array(image)
        return self.preprocessing.image(array), array.shape[:2]

    def _run(self, inputs: np.ndarray) -> np.ndarray:
        return backend.to_numpy(self.forward_pass.logits(inputs))[..., 0]  # (N, h, w, 1) -> (N, h, w)

    def _run_one(self, image: np.ndarray) -> np.ndarray:
        return self._run(image[None])[0]

    def at_size(self, probability: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        """The probabilities of the model's input, (h, w), at the size (H, W) of the image."""
        height, width = size
        if probability.shape != size:
            probability = resize_bilinear(probability, (width, height))
        return np.clip(probability, 0.0, 1.0).astype(np.float32, copy=False)

    def _pixels_at_once(self) -> int:
        return BUDGET // (BYTES_PER_CHANNEL * self.config["base_channels"])


def extreme_share(share: float) -> list[str]:
    """A sentence where a model calls none of the pixels of an image cell, or all of them."""
    if 0 < share < 1:
        return []
    return [
        "none of its pixels is a cell by this model." if share == 0 else "all of its pixels are cells by this model."
    ]


def _bit_depth(window: np.ndarray, preprocessing: Preprocessing) -> list[str]:
    """Whether a 16-bit image holds fewer bits than those of the training, which is why it looks dark, or more than 8."""
    if window.dtype != np.uint16:
        return []
    highest = int(window.max())
    white = 65535 if preprocessing.range is None else float(np.max(preprocessing.range.high))
    bits = next((bits for bits in (8, 10, 12, 14) if highest < 1 << bits), None)
    return (
        []
        if bits is None or white / 2 < highest < 2 * white
        else [f"its values are at most {highest:,}: a {bits}-bit picture in 16 bits?"]
    )


def as_array(image: Any) -> np.ndarray:
    """The pixels of an image given as array, PIL image or path.

    Returns
    -------
    ndarray
        (H, W) or (H, W, C), of any type of integers or floats.

    Raises
    ------
    UserError
        If it is something else.
    """
    if isinstance(image, (str, Path)):
        return decode(image)
    if isinstance(image, Image.Image):
        return from_pil(image)
    array = (
        backend.to_numpy(unmasked(image) if isinstance(image, np.ndarray) else image)
        if backend.is_array(image)
        else None
    )
    if array is None:
        raise UserError(f"an image is an array, a PIL image or a path, not {type(image).__name__}; convert it first.")
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[..., 0]  # (H, W, 1) -> (H, W)
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    problems = []
    if array.dtype.kind not in "uif":
        problems.append(
            f"an image array holds numbers, not {array.dtype}; convert it with .astype('float32') for example."
        )
    if array.ndim not in (2, 3):
        problems.append(f"an image array has shape (H, W) or (H, W, C), not {array.shape}; give one image at a time.")
    if array.size == 0:
        problems.append(f"an image array of shape {array.shape} has no pixels; give one of at least 1x1.")
    if problems:
        raise UserError(problems)
    return finite(array)
