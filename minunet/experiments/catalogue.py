"""The catalogue of the lab: every variation it trains, and under which heading of the table each stands.

A variation that several headings share, such as ReLU with max pooling on all images, is listed under each and trained once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from minunet.experiments.experiment import Variation
from minunet.experiments.study_settings import LabSettings
from minunet.wording import count_noun

FEW = (10, 20, 40)  # training images; the paper claims that a U-Net needs few


@dataclass(frozen=True)
class Heading:
    """A group of rows in the table: their keys, and how each is called there."""

    key: str
    part: str
    title: str
    rows: tuple[tuple[str, str], ...]


class Catalogue:
    """The variations of a lab.

    Parameters
    ----------
    settings : LabSettings
    images : int
        Training images there are.

    Attributes
    ----------
    variations : dict of str to Variation
        By key, in the order they are trained.
    headings : tuple of Heading
    """

    def __init__(self, settings: LabSettings, images: int):
        self.settings = settings
        self.variations: dict[str, Variation] = {}
        self.headings = (self._models(), *self._claims(images))

    def part(self, part: str) -> list[Variation]:
        """The variations of a part, in the order they are trained."""
        return [variation for variation in self.variations.values() if variation.part == part]

    def _models(self) -> Heading:
        settings, rows = self.settings, []
        kinds = [("m1", f"M1, greys {'as stored' if settings.graded else 'by resizing'}", settings.greys)]
        kinds.append(("m2", "M2, binary masks", "binary"))
        if settings.levels is not None:
            low, high = settings.levels
            kinds.append(("m1-levels", f"M1, greys {low:g}:{high:g}", "levels"))
        for key, title, masks in kinds:
            mode = "binary" if masks == "binary" else "grayscale"
            self._add(key, "m1m2", title, masks, mask=mode)
            self._add(f"{key}-no-relu", "m1m2", f"{title}, no end ReLUs", masks, mask=mode, block_end_relu=False)
            rows += [(key, title), (f"{key}-no-relu", "  without end ReLUs")]
        size = "x".join(map(str, settings.size))
        title = f"here: {size}, base {settings.base_channels}, depth {settings.depth}, {count_noun(settings.epochs, 'epoch')}"
        return Heading("models", "m1m2", title, tuple(rows))

    def _claims(self, images: int) -> list[Heading]:
        settings = self.settings
        self._add("relu-max-all", "claims", f"ReLU, max pooling, {images} images")
        self._add("tanh", "claims", "tanh", activation="tanh")
        self._add("sigmoid", "claims", "sigmoid", activation="sigmoid")
        self._add("average", "claims", "average pooling", pooling="average")
        steps, batch = settings.claims_epochs * -(-images // settings.batch_size), settings.batch_size
        counts = []
        for count in (count for count in FEW if count < images):
            epochs = -(
                -steps // -(-count // batch)
            )  # as many steps as with all images: few images, not little training
            self._add(f"{count}-images", "claims", f"{count} images", images=count, epochs=epochs)
            counts.append((f"{count}-images", f"{count}, {count_noun(epochs, 'epoch')}"))
        counts.append(("relu-max-all", f"{images}, {count_noun(settings.claims_epochs, 'epoch')}"))
        size = "x".join(map(str, settings.claims_size))
        where = f"{size}, base {settings.claims_base_channels}"
        return [
            Heading(
                "activation",
                "claims",
                f"activation, at {where}, {count_noun(settings.claims_epochs, 'epoch')}, binary masks",
                (("relu-max-all", "ReLU"), ("tanh", "tanh"), ("sigmoid", "sigmoid")),
            ),
            Heading("pooling", "claims", f"pooling, at {where}", (("relu-max-all", "max"), ("average", "average"))),
            Heading(
                "images", "claims", f"training images, at {where}, {count_noun(steps, 'step')} each", tuple(counts)
            ),
        ]

    def _add(
        self, key: str, part: str, title: str, masks: str = "binary", images: int | None = None, **changes: Any
    ) -> None:
        self.variations[key] = Variation(key, part, title, masks, images, self.settings.config(part, **changes))
