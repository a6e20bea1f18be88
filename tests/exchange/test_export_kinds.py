"""The kinds of exported files: the paths of what is written beside them."""

import dataclasses
from pathlib import Path

import pytest

from minunet.errors import UserError
from minunet.exchange.export_kinds import EXPORT_KINDS, path_problems, write_files


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


def test_an_error_names_the_file_as_the_user_did_and_nothing_is_left(tmp_path, monkeypatch):
    def full(request, path):
        path.write_bytes(b"half")
        raise UserError(f"{path}: cannot be written (No space left on device).")

    monkeypatch.setitem(EXPORT_KINDS, "torch", dataclasses.replace(EXPORT_KINDS["torch"], write=full))
    with pytest.raises(UserError) as raised:
        write_files(None, {"torch": tmp_path / "new" / "cells.safetensors"})
    assert raised.value.problems == [f"{tmp_path}/new/cells.safetensors: cannot be written (No space left on device)."]
    assert list(tmp_path.iterdir()) == []
