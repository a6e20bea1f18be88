"""The table that `minunet.describe` gives: a model's layers with their shapes, the algorithm chosen for each, and why."""

from __future__ import annotations

from dataclasses import dataclass

HEADINGS = ("layer", "operation", "output shape", "parameters", "algorithm", "why")


@dataclass(frozen=True)
class Description:
    """The table that `minunet.describe` gives; `print` it, or read `rows`.

    Attributes
    ----------
    rows : list of tuple
        (layer, operation, output shape, parameters, algorithm, why) in the order of execution, forward then gradient.
    heading : str
        The title, on a line above the table; empty for a model on the CPU.

    Examples
    --------
    >>> import minunet
    >>> table = minunet.describe(minunet.nn.Linear(3, 2), (1, 3), gradients=False)
    >>> table.parameters, table.rows[0][1:3]
    (8, ('matmul', (1, 2)))
    """

    rows: list[tuple[str, str, tuple[int, ...], int, str, str]]
    heading: str = ""

    @property
    def parameters(self) -> int:
        """The number of parameters."""
        return sum(row[3] for row in self.rows)

    def __str__(self) -> str:
        cells = [HEADINGS]
        for layer, operation, shape, count, algorithm, why in self.rows:
            cells.append(
                (layer, operation, "x".join(map(str, shape)) or "()", f"{count:,}" if count else "", algorithm, why)
            )
        widths = [max(len(row[k]) for row in cells) for k in range(len(HEADINGS))]
        lines = [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells
        ]
        lines.insert(1, "-" * len(lines[0]))
        above = [self.heading] if self.heading else []
        return "\n".join([*above, *lines, f"{self.parameters:,} parameters"])
