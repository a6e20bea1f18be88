"""The shared folder: whether a worker on another machine sees the same files under the same names, and has the same minunet."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence

from minunet.version import __version__


def worker_problem(paths: Sequence[str], version: str = __version__) -> str | None:
    """On a worker: why it cannot do its part, as the end of a sentence; None where it can.

    Parameters
    ----------
    paths : sequence of str
        Absolute paths that the first process sees.
    version : str
        Of minunet there.
    """
    if version != __version__:
        return f"on {platform.node()} has minunet {__version__}, and this is {version}: install the same version on all machines"
    for path in paths:
        if not os.path.exists(path):
            return (
                f"on {platform.node()} does not see {path}: images and results have to be on a disk that all machines share, "
                "under the same path"
            )
    return None
