"""The variations that the paper study trains, and the section of the result table that each belongs to.

A variation that several sections share, such as ReLU with max pooling on all images, is a row of each and is trained once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from minunet.experiments.study_settings import StudySettings
from minunet.runs.train_config import TrainConfig
from minunet.wording import count_noun

FEW_IMAGES = (10, 20, 40)  # training images; the paper claims that a U-Net needs few


@dataclass(frozen=True)
class Variation:
    """One network and its training, a row of the table.

    Attributes
    ----------
    key : str
        The beginning of the names of its run folders.
    part : {"m1m2", "claims"}
    title : str
        Its full name, for use without a heading.
    masks : str
        The kind of targets, see `minunet.experiments.mask_targets`.
    images : int, optional
        How many of the training images it learns from; None for all.
    config : TrainConfig
        The training, without its files and its seed.
    """

    key: str
    part: str
    title: str
    masks: str
    images: int | None
    config: TrainConfig

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of its images in pixels."""
        assert self.config.size is not None  # the study resizes every image
        return self.config.size


@dataclass(frozen=True)
class TableSection:
    """A group of rows in the table: the key and the label of each, under a title."""

    key: str
    part: str
    title: str
    rows: tuple[tuple[str, str], ...]


class Variations:
    """The variations of a study.

    Parameters
    ----------
    settings : StudySettings
    images : int
        The number of training images.

    Attributes
    ----------
    by_key : dict of str to Variation
        In the order they are trained.
    sections : tuple of TableSection
    """

    def __init__(self, settings: StudySettings, images: int):
        self.settings = settings
        self.by_key: dict[str, Variation] = {}
        self.sections = (self._models(), *self._claims(images))

    def of_part(self, part: str) -> list[Variation]:
        """The variations of a part, in the order they are trained."""
        return [variation for variation in self.by_key.values() if variation.part == part]

    def _models(self) -> TableSection:
        settings, rows = self.settings, []
        models = [
            ("m1", f"M1, greys {'as stored' if settings.graded else 'by resizing'}", settings.greys),
            ("m2", "M2, binary masks", "binary"),
        ]
        if settings.levels is not None:
            low, high = settings.levels
            models.append(("m1-levels", f"M1, greys {low:g}:{high:g}", "levels"))
        for key, title, masks in models:
            mask = "binary" if masks == "binary" else "grayscale"
            self._add(key, "m1m2", title, masks, mask=mask)
            self._add(f"{key}-no-relu", "m1m2", f"{title}, no end ReLUs", masks, mask=mask, block_end_relu=False)
            rows += [(key, title), (f"{key}-no-relu", "  without end ReLUs")]
        size = "x".join(map(str, settings.size))
        epochs = count_noun(settings.epochs, "epoch")
        title = f"here: {size}, base {settings.base_channels}, depth {settings.depth}, {epochs}"
        return TableSection("models", "m1m2", title, tuple(rows))

    def _claims(self, images: int) -> list[TableSection]:
        settings, batch_size = self.settings, self.settings.batch_size
        self._add("relu-max-all", "claims", f"ReLU, max pooling, {images} images")
        self._add("tanh", "claims", "tanh", activation="tanh")
        self._add("sigmoid", "claims", "sigmoid", activation="sigmoid")
        self._add("average", "claims", "average pooling", pooling="average")
        steps = settings.claims_epochs * -(-images // batch_size)
        image_rows = []
        for count in (count for count in FEW_IMAGES if count < images):
            # As many steps as with all images, so that what is compared is the number of images, not the length of training.
            epochs = -(-steps // -(-count // batch_size))
            self._add(f"{count}-images", "claims", f"{count} images", images=count, epochs=epochs)
            image_rows.append((f"{count}-images", f"{count}, {count_noun(epochs, 'epoch')}"))
        all_epochs = count_noun(settings.claims_epochs, "epoch")
        image_rows.append(("relu-max-all", f"{images}, {all_epochs}"))
        where = f"{'x'.join(map(str, settings.claims_size))}, base {settings.claims_base_channels}"
        activations = (("relu-max-all", "ReLU"), ("tanh", "tanh"), ("sigmoid", "sigmoid"))
        poolings = (("relu-max-all", "max"), ("average", "average"))
        each = f"{count_noun(steps, 'step')} each"
        return [
            TableSection("activation", "claims", f"activation, at {where}, {all_epochs}, binary masks", activations),
            TableSection("pooling", "claims", f"pooling, at {where}", poolings),
            TableSection("images", "claims", f"training images, at {where}, {each}", tuple(image_rows)),
        ]

    def _add(
        self, key: str, part: str, title: str, masks: str = "binary", images: int | None = None, **changes: Any
    ) -> None:
        self.by_key[key] = Variation(key, part, title, masks, images, self.settings.config(part, **changes))
