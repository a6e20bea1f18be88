"""Script writing: a model as one Python script, put together from the parts of this package that prediction needs."""

from __future__ import annotations

import pprint
import sys
import textwrap
from pathlib import Path
from typing import Any

import numpy as np

from minunet.exchange.single_file.collected_source import CollectedSource
from minunet.exchange.single_file.script_versions import NEEDS
from minunet.exchange.single_file.stored_model import LINE, packed_weights
from minunet.files.atomic_write import write_text
from minunet.inference.loaded_model import LoadedModel
from minunet.version import __version__

PARTS = "minunet.exchange.single_file"
ROOT = f"{PARTS}.script_command", "predict_and_count"
REPLACED = {("minunet.cell_packages", "require"): (f"{PARTS}.plain_filters", "require")}
STORED = f"{PARTS}.stored_model"
HEAD = '''\
"""Find and count the cells of images: a trained U-Net in one file, which needs Python 3.10, {needs},
and nothing else.

    python FILE.py smear.jpg
    python FILE.py smears --output results
    python FILE.py --help

It was written by `python -m minunet.export` of minunet {version}. The code is that of minunet, of which it holds what prediction
needs. The settings of the model are below this text, its weights at the end, and between them the parts, each after the name of
its module. To read it, begin with the last parts: script_command.py, then script_model.py, which prepares an image, runs the
network (plain_network.py) and finds cells (watershed.py).
"""
'''
IMPORTS = """\
try:
{imports}
except ImportError as error:
    print(f"error: this script needs {needs} ({{error}}):", file=sys.stderr)
    print("  python -m pip install --upgrade numpy pillow", file=sys.stderr)
    raise SystemExit(2) from None
"""


def write_script(model: LoadedModel, path: Path) -> Path:
    """Write a model as a Python script.

    Parameters
    ----------
    model : LoadedModel
    path : Path
        Written completely or not at all.

    Returns
    -------
    Path

    Raises
    ------
    UserError
        If the file cannot be written.
    """
    return write_text(path, script_text(model))


def script_text(model: LoadedModel) -> str:
    """The text of the script of a model."""
    source = CollectedSource([ROOT], REPLACED)
    settings, weights = script_settings(model)
    lines = [*HEAD.format(version=__version__, needs=NEEDS).splitlines(), "", "from __future__ import annotations", ""]
    imports = sorted(source.imports, key=lambda text: (not text.startswith("import"), text))
    packages = [text for text in imports if text.split()[1].partition(".")[0] not in sys.stdlib_module_names]
    lines += [text for text in imports if text not in packages]
    lines += ["", *IMPORTS.format(imports=textwrap.indent("\n".join(packages), "    "), needs=NEEDS).splitlines()]
    lines += ["", "SETTINGS = \\", *pprint.pformat(settings, width=LINE, sort_dicts=False).splitlines()]
    for module, part in source.sections():
        if part := [line for line in part if module.name != STORED or not line.startswith(("SETTINGS", "WEIGHTS"))]:
            heading = [f"{module.name.replace('.', '/')}.py", *textwrap.wrap(module.summary, LINE - 2)]
            while not part[0].strip():
                part = part[1:]
            lines += ["", "", "# " + "-" * 78, *(f"# {line}" for line in heading), "", *part]
    lines += ["", "", 'WEIGHTS = """', *weights.splitlines(), '"""', "", 'if __name__ == "__main__":']
    return "\n".join([*lines, f"    sys.exit({ROOT[1]}())", ""])


def script_settings(model: LoadedModel) -> tuple[dict[str, Any], str]:
    """What a script has to know of a model, in plain numbers and texts, and its weights as text.

    Weights that are exactly numbers of 16 bits are stored as such; all others as float32, so that the masks are the same.
    """
    preprocessing, outputs, legend = model.preprocessing, model.outputs, model.legend
    weights = {name: np.asarray(value, np.float32) for name, value in model.model.state_dict().items()}
    with np.errstate(over="ignore"):
        half = all(np.array_equal(value, value.astype(np.float16)) for value in weights.values())
    dtype = "float16" if half else "float32"
    image_range = preprocessing.range
    settings = {
        "described": model.summary().partition("; on ")[0],
        "architecture": dict(model.config),
        "channels": preprocessing.channels,
        "size": preprocessing.size,
        "scale": preprocessing.scale,
        "range": None
        if image_range is None
        else {"low": image_range.low, "high": image_range.high, "types": image_range.types},
        "trained_diameter": preprocessing.diameter,
        "known_diameter": model.diameter,
        "classes": outputs.classes,
        "outer": () if legend is None else legend.outer,
        "separation": outputs.separation,
        "cells": model.cell_settings.to_dict(),
        "weights": dtype,
    }
    return settings, packed_weights(weights, dtype)
