"""A bare checkout made runnable: its root on the path, and a stand-in where a small package is missing.

The GPU benchmark runs where nothing of ours is installed. threadpoolctl only keeps BLAS from using several threads, which
no figure of a GPU depends on.
"""

from __future__ import annotations

import importlib.util
import sys
import types
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


class _NoLibraries:
    """A controller that found no BLAS library."""

    lib_controllers: tuple[object, ...] = ()

    def select(self, **wanted: object) -> _NoLibraries:
        """Still none."""
        return self


def prepare() -> list[str]:
    """Make imports of minunet and of the tests' tables work; returns what had to be stood in for."""
    if str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))
    if importlib.util.find_spec("threadpoolctl") is not None:
        return []
    stand_in = types.ModuleType("threadpoolctl")
    stand_in.ThreadpoolController = _NoLibraries
    stand_in.LibController = object
    stand_in.threadpool_info = list
    sys.modules["threadpoolctl"] = stand_in
    return ["threadpoolctl"]
