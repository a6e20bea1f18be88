"""The layers of a network in reports: what each of them makes of one image, as a section, and the report of the command show."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from minunet.cli.console import Say
from minunet.inference.loaded_model import LoadedModel
from minunet.results.layer_sheet import MAPS, LayerMaps
from minunet.results.report.layer_pictures import layer_cases
from minunet.results.report.report_page import ReportPage, ReportSection
from minunet.results.report.report_tables import report_table
from minunet.results.score_tables import csv_text
from minunet.runs.report_file import write_report
from minunet.runs.report_sections import made_by, model_facts, software_section
from minunet.summary.receptive_field import receptive_fields

COMMAND = "minunet.show"
# Of the input of the network in the report of a training: all layers are kept at once, which is more than a prediction takes.
MOST_PIXELS = 320 * 320


def layer_maps(model: LoadedModel, image: np.ndarray, diameter: float | None = None) -> list[LayerMaps]:
    """What each convolution of a model makes of an image, in the order in which they run.

    Parameters
    ----------
    model : LoadedModel
    image : ndarray
    diameter : float, optional
        As for `LoadedModel.features`.

    Raises
    ------
    UserError
        As `LoadedModel.features`.
    """
    outputs = model.features(image, diameter)
    fields = receptive_fields(model.model)
    return [LayerMaps(layer, outputs[layer], field) for layer, field in fields.items() if layer in outputs]


def middle_layers_section(model: LoadedModel, image: np.ndarray, name: str) -> ReportSection:
    """The section for an image of any size: of a large one the middle is shown; see `layers_section`."""
    diameter = model.settled_diameter(image)
    height, width = image.shape[:2]
    network_width, network_height = model.fitted((height, width), diameter).size or (width, height)
    share = min(1.0, (MOST_PIXELS / (network_width * network_height)) ** 0.5)
    if model.preprocessing.size is not None:  # a part of the image then gets the same part of that size
        size = max(1, int(share * network_width)), max(1, int(share * network_height))
        model = model.with_preprocessing(replace(model.preprocessing, size=size))
    h, w = max(1, int(share * height)), max(1, int(share * width))
    top, left = (height - h) // 2, (width - w) // 2
    part = image[top : top + h, left : left + w]
    of = name if share == 1 else f"the middle of {name} ({w}x{h} pixels)"
    return layers_section(model, part, of, layer_maps(model, part, diameter), folded=True)


def layers_section(
    model: LoadedModel, image: np.ndarray, name: str, layers: Sequence[LayerMaps], *, folded: bool = False
) -> ReportSection:
    """Feature maps of each block, the first filters, and a table of all layers.

    Parameters
    ----------
    model : LoadedModel
    image : ndarray
    name : str
        Of the image.
    layers : sequence of LayerMaps
        See `layer_maps`.
    folded : bool
    """
    rows = [
        {
            "layer": layer.name,
            "width": layer.maps.shape[1],
            "height": layer.maps.shape[0],
            "channels": layer.maps.shape[2],
            "silent": layer.silent,
            "sees_px": layer.receptive_field,
        }
        for layer in layers
    ]
    return ReportSection(
        "layers",
        "What the network sees",
        paragraphs=[
            f"What each block of the network makes of {name}: the {MAPS} feature maps that differ most over the image. "
            "Black is the smallest value of a map, white its largest; [5] is channel 5.",
            "A value of a layer depends on a square of the network's input, the larger the deeper the layer is: it sees so many "
            "pixels. A channel that is the same everywhere is silent: for this image it does nothing.",
        ],
        cases=layer_cases(
            model.preprocessing.display(image), name, layers, model.model.contraction[0].convs[0].weight.numpy()
        ),
        table=report_table(io.StringIO(csv_text(rows), newline=""), "layers", "the table"),
        folded=folded,
    )


def write_layer_report(
    out: Path,
    model: LoadedModel,
    image: np.ndarray,
    name: str,
    layers: Sequence[LayerMaps],
    command: Sequence[str],
    say: Say,
) -> None:
    """Write the report of the command show, and print its name.

    Parameters
    ----------
    out : Path
    model : LoadedModel
    image : ndarray
    name : str
        Of the image.
    layers : sequence of LayerMaps
        See `layer_maps`.
    command : sequence of str
        What gives the same files, a line each.
    say : callable
        Takes each line of text.
    """

    def page() -> ReportPage:
        return ReportPage(
            title=f"Layers: {name}",
            summary=[f"What each layer of {model.summary()} makes of {name}."],
            made=made_by(),
            sections=[
                ReportSection(
                    "command",
                    "What was done",
                    paragraphs=["This shows the same layers again:"],
                    commands=command,
                    facts=model_facts(model),
                ),
                layers_section(model, image, name, layers),
                software_section(out, [path for path in (model.path,) if path]),
            ],
        )

    write_report(out, COMMAND, page, say)
