"""The settings of one training run: the flags of `python -m minunet.train`, and all that is needed to repeat it.

A frozen dataclass that turns into JSON (`config.json` in the run folder) and back; one field per flag that affects the result.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from minunet.data.outputs import Outputs
from minunet.data.reading.channels import channel_count
from minunet.data.reading.image_range import ImageRange
from minunet.data.reading.mask_choice import COMMAND, MaskChoice
from minunet.data.reading.mask_reading import MaskReading
from minunet.data.reading.preprocessing import Preprocessing
from minunet.errors import UserError
from minunet.files.json_files import read_json, write_json
from minunet.runs.setting_checks import is_ascending, size_problems, split_problems, value_problems
from minunet.runs.settings import Settings
from minunet.wording import shorten

BEFORE = {"lighting": "mild", "range": None, "target": "pixels"}  # what versions did that do not know the setting


@dataclass(frozen=True)
class TrainConfig(Settings):
    """Every setting of a training run.

    Parameters
    ----------
    data, images, masks, skip_unpaired
        See `Settings`.
    mask : {"binary", "grayscale"}
        Whether masks are made 0 and 1, or keep their greys.
    threshold : "otsu" or float
        A fraction of white, 0 to 1: values of the masks above it are cell. "otsu" leaves it to the masks.
    cell, ignore : str, optional
        Values of the masks that are cell, and that count nowhere (see `MaskValues`); None leaves it to the masks.
    invert_masks : bool
        Whether cells are dark on a light background.
    classes : str, optional
        The classes of the masks, as `minunet.data.reading.mask_classes.ClassRequest` takes them; None where they tell cell and
        background only. Their names are in `reading`, once it has been decided.
    class_weights : tuple of float
        The weight of each class in the cross-entropy, by its share of the pixels of the training masks, once that is known (see
        `minunet.training.class_loss.balanced_weights`).
    reading : MaskReading, optional
        How the masks are read, once it has been decided; None in runs of older versions, which decided it mask by mask.
    target : {"cells", "pixels"}
        Whether the network also learns what separates cells that touch. The command chooses it by the masks where the user does
        not.
    separation : {"distance", "centre", "seam"}
        By what, with the target "cells" (see `minunet.data.outputs.Outputs`).
    channels : str
        "grey", "rgb", or numbers of channels (see `minunet.data.reading.channels`).
    range : str, optional
        How black and white are chosen: "set", "full" or "LOW:HIGH" (see `choose_range`); None in runs of older versions, in which
        the largest number of its type was white in each image.
    image_range : ImageRange, optional
        The range that was chosen.
    size : (int, int), optional
        Width and height in pixels that every image is resized to; None with `crop`. The command chooses it by the images
        where the user does not (`fitting_size`), and stores what it chose.
    crop : int, optional
        Side of the random crops, in pixels, taken at native resolution.
    diameter : float, optional
        The cell diameter in pixels to which every image is brought, by the cells of its mask, before crops are cut; `size` is then
        None.
    augment : {"none", "light", "full"}
    lighting : {"mild", "wide"}
        Whether the augmentation also varies the lighting of the images as another lamp or camera would. Runs of older versions,
        whose config.json does not say, are "mild".
    split : (float, float, float)
        Shares of training, validation and test.
    group : str, optional
        Regular expression; images for which it matches the same text stay on one side of the split.
    variant, base_channels, depth, activation, pooling, block_end_relu
        The network, as in `UNet`.
    epochs, batch_size : int
    micro_batch : int, optional
        Samples of a batch whose gradients are computed together (see `minunet.training.micro_batches`); None is all of them.
    lr : float
        Peak learning rate.
    clip : float
        The largest norm of the gradient (see `minunet.training.clipping`); 0 means no limit.
    schedule, loss : str
        Names in `minunet.training.schedule` and `minunet.training.loss`.
    seed : int
        Everything random derives from it: weights, split, order, augmentation, drawn smears.
    device, threads, precision : str, int, str
        "auto", "cpu" or "cuda"; CPU threads, None for all cores; precision of a GPU's convolutions
        (`minunet.kernels.machine`).
    recompute : bool
        Whether each block runs again in the backward pass in place of keeping what it computed: less memory, more time,
        the same numbers.
    max_memory : int, optional
        Bytes that the training may take at its peak, of this machine or, for fused steps, of the GPU. `batch_size` and
        `recompute` are then what was chosen to keep to it (see `minunet.runs.memory_limit`).
    init : str, optional
        The model whose weights the training begins with: "pretrained", or the path of a model file or a run folder.
    init_hash : str, optional
        The SHA-256 of its file.
    extended : tuple of int
        The numbers of epochs that the run was to have before it was made longer, in ascending order (see `extend`).
    """

    mask: str = "binary"
    threshold: str | float = "otsu"
    cell: str | None = None
    ignore: str | None = None
    invert_masks: bool = False
    classes: str | None = None
    class_weights: tuple[float, ...] = ()
    reading: MaskReading | None = None
    target: str = "pixels"
    separation: str = "distance"
    channels: str = "grey"
    range: str | None = "set"
    image_range: ImageRange | None = None
    size: tuple[int, int] | None = (256, 256)
    crop: int | None = None
    diameter: float | None = None
    augment: str = "light"
    lighting: str = "wide"
    split: tuple[float, float, float] = (0.8, 0.1, 0.1)
    group: str | None = None
    variant: str = "paper"
    base_channels: int = 16
    depth: int = 4
    activation: str = "relu"
    pooling: str = "max"
    block_end_relu: bool = True
    epochs: int = 40
    batch_size: int = 8
    micro_batch: int | None = None
    lr: float = 2e-3
    clip: float = 1.0
    schedule: str = "onecycle"
    loss: str = "bce"
    seed: int = 0
    device: str = "auto"
    threads: int | None = None
    precision: str = "auto"
    recompute: bool = False
    max_memory: int | None = None
    init: str | None = None
    init_hash: str | None = None
    extended: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if isinstance(self.classes, (list, tuple)) and all(isinstance(name, str) for name in self.classes):
            object.__setattr__(self, "classes", ",".join(self.classes))
        if self.reading is not None and not isinstance(self.reading, MaskReading):  # from JSON
            object.__setattr__(self, "reading", MaskReading.from_dict(self.reading))

    def mask_choice(self, command: str = COMMAND) -> MaskChoice:
        """What the settings say of the masks; `command` is what the user typed, for messages."""
        return MaskChoice(
            self.cell,
            self.ignore,
            self.invert_masks,
            self.threshold,
            command,
            self.mask == "grayscale",
            self.classes,
        )

    @property
    def drawn_size(self) -> tuple[int, int]:
        """Width and height of the smears that a run without data draws: their size after resizing, or twice the crop."""
        return self.size if self.size is not None else (2 * (self.crop or 0), 2 * (self.crop or 0))

    @property
    def monitor(self) -> str:
        """The measure that chooses the best epoch: "dice", or "loss" for greys and classes, of which Dice sees only a part."""
        return "loss" if self.mask == "grayscale" or self.classes is not None else "dice"

    @property
    def height_and_width(self) -> tuple[int, int]:
        """Of the images that the network is trained on."""
        if self.size is not None:
            return self.size[1], self.size[0]
        assert self.crop is not None
        return self.crop, self.crop

    @property
    def outputs(self) -> Outputs:
        """What the channels of the network's logits mean."""
        names = () if self.reading is None else self.reading.class_names
        return Outputs(names, self.separation if self.target == "cells" else None)

    def preprocessing(self) -> Preprocessing:
        """How the files are turned into the network's input."""
        return Preprocessing(
            channels=self.channels,
            size=self.size,
            crop=self.crop,
            mask=self.mask,
            threshold=self.threshold,
            reading=self.reading,
            range=self.image_range,
            diameter=self.diameter,
        )

    def architecture(self) -> dict[str, Any]:
        """The arguments of `UNet`."""
        return {
            "in_channels": channel_count(self.channels),
            "out_channels": self.outputs.channels,
            "base_channels": self.base_channels,
            "depth": self.depth,
            "variant": self.variant,
            "activation": self.activation,
            "pooling": self.pooling,
            "block_end_relu": self.block_end_relu,
        }

    def problems(self) -> list[str]:
        """One sentence for each setting that cannot work, with its flag; empty where there are none."""
        return value_problems(vars(self)) + size_problems(vars(self)) + split_problems(vars(self))

    def extend(self, stored: Mapping[str, Any], done: float) -> TrainConfig:
        """These settings for a training that was begun with another number of epochs; the rates of its past stay as they were.

        Parameters
        ----------
        stored : mapping
            The settings under which the training was stopped, as `to_dict` gave them.
        done : float
            Epochs done, with the share of the unfinished one.

        Raises
        ------
        KeyError, TypeError, ValueError
            Where `stored` does not say how many epochs there were to be.
        """
        *extended, last = before = (*stored.get("extended", ()), stored["epochs"])
        if not is_ascending(tuple(extended), last):
            raise ValueError("its numbers of epochs are not usable")
        if self.epochs == before[-1]:
            return replace(self, extended=before[:-1])
        # A part that has not begun is planned anew. With fewer epochs than before, the last part becomes shorter.
        begun = [end for start, end in zip((0, *before[:-1]), before, strict=True) if start < done]
        return replace(self, extended=tuple(end for end in begun if end < self.epochs))

    def to_dict(self) -> dict[str, Any]:
        """As `Settings.to_dict`; what older versions did not have is there only where it is set."""
        values = super().to_dict()
        for name in ("reading", "image_range"):
            if values[name] is not None:
                values[name] = values[name].to_dict()
        for name in (
            "extended",
            "max_memory",
            "micro_batch",
            "cell",
            "ignore",
            "invert_masks",
            "classes",
            "class_weights",
            "reading",
            "range",
            "image_range",
            "diameter",
            "init",
            "init_hash",
        ):
            if not values[name]:
                del values[name]
        if self.target == "pixels":
            del values["separation"]
        return values

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], source: str) -> TrainConfig:
        """As `Settings.from_dict`; a setting that older versions did not have means what they did."""
        stored = values.get("image_range")
        try:
            decided = {} if stored is None else {"image_range": ImageRange.from_dict(stored)}
        except (UserError, TypeError, ValueError) as error:
            raise UserError(
                f"{source}: its image_range cannot be used ({shorten(error)}); restore the file."
            ) from error
        return super().from_dict({**BEFORE, **values, **decided}, source)

    def write(self, path: str | Path) -> Path:
        """Write as JSON, one setting a line."""
        return write_json(path, self.to_dict())

    @classmethod
    def read(cls, path: str | Path) -> TrainConfig:
        """Read the file that `write` wrote.

        Raises
        ------
        UserError
            If the file is missing, is not JSON, or has settings that do not exist or cannot work.
        """
        values = read_json(path)
        if not isinstance(values, dict):
            raise UserError(f"{path}: this holds no settings; restore it, or start a new run.")
        return cls.from_dict(values, str(path))
