"""The kinds of exported files: the paths of what is written beside them."""

from pathlib import Path

import pytest

from minunet.exchange.export_kinds import EXPORT_KINDS, path_problems


@pytest.mark.parametrize(
    ("name", "module"),
    [
        ("cells", "cells_torch"),
        ("red-cells v1.2", "red_cells_v1_2_torch"),
        ("2026 smears", "_2026_smears_torch"),
        ("Zellen-größe", "Zellen_größe_torch"),
    ],
)
def test_the_module_beside_a_file_can_be_imported(name, module):
    found = EXPORT_KINDS["torch"].module_path(Path("there") / f"{name}.safetensors")
    assert found == Path("there") / f"{module}.py" and module.isidentifier()


def test_the_module_takes_the_place_of_no_other_file(tmp_path):
    files = {"torch": tmp_path / "a-b.safetensors", "single-file": tmp_path / "a_b_torch.py"}
    assert "--torch names the same file" in path_problems(files, None, False)[0]
