"""The card of a model in a bioimage.io package: its name, who made it, under which licence, and the page that describes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from minunet.checkpoints.pretrained import is_pretrained
from minunet.exchange.onnx_model import input_text, joined_names, size_text
from minunet.inference.loaded_model import LoadedModel
from minunet.version import __version__

LETTERS = "letters without accents, digits, spaces, and _ + - ( )"
NAME_LENGTHS = (5, 128)  # of bioimage.io
SHOWN, MOST_ROWS = ("dice", "iou", "precision", "recall"), 20  # scores, and how many of them
UNKNOWN = "not stated"  # the author of a model whose user names none
PACKAGE_AUTHORS, PACKAGE_LICENSE = "minunet", "MIT"  # of the pretrained model


@dataclass(frozen=True)
class ModelCard:
    """What a user says of a model.

    Attributes
    ----------
    name : str
    authors : tuple of str
    license : str or None
        The identifier of a licence of SPDX, such as "MIT" or "CC-BY-4.0"; None where nothing is said.
    """

    name: str
    authors: tuple[str, ...]
    license: str | None


def model_card(
    model: LoadedModel, name: str | None = None, authors: list[str] | None = None, license_id: str | None = None
) -> ModelCard:
    """The card of a model, with defaults for what is not given; nobody is named and no licence is given on a user's behalf."""
    pretrained = is_pretrained(model.path)
    where = "pretrained" if pretrained else f"{model.config['variant']} U-Net"
    return ModelCard(
        name or f"minunet {where} for blood cells",
        tuple(authors or [PACKAGE_AUTHORS if pretrained else UNKNOWN]),
        license_id or (PACKAGE_LICENSE if pretrained else None),
    )


def name_problem(name: str) -> str | None:
    """Why bioimage.io does not take a name, as a phrase; None where it does."""
    shortest, longest = NAME_LENGTHS
    if not shortest <= len(name) <= longest:
        return f"a name has {shortest} to {longest} letters"
    if all(letter.isascii() and (letter.isalnum() or letter in "_+- ()") for letter in name):
        return None
    return f"a name consists of {LETTERS}"


def author_problem(name: str) -> str | None:
    """Why bioimage.io does not take the name of an author, as a phrase; None where it does."""
    if not name.strip():
        return "is empty"
    return "a name has no slash" if "/" in name or "\\" in name else None


def card_page(model: LoadedModel, card: ModelCard) -> str:
    """The page of the package, README.md: what the model takes and gives, how good it is, and its limits."""
    channels, threshold = joined_names(model.outputs), model.cell_settings.threshold
    preprocessing = model.preprocessing
    if preprocessing.diameter is not None:
        scale = (
            f"Cells must be {preprocessing.diameter:g} pixels across: resize the image first, by the mean over areas."
        )
    elif preprocessing.size is not None or preprocessing.scale is not None:
        scale = f"In the training images were {size_text(preprocessing)}: resize the image so. At another scale cells are missed."
    else:
        scale = "The image keeps its own size."
    grey = "Grey is 0.299 R + 0.587 G + 0.114 B. " if preprocessing.channels == "grey" else ""
    return f"""# {card.name}

A U-Net that says for each pixel of an image of a blood smear whether it belongs to a cell. It was written by minunet {__version__}
(`python -m minunet.export --bioimageio`). Network: {model.summary().partition(";")[0]}.

## Input

One image, axes batch, channel, y, x, in the units of its file. The description scales it to 0 to 1. {grey}{scale}
As minunet prepares it: {input_text(preprocessing)}.

## Output

Probabilities from 0 to 1, axes batch, channel, y, x. Channels: {", ".join(channels)}.
A pixel is cell where its probability is above {threshold:g}.{_separation_text(model)}
A program that cuts the image into tiles must give the network the pixels around each tile too: the halo of the description.

## Validation

Compare the mask of the first channel with masks drawn by hand, by Dice and by the number of cells; in minunet
`python -m minunet.evaluate MODEL DATA`. The scores that were stored with the model:

{_scores(model.metrics)}

## Limits

It has learned the stains, the microscopes and the magnifications of its training images only, and is no medical device.
"""


def _separation_text(model: LoadedModel) -> str:
    if model.outputs.separation is None:
        return ""
    return " The channel separation is high inside of cells and low where two of them meet."


def _scores(metrics: Any) -> str:
    """The stored scores of pixels, one a line."""
    rows = [f"- {name}: {value:.4g}" for name, value in _numbers(metrics, "") if name.rpartition(" ")[2] in SHOWN]
    return "\n".join(rows[:MOST_ROWS]) or "none are stored."


def _numbers(metrics: Any, prefix: str) -> list[tuple[str, float]]:
    if isinstance(metrics, (int, float)) and not isinstance(metrics, bool):
        return [(prefix, float(metrics))]
    if not isinstance(metrics, dict):
        return []
    found = []
    for name, value in metrics.items():
        found += _numbers(value, f"{prefix} {name}".strip().replace("_", " "))
    return found
