"""The suggested command: what to type to train on a data set, complete, as it works when it is pasted."""

from __future__ import annotations

import shlex
from argparse import Namespace
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from minunet.data.fitting_size import GOOD_CELL, MOST_PIXELS, SMALLEST_CELL, fitting_size, size_warnings
from minunet.inspection.inspection import Inspection
from minunet.runs.setting_checks import flag
from minunet.runs.setting_flags import as_typed

LARGEST = 512 * 512  # pixels of a size; crops are better than a larger one
CROP = 256


def train_command(arguments: Namespace, names: Iterable[str], changed: Mapping[str, Any] = MappingProxyType({})) -> str:
    """A command that trains with the flags that were given to the inspection.

    Parameters
    ----------
    arguments : Namespace
        Of the inspection: its data, and the settings in `names`, None where they were not given.
    names : iterable of str
        Of the settings that a training has too.
    changed : mapping of str to value, optional
        Settings that take the place of those that were given; None leaves one out.

    Returns
    -------
    str
        In one line, quoted for a shell.
    """
    words = ["python", "-m", "minunet.train"]
    if arguments.data is not None:
        words.append(f"./{arguments.data}" if arguments.data.startswith("-") else arguments.data)
    settings = {name: getattr(arguments, name) for name in names} | dict(changed)
    for name, value in settings.items():
        if value is True:
            words.append(flag(name))
        elif value is not None and value is not False:
            text = as_typed(value, name)
            words += [f"{flag(name)}={text}"] if text.startswith("-") else [flag(name), text]
    return shlex.join(words)


def suggested_size(inspection: Inspection) -> dict[str, Any]:
    """The size that keeps the aspect of the images, and cells that can be seen; where it would be too large, a crop."""
    config, sizes, least = inspection.config, inspection.sizes, 2**inspection.config.depth
    if config.size is None or not sizes:
        return {}
    size, pixels = config.size, config.size[0] * config.size[1]
    if size_warnings(size, sizes, least=least):
        size = fitting_size(sizes, least=least, pixels=max(pixels, MOST_PIXELS))
    cells, wanted = inspection.cells, 0.0
    if cells is not None and 0 < cells.median_in_network < SMALLEST_CELL:
        area = max(width * height for width, height in sizes)
        wanted = min(pixels * (GOOD_CELL / cells.median_in_network) ** 2, area)
        size = fitting_size(sizes, least=least, pixels=max(size[0] * size[1], round(wanted)))
    if wanted > LARGEST or size_warnings(size, sizes, least=least):
        return {"size": None, "crop": max(least, min(CROP, *(side for image in sizes for side in image)))}
    return {"size": size}
