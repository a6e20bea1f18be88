"""The versions of NumPy and Pillow that a script needs: where they are older, it says so instead of blaming the images."""

from __future__ import annotations

import numpy as np
import PIL

OLDEST = {"NumPy": (1, 26), "Pillow": (10, 3)}
NEEDS = " and ".join(f"{name} {major}.{minor}" for name, (major, minor) in OLDEST.items()) + " or newer"


def version_problems() -> list[str]:
    """A sentence for each package that is too old."""
    installed = {"NumPy": np.__version__, "Pillow": PIL.__version__}
    return [
        f"this script needs {NEEDS}, and {name} {installed[name]} is installed: python -m pip install --upgrade {name.lower()}"
        for name, oldest in OLDEST.items()
        if tuple(int(number) for number in installed[name].split(".")[:2]) < oldest
    ]
