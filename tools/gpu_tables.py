"""The tables of docs/gpu.md, made from the figures under benchmarks/results, so that no number in them is typed by hand.

python3 tools/gpu_tables.py                        print the tables
python3 tools/gpu_tables.py --write docs/gpu.md    write them between the marked lines of that page
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from marked_tables import MarkedTables, markdown_table

# The measurements of `benchmarks.gpu.steps`, and the headings of their columns; a column is left out if the file lacks it.
COLUMNS = {
    "ours bf16": "minunet bf16",
    "ours bf16 sm_90a": "minunet bf16, sm_90a",
    "torch amp bf16 channels_last": "PyTorch AMP bf16",
    "torch amp bf16 channels_last compiled": "PyTorch AMP bf16, compiled",
    "ours tf32": "minunet tf32",
    "ours tf32 sm_90a": "minunet tf32, sm_90a",
    "torch eager tf32": "PyTorch eager tf32",
}
TRAINING, INFERENCE = "training", "inference"
ROWS = (
    ("training step", TRAINING, "ms"),
    ("inference", INFERENCE, "ms"),
    ("device memory of the step", TRAINING, "bytes"),
)
RATIO = re.compile(r"ours (?:inference )?(?:bf16|tf32)( sm_90a)? of (torch (inference )?(.+))")
STEP = re.compile(r"step (?:sm_90a |compiled )?\((\d+), (\d+), (\d+), \d+\)")

Measured = dict[tuple[str, str], dict[str, float]]  # (contestant, TRAINING or INFERENCE) -> {"ms": ..., "bytes": ...}


def _tables(folder: Path) -> str:
    """A table for every GPU that was measured, as Markdown; a file without a training step makes none."""
    results = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("gpu_*.json"))]
    tables = [_gpu(result) for result in results if "gpu" in result["figures"]]
    return "".join(f"{table}\n\n" for table in tables if table)


def _gpu(result: dict[str, Any]) -> str:
    """The table of one GPU, with the command that made it and the parts of the run that failed."""
    figures = result["figures"]
    shapes = _shapes(figures)
    names = dict.fromkeys(name for measured in shapes.values() for name, _ in measured)
    contestants = [name for name in COLUMNS if name in names] + [name for name in names if name not in COLUMNS]
    rows = []
    for title, kind, unit in ROWS:
        for shape, measured in shapes.items():
            values = {name: measured[name, kind][unit] for name in contestants if (name, kind) in measured}
            if values:
                rows.append([f"{title}, {shape}", *_cells(contestants, values, unit)])
    if not rows:
        return ""
    head = [figures["gpu"], *(COLUMNS.get(name, name) for name in contestants)]
    return "\n\n".join([markdown_table(head, rows), *_ratios(figures), _source(result), *_failures(figures)])


def _ratios(figures: dict[str, Any]) -> Iterator[str]:
    """A table of our times / those of PyTorch in the same precision, measured in one process; nothing where there are none."""
    found: dict[tuple[str, str, str], float] = {}  # (row, kernels, PyTorch's mode); of several the first
    for label, part in figures.items():
        if shape := STEP.fullmatch(label):
            for name, value in part.items():
                if (ratio := RATIO.fullmatch(name)) and ratio[2] in part:
                    sm_90a, _, inference, mode = ratio.groups()
                    row = "{}, {} x {}x{}".format("inference" if inference else "training step", *shape.groups())
                    found.setdefault((row, "sm_90a" if sm_90a else "sm_80", f"torch {mode}"), value["ms"])
    modes = [mode for mode in COLUMNS if any(mode == other for _, _, other in found)]
    rows = []
    for row, kernels in sorted(
        dict.fromkeys(key[:2] for key in found), key=lambda key: (key[1] != "sm_90a", key[0][0] != "t")
    ):
        ratios = [found.get((row, kernels, mode)) for mode in modes]
        texts = ["" if ratio is None else f"**{ratio:.2f}**" if ratio < 1 else f"{ratio:.2f}" for ratio in ratios]
        rows.append([row, kernels, *texts])
    if rows:
        yield markdown_table(["minunet's time / PyTorch's", "kernels of", *(COLUMNS[mode] for mode in modes)], rows)


def _shapes(figures: dict[str, Any]) -> dict[str, Measured]:
    """The measurements of each shape of batch; of those repeated together with compiled PyTorch, the first."""
    shapes: dict[str, Measured] = {}
    for label, part in figures.items():
        if shape := STEP.fullmatch(label):
            measured = shapes.setdefault("{} x {}x{}".format(*shape.groups()), {})
            for name, value in part.items():
                if isinstance(value, dict) and "ms" in value and " of " not in name:  # names with " of " are ratios
                    kind = INFERENCE if INFERENCE in name.split() else TRAINING
                    measured.setdefault((name.replace(f"{INFERENCE} ", ""), kind), value)
    return shapes


def _cells(contestants: list[str], values: dict[str, float], unit: str) -> Iterator[str]:
    """The cells of a row; where several contestants share a precision, the least value is bold."""
    for name in contestants:
        if name not in values:
            yield ""
            continue
        text = f"{values[name]:.1f} ms" if unit == "ms" else f"{values[name] / 2**30:.2f} GiB"
        same_precision = [value for other, value in values.items() if _precision(other) == _precision(name)]
        yield f"**{text}**" if len(same_precision) > 1 and values[name] == min(same_precision) else text


def _precision(contestant: str) -> str:
    return "bf16" if "bf16" in contestant.split() else "tf32"


def _source(result: dict[str, Any]) -> str:
    """The line under a table: the command, the machine, the versions and the commit."""
    machine, gpu = result["machine"], result["figures"]
    packages = machine["packages"]
    cupy = next((version for name, version in packages.items() if name.startswith("cupy")), "unknown")
    return (
        f"`{result['command']}` on {gpu['gpu']}, {gpu['multiprocessors']} multiprocessors; CuPy {cupy}, "
        f"PyTorch {packages.get('torch', 'absent')}, at {machine['commit']}."
    )


def _failures(figures: dict[str, Any]) -> Iterator[str]:
    """A line for each part that failed, with the first line of its first problem."""
    for label, part in figures.items():
        problems = part.get("failed") if isinstance(part, dict) else None
        if problems:
            more = f" and {len(problems) - 1} more" if len(problems) > 1 else ""
            yield f"Failed: {label}: `{problems[0].splitlines()[0].replace('`', chr(39))}`{more}."


TABLES = MarkedTables("<!-- GPU tables: tools/gpu_tables.py -->", "<!-- end of the GPU tables -->", of_folder=_tables)


if __name__ == "__main__":
    sys.exit(TABLES.main(__doc__))
