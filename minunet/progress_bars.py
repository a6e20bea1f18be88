"""Progress bars of tqdm, which is imported when the first one is shown: its import takes longer than most of a command's.

They have no thread of their own, whose start the system may refuse.
"""

from __future__ import annotations

from functools import cache
from typing import Any


@cache
def bar_class() -> Any:
    """The class of the bars: `tqdm` without the thread that watches it."""
    from tqdm import tqdm

    class Bar(tqdm):
        monitor_interval = 0

    return Bar
