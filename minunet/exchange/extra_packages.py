"""The packages that files of other programs need: extras of minunet, imported only where such a file is written or read."""

from __future__ import annotations

import importlib
import importlib.util
from types import ModuleType

from minunet.errors import UserError
from minunet.wording import join_names

# By the name of the import: the package, and the extra of minunet that has it.
PACKAGES = {
    "onnx": ("onnx", "onnx"),
    "onnxruntime": ("onnxruntime", "onnx"),
    "bioimageio.spec": ("bioimageio.spec", "bioimageio"),
    "bioimageio.core": ("bioimageio.core", "bioimageio"),
}


def package_problem(what: str, *modules: str) -> str | None:
    """A sentence on how to get what is missing; None where all is there. Nothing is imported to find out.

    Parameters
    ----------
    what : str
        What needs the packages, such as "--onnx".
    *modules : str
        Names of imports, each in `PACKAGES`.
    """
    missing = [name for name in modules if not is_installed(name)]
    if not missing:
        return None
    verb = "is" if len(missing) == 1 else "are"
    names = join_names(dict.fromkeys(PACKAGES[name][0] for name in missing))
    extra = PACKAGES[missing[0]][1]
    return f"{what} needs {names}, which {verb} not installed: python -m pip install 'minunet[{extra}]'."


def is_installed(module: str) -> bool:
    """Whether a package can be imported, by the name of its import."""
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):  # a module that was taken out of sys.modules, or is broken
        return False


def require_package(module: str, what: str) -> ModuleType:
    """Import a module of one of the packages.

    Parameters
    ----------
    module : str
        Such as "onnx.helper".
    what : str
        What needs it.

    Raises
    ------
    UserError
        If its package is not installed.
    """
    package = next(name for name in PACKAGES if f"{module}.".startswith(f"{name}."))
    try:
        return importlib.import_module(module)
    except ImportError as error:
        problem = package_problem(what, package)
        raise UserError(problem or f"{what} needs {package}, which cannot be imported ({error}).") from error
