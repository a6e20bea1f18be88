"""The kinds of files that a model is exported to: the flag of each, what is checked before, and the function that writes it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from minunet.errors import UserError
from minunet.exchange.bioimageio_package import package_packages_problem, package_problems, write_package
from minunet.exchange.export_request import ExportedFile, ExportRequest
from minunet.exchange.onnx_file import onnx_file_problems, onnx_packages_problem, write_onnx
from minunet.exchange.single_file.script_check import write_single_file
from minunet.exchange.torch_check import TORCH_MODULE, write_torch
from minunet.files.all_or_none import all_or_none
from minunet.files.atomic_write import replacing
from minunet.files.folders import unwritable
from minunet.files.names import resolved, unusable_name
from minunet.wording import shorten

MODULE_ENDING = "_torch.py"


@dataclass(frozen=True)
class ExportKind:
    """A kind of file.

    Attributes
    ----------
    ending : str
        Of the names of its files.
    help : str
        For its flag.
    packages_problem : callable
        Gives a sentence where a package is missing, else None.
    problems : callable
        Gives sentences on why the model cannot be such a file.
    write : callable
        Writes the file to a path, which is that of a temporary file, and checks what it wrote.
    module : Path or None
        A module that reads such a file, of which a copy is written beside it.
    """

    ending: str
    help: str
    packages_problem: Callable[[], str | None]
    problems: Callable[[ExportRequest], list[str]]
    write: Callable[[ExportRequest, Path], ExportedFile]
    module: Path | None = None

    def module_path(self, path: Path) -> Path:
        """The copy of the module beside a file, by a name that can be imported: red_cells_torch.py beside red-cells.safetensors."""
        letters = "".join(letter if f"_{letter}".isidentifier() else "_" for letter in path.stem)
        return path.with_name(f"{'' if letters.isidentifier() else '_'}{letters}{MODULE_ENDING}")


# By the name of the flag; the command and its help are made of it.
EXPORT_KINDS = {
    "onnx": ExportKind(
        ".onnx",
        "for ONNX Runtime and other programs that read ONNX (needs the packages of minunet[onnx])",
        onnx_packages_problem,
        onnx_file_problems,
        write_onnx,
    ),
    "bioimageio": ExportKind(
        ".zip",
        "a package of bioimage.io, for QuPath, ilastik and Fiji's deepImageJ (needs the packages of minunet[bioimageio])",
        package_packages_problem,
        package_problems,
        write_package,
    ),
    "torch": ExportKind(
        ".safetensors",
        f"the weights as PyTorch has them, and beside them FILE{MODULE_ENDING}, a module that loads them (PyTorch is not needed)",
        lambda: None,
        lambda request: [],
        write_torch,
        TORCH_MODULE,
    ),
    "single-file": ExportKind(
        ".py",
        "a script with the model inside, which predicts masks and counts cells with NumPy and Pillow alone",
        lambda: None,
        lambda request: [],
        write_single_file,
    ),
}


def path_problems(files: Mapping[str, Path], model: Path | None, overwrite: bool) -> list[str]:
    """Why files cannot be written to the paths that were given.

    Parameters
    ----------
    files : mapping of str to Path
        By the name of their kind.
    model : Path or None
        The file of the model, which is never replaced.
    overwrite : bool
        Whether other existing files may be.
    """
    problems = []
    taken: dict[Path, str] = {}
    for name, path in files.items():
        kind = EXPORT_KINDS[name]
        shown, ending, module = f"--{name} {shorten(path, 1000)}", kind.ending, kind.module_path(path)
        if reason := unusable_name(path):
            problems.append(f"{shown}: cannot be written ({reason}); choose another name.")
        elif path.suffix.lower() != ending:
            problems.append(f"{shown}: the name of such a file ends in {ending}; name it so.")
        elif os.path.isdir(path):
            problems.append(f"{shown}: is a folder; name a file.")
        elif resolved(path) in (other := taken):
            problems.append(f"{shown}: --{other[resolved(path)]} names the same file; name another one.")
        elif model is not None and resolved(path) == resolved(model):
            problems.append(f"{shown}: is the model itself; name another file.")
        elif os.path.lexists(path) and not overwrite:
            problems.append(f"{shown}: is there already; add --overwrite, or name another file.")
        elif kind.module is not None and os.path.lexists(module) and not overwrite:
            problems.append(f"{shown}: {module.name} is written beside it, and is there already; add --overwrite.")
        elif reason := unwritable(path.parent):
            problems.append(f"{shown}: {reason}")
        taken.setdefault(resolved(path), name)
        if kind.module is not None:
            taken.setdefault(resolved(module), name)
    return problems


def write_files(request: ExportRequest, files: Mapping[str, Path]) -> dict[str, ExportedFile]:
    """Write files of several kinds: all of them, or none where one of them cannot be written or is found wrong.

    Parameters
    ----------
    request : ExportRequest
    files : mapping of str to Path
        By the name of their kind.

    Raises
    ------
    UserError
        With what was wrong.
    """
    modules = {
        EXPORT_KINDS[name].module_path(path): module
        for name, path in files.items()
        if (module := EXPORT_KINDS[name].module) is not None
    }
    with all_or_none([*files.values(), *modules]), contextlib.ExitStack() as stack:
        temporary = {name: stack.enter_context(replacing(path)) for name, path in files.items()}
        for copy, module in modules.items():
            stack.enter_context(replacing(copy)).write_bytes(module.read_bytes())
        return {name: _written(EXPORT_KINDS[name], request, files[name], path) for name, path in temporary.items()}


def _written(kind: ExportKind, request: ExportRequest, path: Path, temporary: Path) -> ExportedFile:
    """Write a file under its temporary name; an error names it as the user did."""
    try:
        return kind.write(request, temporary)
    except UserError as error:
        raise UserError(problem.replace(str(temporary), str(path)) for problem in error.problems) from error
