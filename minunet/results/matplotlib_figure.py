"""Figures of matplotlib, an optional dependency: drawn without its state, so that no window opens and no backend is chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class MatplotlibMissing(RuntimeError):
    """matplotlib, which draws the plots, is not installed; the message says how to install it."""

    def __init__(self) -> None:
        super().__init__("plots need matplotlib: python -m pip install 'minunet[plots]'")


def matplotlib_figure(**options: Any) -> Figure:
    """An empty figure.

    Parameters
    ----------
    **options
        As for `matplotlib.figure.Figure`.

    Raises
    ------
    MatplotlibMissing
        If matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MatplotlibMissing from error
    return Figure(**options)
