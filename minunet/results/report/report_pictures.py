"""The pictures of a report: small copies of images and of what was predicted for them, which the page itself contains."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

import numpy as np
from PIL import Image

from minunet.data.class_colours import BLUE, VERMILION
from minunet.results.overlay import line_width, overlay
from minunet.results.picture import drop_channel_axis, to_uint8_rgb

WIDTH, HEIGHT = 420, 560  # pixels, at most, of a picture in the page
QUALITY = 75  # of JPEG
MISSED, ADDED = VERMILION, BLUE  # people with any of the common kinds of colour blindness tell them apart
ERROR_LEGEND = ((MISSED, "cell in the mask, missed"), (ADDED, "called cell, background in the mask"))
FADED = 0.55  # share of white in the image under the colours of the errors


@dataclass(frozen=True)
class ReportPicture:
    """A picture in the page.

    Attributes
    ----------
    title : str
        Below it.
    source : str
        A data URI.
    alt : str
        What it shows, for readers who do not see it.
    width, height : int
        In pixels.
    link : str or None
        The file that is opened by a click on it, relative to the page.
    """

    title: str
    source: str
    alt: str
    width: int
    height: int
    link: str | None = None


@dataclass(frozen=True)
class ReportCase:
    """An image with its pictures; small ones are side by side in larger numbers."""

    heading: str
    pictures: Sequence[ReportPicture]
    caption: str = ""
    small: bool = False

    @property
    def columns(self) -> str:
        """How many pictures are side by side in a wide window, as the style sheet names it."""
        if self.small:
            return "six"
        if len(self.pictures) == 5:
            return "five"
        return "three" if len(self.pictures) % 3 == 0 else "four"


@dataclass(frozen=True)
class ShownImage:
    """An image, its mask and its prediction, shrunk to the size at which a report shows them.

    Attributes
    ----------
    name : str
    image : ndarray, (h, w, 3) uint8
    probability : ndarray, (h, w) float32
        In [0, 1].
    mask : ndarray or None, (h, w) float32
        In [0, 1]; below 0 where a pixel counts nowhere. None: there is no mask.
    threshold : float
        A pixel of a higher probability is cell.
    classes : pair of ndarray or None, (h, w, 3) uint8
        The true and the predicted classes in their colours.
    """

    name: str
    image: np.ndarray
    probability: np.ndarray
    mask: np.ndarray | None = None
    threshold: float = 0.5
    classes: tuple[np.ndarray, np.ndarray] | None = None

    def pictures(self) -> list[ReportPicture]:
        """The image, its mask, the prediction, the product, the outlines, with a mask the error map, and the classes."""
        predicted = self.probability > self.threshold
        product = self.image * self.probability[..., None]  # (h, w, 3) * (h, w, 1)
        pictures = [report_picture("image", self.image, f"The image {self.name}")]
        if self.mask is not None:
            # Pixels that count nowhere are grey.
            mask = np.where(self.mask < 0, 0.5, np.clip(self.mask, 0, 1))
            pictures.append(report_picture("mask", mask, f"The mask of {self.name}: cells are white"))
        return [
            *pictures,
            report_picture(
                "prediction", self.probability, f"The prediction for {self.name}: the lighter, the more probably a cell"
            ),
            report_picture(
                "image × prediction", np.rint(product).astype(np.uint8), f"{self.name} times its prediction"
            ),
            report_picture(
                "outlines",
                overlay(self.image, predicted, self.probability, thickness=line_width(self.image.shape)),
                f"{self.name} with the outlines of the predicted cells in green, and orange where the model is in doubt",
            ),
            *([] if self.mask is None else [self._errors(predicted)]),
            *(
                report_picture(f"{kind} classes", colours, f"The {kind} classes of {self.name}, each in its colour")
                for kind, colours in zip(("true", "predicted"), self.classes or (), strict=False)
            ),
        ]

    def _errors(self, predicted: np.ndarray) -> ReportPicture:
        assert self.mask is not None
        pixels, missed, added = error_map(self.image, self.mask, predicted)
        alt = (
            f"Error map of {self.name}: {100 * missed:.1f} % of the pixels are cell and were missed, in orange; "
            f"{100 * added:.1f} % are background and were called cell, in blue"
        )
        return report_picture("errors", pixels, alt)


def error_map(image: np.ndarray, mask: np.ndarray, predicted: np.ndarray) -> tuple[np.ndarray, float, float]:
    """The wrong pixels of a prediction in two colours, on the pale image.

    Parameters
    ----------
    image : ndarray, (H, W) or (H, W, 3)
        See `minunet.results.picture.to_uint8_rgb`.
    mask : ndarray, (H, W)
        Cell from 0.5 on; pixels below 0 count nowhere.
    predicted : ndarray, (H, W) bool

    Returns
    -------
    pixels : ndarray, (H, W, 3) uint8
    missed, added : float
        The shares of all pixels that are cell and were missed, and that are background and were called cell.
    """
    grey = to_uint8_rgb(image).mean(axis=2, keepdims=True)  # (H, W, 1)
    pixels = np.repeat(np.rint((1 - FADED) * grey + FADED * 255).astype(np.uint8), 3, axis=2)
    missed, added = ~predicted & (mask >= 0.5), predicted & (mask >= 0) & (mask < 0.5)
    pixels[missed], pixels[added] = MISSED, ADDED
    return pixels, float(missed.mean()), float(added.mean())


def shown_size(width: int, height: int) -> tuple[int, int]:
    """The width and height at which an image of this size is in the page: never larger, with the same proportions."""
    scale = min(1.0, WIDTH / width, HEIGHT / height)
    return max(1, round(scale * width)), max(1, round(scale * height))


def report_picture(title: str, pixels: np.ndarray | Image.Image, alt: str, *, link: str | None = None) -> ReportPicture:
    """A picture in the size in which it is in the page.

    Parameters
    ----------
    title : str
    pixels : ndarray or PIL image
        See `minunet.results.picture.to_uint8_rgb`.
    alt : str
    link : str, optional
        The path of a file, relative to the page.
    """
    picture = pixels if isinstance(pixels, Image.Image) else _grey_or_colour(pixels)
    size = shown_size(*picture.size)
    if picture.size != size:
        picture = picture.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
    buffer = io.BytesIO()
    # Without chroma subsampling, which would blur thin coloured lines.
    picture.save(buffer, "JPEG", quality=QUALITY, subsampling=0)
    source = f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"
    return ReportPicture(title, source, alt, *size, link=None if link is None else relative_link(link))


def _grey_or_colour(pixels: np.ndarray) -> Image.Image:
    plane = drop_channel_axis(pixels)
    rgb = to_uint8_rgb(plane)
    return Image.fromarray(rgb[..., 0] if plane.ndim == 2 else rgb)


def relative_link(path: str) -> str:
    """A link to a file beside the page, whatever its name: no name is taken for an address or a script."""
    return "./" + quote(path.encode("utf-8", "surrogateescape"))
