"""The definitions that some functions need, as one file: whole, in an order that runs, and nothing else."""

import sys
import types

import numpy as np
import pytest

from minunet.data.cell_size import mean_diameter as of_package
from minunet.exchange.single_file.collected_source import CollectedSource
from minunet.exchange.single_file.script_writing import REPLACED, ROOT


def run(source: CollectedSource) -> types.ModuleType:
    """The collected definitions as a module."""
    lines = ["from __future__ import annotations", *source.imports]
    for _, part in source.sections():
        lines += part
    module = types.ModuleType("collected")
    sys.modules[module.__name__] = module  # dataclasses look their module up
    exec(compile("\n".join(lines), "collected", "exec"), module.__dict__)
    return module


def test_a_function_comes_with_what_it_uses_and_nothing_else():
    source = CollectedSource([("minunet.data.cell_size", "mean_diameter")])
    text = "\n".join(line for _, part in source.sections() for line in part)
    assert "def mean_diameter(" in text and "def _run_count(" in text
    assert "def inscribed_diameter(" not in text and "MOST_ROWS" not in text
    assert source.imports == {"import math", "import numpy as np"}
    mean_diameter = run(source).mean_diameter
    cells = np.hypot(*np.mgrid[-20:21, -30:31]) < 15
    assert mean_diameter(cells) == of_package(cells)


def test_of_a_class_only_the_methods_that_are_called_are_taken():
    source = CollectedSource([("minunet.data.reading.image_range", "ImageRange")])
    text = "\n".join(line for _, part in source.sections() for line in part)
    assert "def __post_init__(" in text and "    low: float" in text
    assert "def describe(" not in text and "def from_dict(" not in text and "def apply(" not in text
    called = CollectedSource([("minunet.data.reading.preprocessing", "input_values")])
    text = "\n".join(line for _, part in called.sections() for line in part)
    assert "def apply(" in text and "def describe(" not in text


def test_a_definition_is_taken_in_place_of_another_one():
    assert ("minunet.cell_packages", "require") in REPLACED
    names = {source.name for source, _ in CollectedSource([ROOT], REPLACED).sections()}
    assert "minunet.cells.watershed" in names and "minunet.exchange.single_file.plain_filters" in names
    assert "minunet.cell_packages" not in names


def test_what_is_not_there_is_named():
    with pytest.raises(ValueError, match="cell_size has no definition of nothing"):
        CollectedSource([("minunet.data.cell_size", "nothing")])


def test_a_function_that_imports_within_itself_is_refused():
    with pytest.raises(ValueError, match="tiff_arrays, line [0-9]+: an import within a function cannot be collected"):
        CollectedSource([("minunet.data.reading.tiff_arrays", "open_with_tifffile")])


def test_two_things_of_one_name_are_refused():
    white = ("minunet.data.reading.deep_colour", "WHITE")
    CollectedSource([white, ("minunet.data.appearance", "NO_CONTRAST")])
    with pytest.raises(ValueError, match=r"different things of one name: WHITE \(minunet.data.appearance, "):
        CollectedSource([white, ("minunet.data.appearance", "WHITE")])
