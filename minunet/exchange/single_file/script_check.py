"""The script of `--single-file`: written, then run on an image and compared with the model."""

from __future__ import annotations

import itertools
import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from minunet.cell_packages import missing_packages
from minunet.errors import UserError
from minunet.exchange.export_request import ExportedFile, ExportRequest
from minunet.exchange.single_file.script_writing import write_script
from minunet.wording import count_noun

_numbers = itertools.count()  # of scripts that are modules, each under a name of its own
MOST_OTHER = 1e-4  # share of the pixels whose probability may be on the other side of one half


def write_single_file(request: ExportRequest, path: Path) -> ExportedFile:
    """Write the script, and compare what it finds in an image with what the model finds.

    Raises
    ------
    UserError
        If the file cannot be written, or finds something else.
    """
    write_script(request.model, path)
    with script_module(path) as script:
        weights = script.SETTINGS["weights"]
        predictor = script.ScriptModel(script.SETTINGS, script.WEIGHTS)
        maps = predictor.maps(request.image, predictor.settled_diameter(request.image, None))
        count = len(predictor.cells(maps).classes) - 1
    expected = request.model.predict_outputs(request.image)
    other = int(np.count_nonzero((maps.probability > 0.5) != (expected.probability > 0.5)))
    if not other <= MOST_OTHER * maps.probability.size:
        raise UserError(
            f"--single-file: the mask of the script differs in {count_noun(other, 'pixel')} from that of the model, so the file "
            "was not written; compare another image with --check."
        )
    pixels = "has the mask of minunet" if not other else f"differs in {count_noun(other, 'pixel')} from minunet"
    facts: dict[str, Any] = {"weights": weights, "other_pixels": other, "cells": count, "cells_of_minunet": None}
    cells = f"finds {count_noun(count, 'cell')}"
    if not missing_packages():
        found = request.model.cell_maps(expected).find(request.model.cell_settings)
        facts["cells_of_minunet"] = len(found.classes) - 1
        cells += f" where minunet finds {facts['cells_of_minunet']:,}"
    return ExportedFile([f"weights as {weights}", f"checked on {request.image_name}: it {pixels}, and {cells}"], facts)


@contextmanager
def script_module(path: Path) -> Iterator[Any]:
    """A script as a module, within a block; its command is not run."""
    module = types.ModuleType(f"minunet_script_{next(_numbers)}")
    sys.modules[module.__name__] = module  # where dataclasses look for it
    try:
        exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), module.__dict__)
        yield module
    finally:
        del sys.modules[module.__name__]
