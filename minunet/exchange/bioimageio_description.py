"""The description of a bioimage.io package: what the model takes and gives, in the terms of the specification 0.5.

Programs that read such packages (QuPath, ilastik, deepImageJ) take one image and one result with axes batch, channel, y, x, cut
large images into tiles of the sizes that are described, and scale values as described.
"""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any

from minunet.checkpoints.header import to_json
from minunet.data.reading.channels import channel_numbers
from minunet.data.reading.pixels import white_level
from minunet.data.reading.preprocessing import Preprocessing
from minunet.exchange.extra_packages import require_package
from minunet.exchange.model_card import ModelCard
from minunet.exchange.onnx_images import image_dtype
from minunet.exchange.onnx_model import IMAGE, OPSET, PROBABILITIES, joined_names
from minunet.inference.loaded_model import LoadedModel
from minunet.inference.tile_size import tile_margin
from minunet.wording import shorten

WHAT = "a bioimage.io package"
# A halo of as many pixels as the network sees makes tiles exact. Where that is more than 64, 3 pixels of the deepest level are
# enough: what is farther away moved no probability of the pretrained model by more than 1e-5. Whole pixels of that level, so that
# every tile begins on one.
LARGEST_EXACT_HALO, HALO_STEPS = 64, 3
SMALLEST_TILE = 64  # pixels between the halos
TAGS = ["2d", "cells", "unet", "semantic-segmentation", "transmission-light-microscopy", "blood", "onnx", "minunet"]
LICENSE_KINDS = ("LicenseId", "DeprecatedLicenseId")  # names in bioimageio.spec
UNET_PAPER = "Ronneberger, Fischer, Brox: U-Net: Convolutional Networks for Biomedical Image Segmentation, MICCAI 2015"
UNET_DOI = "10.1007/978-3-319-24574-4_28"


def tile_sizes(model: LoadedModel) -> tuple[int, int, int]:
    """The smallest side of a tile, the step between sides, and the halo on each side, in pixels."""
    step = 2 ** model.config["depth"]
    halo = tile_margin(model.config)
    if halo > LARGEST_EXACT_HALO:
        halo = HALO_STEPS * step
    smallest = -(-(2 * halo + SMALLEST_TILE) // step) * step
    return smallest, step, halo


def linear_scale(preprocessing: Preprocessing) -> tuple[list[float], list[float]]:
    """Gain and offset by which the values of an image become 0 to 1; one of each, or one for each channel."""
    span = preprocessing.range
    if span is None:
        return [1.0 / white_level(image_dtype(preprocessing))], [0.0]
    lows, highs = (value if isinstance(value, tuple) else (value,) for value in (span.low, span.high))
    gains = [1.0 / (high - low) for low, high in zip(lows, highs, strict=True)]
    return gains, [-low * gain for low, gain in zip(lows, gains, strict=True)]


def channel_names(preprocessing: Preprocessing) -> list[str]:
    """What the channels of the input are called."""
    numbers = channel_numbers(preprocessing.channels)
    if numbers is not None:
        return [f"channel {number}" for number in numbers]
    return ["grey"] if preprocessing.channels == "grey" else ["red", "green", "blue"]


def license_problem(identifier: str) -> str | None:
    """A sentence where a text is no identifier of a licence of SPDX; None where it is one."""
    spec = require_package("bioimageio.spec.model.v0_5", WHAT)
    known = [name for kind in LICENSE_KINDS for name in getattr(spec, kind).root_model.model_json_schema()["enum"]]
    if identifier in known:
        return None
    by_lower = {name.lower(): name for name in known}
    near = difflib.get_close_matches(identifier.lower(), by_lower, 1, cutoff=0.6)
    hint = f"did you mean {by_lower[near[0]]}?" if near else "https://spdx.org/licenses lists them."
    return f"--license {shorten(identifier, 80)}: is no identifier of a licence of SPDX; {hint}"


def package_description(model: LoadedModel, card: ModelCard, folder: Path) -> Any:
    """The description of the files in a folder, with paths relative to it.

    Parameters
    ----------
    model : LoadedModel
    card : ModelCard
    folder : Path
        With model.onnx, test_input.npy, test_output.npy, sample_input and sample_output (or none), cover.png and README.md.

    Returns
    -------
    bioimageio.spec.model.v0_5.ModelDescr

    Raises
    ------
    UserError
        If bioimageio.spec is not installed.
    pydantic.ValidationError
        If the description is not valid.
    """
    spec = require_package("bioimageio.spec.model.v0_5", WHAT)
    context = require_package("bioimageio.spec", WHAT).ValidationContext
    with context(root=folder, perform_io_checks=True):
        return spec.ModelDescr(
            name=card.name,
            description=f"Cells in images of blood smears: {model.summary().partition(';')[0]}, trained with minunet.",
            authors=[spec.Author(name=name) for name in card.authors],
            license=card.license,
            cite=[spec.CiteEntry(text=UNET_PAPER, doi=UNET_DOI)],
            tags=TAGS,
            documentation=spec.FileDescr(source="README.md"),
            covers=[spec.FileDescr(source="cover.png")],
            inputs=[_input(spec, model, folder)],
            outputs=[_output(spec, model, folder)],
            weights=spec.WeightsDescr(onnx=spec.OnnxWeightsDescr(source="model.onnx", opset_version=OPSET)),
            config=spec.Config(minunet=_config(model)),
        )


def _input(spec: Any, model: LoadedModel, folder: Path) -> Any:
    smallest, step, _ = tile_sizes(model)
    gains, offsets = linear_scale(model.preprocessing)
    if len(gains) == 1:
        scale = spec.ScaleLinearKwargs(gain=gains[0], offset=offsets[0])
    else:
        scale = spec.ScaleLinearAlongAxisKwargs(axis="channel", gain=gains, offset=offsets)
    steps = [spec.ClipDescr(kwargs=spec.ClipKwargs(min=0.0, max=1.0))]
    if set(gains) != {1.0} or set(offsets) != {0.0}:  # a scale that changes nothing is refused
        steps.insert(0, spec.ScaleLinearDescr(kwargs=scale))
    sides = spec.ParameterizedSize(min=smallest, step=step)
    return spec.InputTensorDescr(
        id=IMAGE,
        description="an image in the units of its file",
        axes=[
            spec.BatchAxis(),
            spec.ChannelAxis(channel_names=channel_names(model.preprocessing)),
            spec.SpaceInputAxis(id="y", size=sides),
            spec.SpaceInputAxis(id="x", size=sides),
        ],
        data=spec.IntervalOrRatioDataDescr(type="float32"),
        preprocessing=steps,
        test_tensor=spec.FileDescr(source="test_input.npy"),
        sample_tensor=_sample(spec, folder, "sample_input"),
    )


def _output(spec: Any, model: LoadedModel, folder: Path) -> Any:
    halo = tile_sizes(model)[2]

    def side(name: str) -> Any:
        return spec.SpaceOutputAxisWithHalo(id=name, halo=halo, size=spec.SizeReference(tensor_id=IMAGE, axis_id=name))

    return spec.OutputTensorDescr(
        id=PROBABILITIES,
        description="probabilities: " + ", ".join(joined_names(model.outputs))[:100],
        axes=[
            spec.BatchAxis(),
            spec.ChannelAxis(channel_names=joined_names(model.outputs)),
            side("y"),
            side("x"),
        ],
        data=spec.IntervalOrRatioDataDescr(type="float32", range=(0.0, 1.0)),
        test_tensor=spec.FileDescr(source="test_output.npy"),
        sample_tensor=_sample(spec, folder, "sample_output"),
    )


def _sample(spec: Any, folder: Path, stem: str) -> Any:
    name = f"{stem}.png"
    return spec.FileDescr(source=name) if (folder / name).is_file() else None


def _config(model: LoadedModel) -> dict[str, Any]:
    """What minunet knows of the model and the specification has no terms for."""
    return {
        "architecture": to_json(model.config),
        "preprocessing": to_json(model.preprocessing.to_dict()),
        "outputs": to_json(model.outputs),
        "cells": to_json(model.cell_settings),
    }
