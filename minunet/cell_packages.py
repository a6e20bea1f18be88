"""The packages that cells need, SciPy, scikit-image and others: an extra of minunet, and imported only where cells are made."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterable
from types import ModuleType

from minunet.errors import UserError
from minunet.wording import join_names

PACKAGES = {"scipy": "scipy", "skimage": "scikit-image", "tifffile": "tifffile"}  # by the name of the import
ONLY_FOR = {"roi": "roifile"}  # by the word for --export
REMEDY = "python -m pip install 'minunet[cells]'"


def missing_packages(exports: Iterable[str] = ()) -> str | None:
    """A sentence on how to get cells where a package for them is missing; None where all are there.

    Nothing is imported to find out.

    Parameters
    ----------
    exports : iterable of str
        Files for other programs that are to be written, of which "roi" needs one more package.
    """
    needed = {**PACKAGES, **{ONLY_FOR[name]: ONLY_FOR[name] for name in exports if name in ONLY_FOR}}
    missing = [package for name, package in needed.items() if not _is_installed(name)]
    if not missing:
        return None
    verb = "is" if len(missing) == 1 else "are"
    return f"{join_names(missing)} {verb} not installed, so cells are not counted; to count them: {REMEDY}"


def require(module: str) -> ModuleType:
    """Import a module of one of the packages.

    Parameters
    ----------
    module : str
        Such as "scipy.ndimage".

    Raises
    ------
    UserError
        If its package is not installed.
    """
    name = module.partition(".")[0]
    try:
        importlib.import_module(name)
        return importlib.import_module(module)
    except ImportError as error:
        raise UserError(f"cells need {PACKAGES.get(name, name)}, which cannot be imported: {REMEDY}.") from error


def _is_installed(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):  # a module that was taken out of sys.modules, or is broken
        return False
