"""The study's figure, after the paper's: panels a.1 to a.4 for M1 and b.1 to b.4 for M2, the same test image in both.

Where M1 was also trained on masks saved as two greys, c.1 to c.4 show that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from minunet.checkpoints.model_file import load_model
from minunet.data.pairs import Pair
from minunet.data.reading.pair_files import read_image, read_mask
from minunet.data.reading.pixels import to_rgb
from minunet.data.reading.preprocessing import Preprocessing
from minunet.experiments.experiment import Experiment
from minunet.experiments.prepared_images import PreparedImages
from minunet.experiments.study_folder import StudyFolder
from minunet.files.atomic_write import write_bytes
from minunet.kernels.machine import Machine
from minunet.results.figures import contact_sheet
from minunet.results.picture import png_bytes
from minunet.runs.metrics_file import read_metrics

MODELS = {"m1": ("a", "M1"), "m2": ("b", "M2"), "m1-levels": ("c", "M1 on two greys")}


@dataclass(frozen=True)
class ModelPanels:
    """The panels of one model.

    Attributes
    ----------
    letter, name : str
        Such as "a" and "M1".
    texts : sequence of str
        Below the panels.
    tiles : sequence of ndarray or PIL image
        Image, mask, prediction, and the product of image and prediction.
    """

    letter: str
    name: str
    texts: Sequence[str]
    tiles: Sequence[Image.Image | np.ndarray]


@dataclass(frozen=True)
class StudyFigure:
    """The name of the image that is shown, and the panels of each model."""

    image: str
    models: Sequence[ModelPanels]

    def write(self, path: Path) -> None:
        """Draw all panels on one sheet, and write it as PNG."""
        tiles = [tile for model in self.models for tile in model.tiles]
        captions = [
            f"{model.letter}.{number} {text}"
            for model in self.models
            for number, text in enumerate(model.texts, start=1)
        ]
        heading = f"{self.image}: the test image with the median Dice of M2"
        sheet = contact_sheet(tiles, 4, captions, tile_width=300, heading=heading)
        write_bytes(path, png_bytes(sheet, optimize=True))


def study_figure(
    folder: StudyFolder,
    experiments: Mapping[str, Experiment],
    pairs: Sequence[Pair],
    prepared: PreparedImages,
    machine: Machine,
) -> StudyFigure | None:
    """The panels of the models that are finished, of one seed; None if M1 or M2 is not finished.

    Parameters
    ----------
    folder : StudyFolder
    experiments : mapping of str to Experiment
        By the keys of the variations.
    pairs : sequence of Pair
        The test images as given.
    prepared : PreparedImages
    machine : Machine
    """
    dice = {key: _dice_by_image(folder, experiments[key]) for key in MODELS if key in experiments}
    dice = {key: by_image for key, by_image in dice.items() if by_image}
    if not {"m1", "m2"} <= set(dice):
        return None
    name = median_image(dice["m2"])
    pair = next(pair for pair in pairs if pair.name == name)
    models = []
    for key, by_image in dice.items():
        experiment, (letter, model) = experiments[key], MODELS[key]
        mask = "binary mask" if experiment.variation.masks == "binary" else "grey mask"
        texts = ("image", f"{mask} for {model}", f"{model}, Dice {by_image[name]:.3f}", "image x prediction")
        models.append(ModelPanels(letter, model, texts, _panels(folder, experiment, pair, prepared, machine)))
    return StudyFigure(name, models)


def median_image(dice: Mapping[str, float]) -> str:
    """The name of the image with the median Dice (of two, the better): neither the best nor the worst."""
    return sorted(dice, key=lambda name: (dice[name], name))[len(dice) // 2]


def _panels(
    folder: StudyFolder, experiment: Experiment, pair: Pair, prepared: PreparedImages, machine: Machine
) -> list[Image.Image | np.ndarray]:
    """Image, mask, prediction, and the product of image and prediction, at the size that was trained on."""
    size = experiment.variation.size
    (small,) = prepared.pairs([pair], size, experiment.variation.masks)
    model = load_model(folder.run(experiment).model, machine.device)
    image = Preprocessing(channels="rgb", size=size, range=prepared.range).image(read_image(pair))
    mask = Preprocessing(mask="grayscale").target(read_mask(small))
    prediction = model.predict(read_image(small))
    return [image, mask, prediction, to_rgb(image) * prediction[..., None]]


def _dice_by_image(folder: StudyFolder, experiment: Experiment) -> dict[str, float]:
    """Dice of each test image by name; empty before the run is finished."""
    metrics = folder.run(experiment).metrics
    if not metrics.is_file():
        return {}
    return {
        row["name"]: row["dice"]
        for row in read_metrics(metrics, "test_images")["test_images"]
        if {"name", "dice"} <= set(row)
    }
