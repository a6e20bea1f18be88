"""The gallery of the report of a folder of predictions: some of its images with the pictures that were written for them."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from functools import partial
from pathlib import Path

from minunet.data.finding.input_images import InputImage
from minunet.data.reading.file_workers import map_files
from minunet.data.reading.image_files import decode
from minunet.data.reading.open_images import open_image
from minunet.errors import UserError
from minunet.inference.loaded_model import LoadedModel
from minunet.results.prediction import result_files
from minunet.results.report.report_page import ReportSection
from minunet.results.report.report_pictures import ReportCase, ReportPicture, report_picture
from minunet.runs.cell_results import SMALL_ENOUGH
from minunet.runs.report_sections import class_colours
from minunet.runs.run_pictures import evenly_spaced
from minunet.wording import count_noun

GALLERY = 8  # images
NOTED = 4  # of them, those with notes, where there are enough others
LEAST = 2  # images, however large
GALLERY_PIXELS = 20_000_000  # of all images of the gallery together; decoding more takes seconds
CLICK = "A click on a picture opens it in full size, as long as this file is in its folder."
TITLES = {  # the pictures of the gallery, by the ending of the file
    "_mask.png": ("prediction", "The predicted mask of {}: cells are white"),
    "_product.png": ("image × probability", "{} times the probability that a pixel is cell"),
    "_overlay.png": (
        "outline",
        "{} with the outline of the predicted mask in green, and orange where the model is in doubt",
    ),
    "_classes.png": ("classes", "The predicted classes of {}, each in its colour"),
    "_cells.png": ("cells", "{} with the outline and the number of every cell, orange where in doubt"),
}


def gallery_section(out: Path, model: LoadedModel, images: Sequence[InputImage], noted: set[str]) -> ReportSection:
    """The section of the gallery.

    Parameters
    ----------
    out : Path
        The folder of the predictions.
    model : LoadedModel
    images : sequence of InputImage
        Those that are predicted.
    noted : set of str
        The names of those with notes.
    """
    chosen = chosen_images(images, noted, partial(_pixel_count, out))
    found = map_files(partial(_pictures, out, model), chosen)
    cases = [
        ReportCase(image.name, pictures) for image, pictures in zip(chosen, found, strict=True) if pictures is not None
    ]
    if not cases:
        return ReportSection("gallery", "Pictures")
    which = f"{len(cases)} of {count_noun(len(images), 'image')}. " if len(images) > len(cases) else ""
    with_classes = any(picture.title == TITLES["_classes.png"][0] for case in cases for picture in case.pictures)
    colours = class_colours(model.legend) if with_classes else []
    return ReportSection("gallery", "Pictures", paragraphs=[f"{which}{CLICK}"], cases=cases, legend=colours)


def chosen_images(
    images: Sequence[InputImage], noted: Container[str], pixel_count: Callable[[InputImage], int]
) -> list[InputImage]:
    """The images of the gallery: some of those with notes, and some that are evenly spaced among the others, in their order.

    Parameters
    ----------
    images : sequence of InputImage
    noted : container of str
        The names of those with notes.
    pixel_count : callable
        The number of pixels of an image, or 0 for one that is not to be shown. Of large images there are fewer.
    """
    first = [image for image in images if image.name in noted]
    others = [image for image in images if image.name not in noted]
    room = GALLERY - min(NOTED, len(first))
    candidates = [
        *first[: max(NOTED, GALLERY - len(others))],
        *(others[place] for place in evenly_spaced(len(others), room)),
    ]
    chosen: list[InputImage] = []
    pixels = 0
    for image in candidates[:GALLERY]:
        count = pixel_count(image)
        if count and (len(chosen) < LEAST or pixels + count <= GALLERY_PIXELS):
            chosen.append(image)
            pixels += count
    order = {image: place for place, image in enumerate(images)}
    return sorted(chosen, key=lambda image: order[image])


def _pixel_count(out: Path, image: InputImage) -> int:
    """The pixels of an image; 0 where there are too many to decode it here, or it has gone."""
    try:
        with open_image(image.path) as opened, open_image(result_files(out / image.name)[0]):
            width, height = opened.header.size
    except UserError:
        return 0
    return width * height if width * height <= SMALL_ENOUGH else 0


def _pictures(out: Path, model: LoadedModel, image: InputImage) -> list[ReportPicture] | None:
    """The image and its results; None where a file cannot be read."""
    files = {path.name.removeprefix(Path(image.name).name): path for path in gallery_files(out / image.name)}
    try:
        shown = model.preprocessing.display(decode(image.path, report=None))
        pictures = [report_picture("image", shown, f"The image {image.name}")]
        for ending, path in files.items():
            title, alt = TITLES[ending]
            link = path.relative_to(out).as_posix()
            pictures.append(report_picture(title, decode(path, report=None), alt.format(image.name), link=link))
    except (UserError, MemoryError):
        return None
    return pictures


def gallery_files(stem: Path) -> list[Path]:
    """The pictures of an image that the gallery shows; `stem` is the folder with its name."""
    files = [stem.with_name(f"{stem.name}{ending}") for ending in TITLES]
    files = [path for path in files if path.is_file()]
    numbered = any(path.name.endswith("_cells.png") for path in files)
    return [path for path in files if not (numbered and path.name.endswith("_overlay.png"))]
