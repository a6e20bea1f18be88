"""The architecture in a header: its settings, each with a type and a range, and the tensors that it needs.

The shapes are computed only from the settings, so that a bad file is refused before a network is built.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from minunet.checkpoints.tensor_table import FLOATS, TensorEntry
from minunet.errors import UserError
from minunet.functional.validation import is_whole_number
from minunet.nn.init import weights_follow
from minunet.nn.unet import ACTIVATIONS, MAX_DEPTH, POOLINGS, VARIANTS, UNet
from minunet.version import __version__
from minunet.wording import count_noun, shorten

if TYPE_CHECKING:
    from pathlib import Path

MOST_CHANNELS = 65_536
MOST_PROBLEMS = 20  # that are listed; the others are only counted
_CHOICES: dict[str, tuple[str, ...]] = {
    "variant": VARIANTS,
    "activation": ACTIVATIONS,
    "pooling": (*POOLINGS, "avg"),
}
_LARGEST = {
    "in_channels": MOST_CHANNELS,
    "out_channels": MOST_CHANNELS,
    "base_channels": MOST_CHANNELS,
    "depth": MAX_DEPTH,
}
_DEFAULTS = {"in_channels": 1, "out_channels": 1, "base_channels": 64, "depth": 4, "variant": "paper"}


def check_architecture(path: str | Path, config: Mapping[str, Any]) -> None:
    """A UserError where this version cannot build the architecture."""
    problems = []
    for name, value in config.items():
        if name in _LARGEST:
            if not is_whole_number(value) or not 1 <= value <= _LARGEST[name]:
                problems.append(f"{name} is {shorten(value, 40)}, not a whole number from 1 to {_LARGEST[name]}")
        elif name in _CHOICES:
            if value not in _CHOICES[name]:
                problems.append(f"{name} is {shorten(value, 40)}, not one of {', '.join(_CHOICES[name])}")
        elif name != "block_end_relu":
            problems.append(f"{shorten(name, 40)} is not known")
        elif not isinstance(value, bool):
            problems.append(f"{name} is {shorten(value, 40)}, not true or false")
    if problems:
        raise UserError(
            f"{path}: this minunet ({__version__}) cannot build the architecture the file describes "
            f"({'; '.join(problems[:MOST_PROBLEMS])}); use the version that wrote it (see 'versions' in its header)."
        )


def parameter_shapes(config: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """The shapes of the parameters of `UNet(**config)` in the order of `named_parameters()`, without building it."""
    settings = {**_DEFAULTS, **config}
    base, depth, paper = settings["base_channels"], settings["depth"], settings["variant"] == "paper"
    shapes: dict[str, tuple[int, ...]] = {}

    def add(name: str, kernel_size: int, c_in: int, c_out: int) -> None:
        shapes[f"{name}.weight"] = (kernel_size, kernel_size, c_in, c_out)
        shapes[f"{name}.bias"] = (c_out,)

    def add_block(name: str, channels: list[int]) -> None:
        for k, (c_in, c_out) in enumerate(zip(channels[:-1], channels[1:], strict=True)):
            add(f"{name}.convs.{k}", 3, c_in, c_out)

    channels = settings["in_channels"]
    for k in range(depth):
        add_block(f"contraction.{k}", [channels, *[base * 2**k] * (3 if paper else 2)])
        channels = base * 2**k
    add_block("bottleneck", [channels, base * 2**depth, base * 2**depth])
    for place, k in enumerate(reversed(range(depth))):
        width = base * 2**k
        add(f"expansion.{place}.up", 2, 2 * width, width)
        add_block(f"expansion.{place}.block", [2 * width, width, width])
    add("head", 3 if paper else 1, base, settings["out_channels"])
    return shapes


def check_tensors(path: str | Path, needed: Mapping[str, tuple[int, ...]], stored: Mapping[str, TensorEntry]) -> None:
    """A UserError that lists the tensors that are missing, unexpected, or of another shape or type than needed."""
    problems = [f"{path}: the tensor '{name}' is missing." for name in needed if name not in stored]
    problems += [
        f"{path}: the tensor '{shorten(name, 80)}' belongs to no layer." for name in stored if name not in needed
    ]
    for name in needed.keys() & stored.keys():
        shape, entry = tuple(needed[name]), stored[name]
        if shape != entry.shape:
            problems.append(
                f"{path}: the tensor '{name}' has shape {shorten(entry.shape, 80)}, the architecture needs {shape}."
            )
        elif entry.dtype not in FLOATS:
            problems.append(f"{path}: the tensor '{name}' holds {entry.dtype}, not floating-point numbers.")
    if problems:
        more = len(problems) - MOST_PROBLEMS
        listed = sorted(problems)[:MOST_PROBLEMS]
        listed += [f"{path}: {count_noun(more, 'more tensor')} do not fit."] if more > 0 else []
        remedy = f"{path}: the weights do not fit the architecture; give the file training wrote, or train again."
        raise UserError([*listed, remedy])


def build_model(path: str | Path, config: Mapping[str, Any]) -> UNet:
    """The model that a header describes, once it is checked. Its weights are undefined until those of the file are loaded."""
    try:
        with weights_follow():
            return UNet(**config)
    except (TypeError, ValueError, OverflowError) as error:
        raise UserError(
            f"{path}: the architecture of this file cannot be built ({shorten(error)}); train again."
        ) from error
