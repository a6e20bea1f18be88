"""Model import: a file with the weights of another program as a model file, with the preprocessing that they were trained with."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from minunet.checkpoints.architecture import check_tensors, parameter_shapes
from minunet.checkpoints.header import MODEL, fill_model
from minunet.checkpoints.model_file import load_model
from minunet.checkpoints.model_writing import write_model
from minunet.checkpoints.tensor_table import TensorEntry
from minunet.data.outputs import Outputs
from minunet.data.reading.image_range import ImageRange
from minunet.data.reading.preprocessing import Preprocessing
from minunet.errors import UserError
from minunet.exchange.foreign_weights import ForeignWeights, own_document, read_foreign_weights
from minunet.exchange.milesial import HEAD, MilesialUNet, is_milesial, read_milesial
from minunet.exchange.torch_file import TORCH, check_version, write_imported
from minunet.nn.unet import UNet
from minunet.wording import count_noun, join_names, shorten

WHITE = 255.0  # milesial's code divides by it
SCALE = 0.5  # of milesial's train.py and predict.py, unless --scale says otherwise
LISTED = 3  # names of tensors in a message


@dataclass(frozen=True)
class ImportedModel:
    """What is said of an imported model.

    Attributes
    ----------
    lines : list of str
        For people.
    facts : dict
        For --json.
    """

    lines: list[str]
    facts: dict[str, Any] = field(default_factory=dict)


def import_weights(
    source: Path, output: Path, scale: float | None = None, classes: tuple[str, ...] | None = None
) -> ImportedModel:
    """Write the model of a file of weights.

    Parameters
    ----------
    source : Path
        The state dict of milesial's U-Net, or what `python -m minunet.export --torch` wrote.
    output : Path
        The model file; written completely or not at all.
    scale : float, optional
        For a state dict: the factor by which its images were resized in training, by default 0.5.
    classes : tuple of str, optional
        For a state dict of three or more classes: their names, the background first.

    Raises
    ------
    UserError
        If the file cannot be read, or holds a network that minunet does not have.
    """
    weights = read_foreign_weights(source)
    document = own_document(weights)
    if document is not None:
        return _own(source, output, weights, document, scale is not None or classes is not None)
    if not is_milesial(weights):
        some = join_names((shorten(name, 60) for name in weights.tensors), LISTED) or "no tensors at all"
        raise UserError(
            f"{source}: it is no state dict of milesial's U-Net, which has a tensor '{HEAD}', and was not written by "
            f"minunet.export (it has {some}); give one of the two."
        )
    return _milesial(source, output, read_milesial(source, weights), weights, scale, classes)


def _own(
    source: Path, output: Path, weights: ForeignWeights, document: dict[str, Any], has_settings: bool
) -> ImportedModel:
    kind = document.get("format")
    if kind == MODEL:
        raise UserError(f"{source}: is a model of minunet already; use it as it is.")
    if kind != TORCH:
        raise UserError(f"{source}: this file holds '{shorten(kind, 80)}', not a model for PyTorch; give another file.")
    if has_settings:
        raise UserError(f"{source}: knows its preprocessing and its classes; leave --scale and --classes out.")
    check_version(source, document)
    write_imported(output, source, weights, document)
    return ImportedModel(["of minunet, from its layout for PyTorch", load_model(output, "cpu").summary()])


def _milesial(
    source: Path,
    output: Path,
    found: MilesialUNet,
    weights: ForeignWeights,
    scale: float | None,
    classes: tuple[str, ...] | None,
) -> ImportedModel:
    problems = []
    if not 1 <= found.config["in_channels"] <= 16:
        problems.append(f"{source}: a network of {found.config['in_channels']} channels; at most 16 are read.")
    if classes is not None and found.n_classes < 3:
        problems.append(f"--classes: this network has {found.n_classes} of them, which need no names; leave it out.")
    elif classes is not None and len(classes) != found.n_classes:
        problems.append(
            f"--classes: this network has {found.n_classes} classes, the background first, not {len(classes)}."
        )
    shapes = parameter_shapes(found.config)
    try:
        check_tensors(
            source, shapes, {name: TensorEntry("float32", array.shape) for name, array in found.weights.items()}
        )
    except UserError as error:
        problems += error.problems[:-1] or error.problems  # without the remedy for files of minunet
        problems.append(
            f"{source}: each step down of milesial's U-Net doubles the channels; other widths are not imported."
        )
    if problems:
        raise UserError(problems)
    names = classes or ("background", *(f"class {number}" for number in range(1, found.n_classes)))
    outputs = Outputs(names if found.n_classes > 2 else ())
    used = SCALE if scale is None else scale
    channels = {1: "grey", 3: "rgb"}.get(found.config["in_channels"])
    preprocessing = Preprocessing(
        channels=channels or ",".join(map(str, range(found.config["in_channels"]))),
        range=ImageRange(0.0, WHITE, ("uint8",)),
        scale=None if used == 1 else used,
    )
    model = UNet(**found.config)
    fill_model(model, found.weights)
    values = weights.others.get("mask_values")
    extra = {"imported": {"file": source.name, "network": "milesial/Pytorch-UNet", "n_classes": found.n_classes}}
    write_model(output, model, preprocessing, extra=extra, outputs=outputs)
    lines = [
        f"milesial's U-Net, {count_noun(found.config['in_channels'], 'channel')}, "
        f"{found.n_classes} class{'es' * (found.n_classes > 1)}, {count_noun(found.normalized, 'batch normalization')} folded",
        load_model(output, "cpu").summary(),
    ]
    if not found.normalized:
        lines.append(
            "a layer without weights, such as InstanceNorm2d, leaves no trace in a state dict: none is taken to be there"
        )
    if found.n_classes == 2:
        lines.append("its two classes are one logit here, cell against background")
    if isinstance(values, list) and 0 < len(values) <= 16:
        lines.append(f"its masks had the values {join_names(values, 16)}, the first is background")
    if scale is None:
        lines.append(
            f"images are resized by {SCALE:g}, as in milesial's code unless told otherwise; --scale says otherwise"
        )
    return ImportedModel(lines, {"n_classes": found.n_classes, "folded": found.normalized, "scale": used})
