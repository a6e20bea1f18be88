"""The cases of a report: the images with the worst and the best predictions, with all their pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from minunet.data.class_legend import ClassLegend
from minunet.data.pairs import Pair
from minunet.data.reading.preprocessing import IGNORED
from minunet.inference.evaluation import PredictedPair, predict_pair
from minunet.inference.loaded_model import LoadedModel
from minunet.results.picture import to_uint8_rgb
from minunet.results.report.report_page import ReportSection
from minunet.results.report.report_pictures import ERROR_LEGEND, ReportCase, ShownImage, shown_size
from minunet.runs.report_sections import class_colours

CASES = 3  # worst and best images, each
# Where they are predicted for the report alone: the network takes most of its time.
PREDICTED_CASES = 2
NETWORK_PIXELS = 1_000_000  # of all cases together


def worst_and_best(scores: Sequence[Mapping[str, Any]], most: int = CASES) -> list[tuple[str, Mapping[str, Any]]]:
    """The images with the lowest and the highest Dice, each with a word such as "worst 1"; none is there twice.

    Parameters
    ----------
    scores : sequence of mapping
        Of every image, with its "dice", which may be None.
    most : int
        The largest number of each.
    """
    ordered = sorted(scores, key=lambda image: -1.0 if image["dice"] is None else image["dice"])
    count = min(most, (len(ordered) + 1) // 2)
    worst, best = ordered[:count], ordered[count:][-most:]
    return [
        (f"{word} {number}", image)
        for word, group in (("worst", worst), ("best", best[::-1]))
        for number, image in enumerate(group, start=1)
    ]


def affordable_cases(model: LoadedModel, pairs: Mapping[str, Pair], sizes: Mapping[str, tuple[int, int]]) -> int:
    """How many worst and best images can be predicted in a second or two.

    Parameters
    ----------
    model : LoadedModel
    pairs : mapping of str to Pair
        By name.
    sizes : mapping of str to (int, int)
        The width and height of the images that are known.
    """
    if model.preprocessing.size is not None:
        width, height = model.preprocessing.size
    else:
        known = [sizes[name] for name in pairs if name in sizes]
        width, height = max(known, key=lambda size: size[0] * size[1], default=(1000, 1000))
    return max(1, min(PREDICTED_CASES, NETWORK_PIXELS // (2 * width * height)))


def show_pair(model: LoadedModel, pair: Pair) -> ShownImage:
    """An image with its mask and its prediction, at the size of a report."""
    return shrink(model, pair.name, predict_pair(model, pair))


def shrink(model: LoadedModel, name: str, predicted: PredictedPair) -> ShownImage:
    """A predicted pair at the size of a report."""
    image, mask, probability, classes, threshold = predicted
    size = shown_size(image.shape[1], image.shape[0])
    target = mask[..., 0] if mask.ndim == 3 else mask
    ignored = _resized((target == IGNORED).astype(np.float32), size) >= 0.5
    shown_mask = np.where(ignored, np.float32(IGNORED), _resized(np.clip(target, 0, 1).astype(np.float32), size))
    picture = Image.fromarray(to_uint8_rgb(model.preprocessing.display(image)))
    shown_image = np.asarray(picture.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0))
    shown_classes = None
    if classes is not None:  # pixels are left out, not mixed: a mixed colour would be that of no class, or of another
        true, found = (np.asarray(Image.fromarray(one).resize(size, Image.Resampling.NEAREST)) for one in classes)
        shown_classes = true, found
    shown = np.clip(_resized(probability, size), 0, 1)
    return ShownImage(name, shown_image, shown, shown_mask, threshold, shown_classes)


@dataclass(frozen=True)
class ScoredImage:
    """An image with its mask and its prediction, and how good that is.

    Attributes
    ----------
    word : str
        Its place, such as "worst 1".
    scores : mapping
        By the names of the columns of per_image.csv.
    shown : ShownImage
    """

    word: str
    scores: Mapping[str, Any]
    shown: ShownImage

    def report_case(self) -> ReportCase:
        """Its pictures under a heading with its scores."""
        scores = self.scores
        numbers = [
            f"{label} {scores[key]:.3f}"
            for key, label in (("dice", "Dice"), ("iou", "IoU"), ("cell_f1", "F1 of cells"))
            if isinstance(scores.get(key), (int, float))
        ]
        if isinstance(scores.get("predicted_cells"), int) and isinstance(scores.get("true_cells"), int):
            numbers.append(f"{scores['predicted_cells']} cells predicted, {scores['true_cells']} in the mask")
        caption = ", ".join(numbers) + (f". {scores['unlike']}" if scores.get("unlike") else "")
        return ReportCase(f"{self.word}: {self.shown.name}", self.shown.pictures(), caption)


def cases_section(images: Sequence[ScoredImage], of: str, legend: ClassLegend | None) -> ReportSection:
    """The section of the worst and the best images; `of` says how many images there were, `legend` knows the classes."""
    cases = [image.report_case() for image in images]
    colours: list[tuple[Sequence[int], str]] = [*ERROR_LEGEND]
    if legend is not None and any(image.shown.classes for image in images):
        colours += class_colours(legend)
    heading = "The image and its prediction" if len(cases) == 1 else f"The worst and the best {of}"
    return ReportSection("cases", heading, cases=cases, legend=colours if cases else ())


def _resized(array: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """An array (H, W) float32 at a smaller size; each pixel is the mean of those that it covers."""
    return np.asarray(Image.fromarray(np.ascontiguousarray(array, np.float32)).resize(size, Image.Resampling.BOX))
