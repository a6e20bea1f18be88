"""The table that `python -m benchmarks.layers` prints of its figures, in 80 columns where the shapes leave room."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from minunet.cli.console import WIDTH
from minunet.wording import count_noun

TEXTS = ("layer", "operation", "output shape", "algorithm")
NUMBERS = ("ms", "%", "GFLOP/s")
TASKS = {"step": "training step", "inference": "inference"}


def layer_table(figures: dict[str, Any]) -> str:
    """A line for each call under its part of the step, then the sums.

    The names of layers are shortened by "block" and "convs", and those of gradients by "_grads", because the heading says it.

    Parameters
    ----------
    figures : dict
        What `benchmarks.layers.measure` returns.
    """
    texts = [_texts(row) for row in figures["rows"]]
    numbers = [_numbers(figure) for figure in (*figures["rows"], *figures["operations"], figures["whole"])]
    left, right = _widths([TEXTS, *texts]), _widths([NUMBERS, *numbers])
    gap = "  " if sum(left) + sum(right) + 2 * (len(left) + len(right) - 1) <= WIDTH else " "

    def line(texts: tuple[str, ...], numbers: tuple[str, ...]) -> str:
        cells = [cell.ljust(width) for cell, width in zip(texts, left, strict=True)]
        cells += [cell.rjust(width) for cell, width in zip(numbers, right, strict=True)]
        return gap.join(cells).rstrip()

    def total(name: str, figure: dict[str, Any]) -> str:
        room = sum(left) + len(gap) * (len(left) - 1)
        cells = [cell.rjust(width) for cell, width in zip(_numbers(figure), right, strict=True)]
        return gap.join([name.ljust(room), *cells]).rstrip()

    whole = figures["whole"]
    lines = [
        f"{figures['variant']} U-Net, base {figures['base']}, batch {figures['batch']}, "
        f"{figures['size']}x{figures['size']}: {TASKS[figures['task']]}, median of {count_noun(whole['rounds'], 'round')}",
        "",
        line(TEXTS, NUMBERS),
    ]
    for part, rows in groupby(figures["rows"], key=lambda row: _part(row["operation"])):
        lines += [f"-- {part}", *(line(_texts(row), _numbers(row)) for row in rows)]
    lines.append("-- sums")
    lines += [total(f"{kind['calls']} x {kind['operation']}", kind) for kind in figures["operations"]]
    lines.append(total("outside primitives", figures["outside"]))
    lines.append(total(f"the whole ({whole['min_ms']:.1f} to {whole['max_ms']:.1f} ms)", whole))
    return "\n".join(lines)


def _texts(row: dict[str, Any]) -> tuple[str, ...]:
    return (
        row["layer"].replace(".block", "").replace(".convs", ""),
        row["operation"].removesuffix("_grads").removesuffix("_grad"),
        "x".join(map(str, row["shape"])),
        row["algorithm"],
    )


def _numbers(figure: dict[str, Any]) -> tuple[str, ...]:
    ms, percent, rate = figure["ms"], 100 * figure["share"], figure.get("gflops")
    return (
        f"{ms:.2f}" if ms < 999.995 else f"{ms:.1f}",  # no more than 6 characters up to 10 s
        f"{percent:.1f}" if percent < 99.95 else "100",
        "" if rate is None else f"{rate:.0f}",
    )


def _part(operation: str) -> str:
    if operation == "adam":
        return "update"
    return "backward" if operation.endswith(("_grad", "_grads")) else "forward"


def _widths(lines: list[tuple[str, ...]]) -> list[int]:
    return [max(map(len, column)) for column in zip(*lines, strict=True)]
