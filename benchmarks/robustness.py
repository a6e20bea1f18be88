"""`python -m benchmarks.robustness RUN DATA`: the Dice of trained models on images as another lamp, camera or focus gives them.

The images are those on the test side of the split.json of the run, which its model has never seen.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.conditions import Condition, conditions
from benchmarks.results import add_out, save
from minunet.checkpoints.model_file import load_model
from minunet.cli.command import command
from minunet.data.pairs import Pair, find_pairs
from minunet.data.reading.pair_files import read_image, read_mask
from minunet.files.json_files import read_json
from minunet.inference.loaded_model import LoadedModel
from minunet.inference.metrics import SegmentationMetrics
from minunet.runs.run_folder import RunFolder
from minunet.runs.split_file import read_split


@command
def main(argv: list[str] | None = None) -> int:
    """Measure, print a Markdown table, and save."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.robustness", description=__doc__)
    parser.add_argument("runs", metavar="RUN", nargs="+", help="folder of a training run; several become columns")
    parser.add_argument("data", metavar="DATA", help="the images and masks that the runs were trained on")
    parser.add_argument("--name", default="robustness", help="of the JSON file (default robustness)")
    add_out(parser)
    args = parser.parse_args(argv)
    table, pairs, figures = conditions(), find_pairs(args.data), []
    for run in map(Path, args.runs):
        test = list(read_split(RunFolder(run), pairs).test)
        dice = measure(load_model(run, device="cpu"), test, table)
        figures.append({"run": run.name, "settings": _settings(run), "images": len(test), "dice": dice})
    print(*markdown([run["run"] for run in figures], [run["dice"] for run in figures]), sep="\n")
    print(f"wrote {save(args.name, 'python -m benchmarks.robustness RUN DATA', figures, args.out)}", file=sys.stderr)
    return 0


def measure(model: LoadedModel, pairs: list[Pair], table: dict[str, Condition]) -> dict[str, float]:
    """The Dice over all pixels of the images, at the size of the model's input, under each condition."""
    metrics = {name: SegmentationMetrics() for name in table}
    for number, pair in enumerate(pairs):
        image = read_image(pair)
        target = model.preprocessing.target(read_mask(pair))[None]
        for name, condition in table.items():
            changed = condition(image, np.random.default_rng(number))
            logits = model.output_logits(model.preprocessing.image(changed)[None])
            metrics[name].update_logits(model.outputs.cell_logits(logits), target, [pair.name])
    return {name: metrics[name].result()["dice"] for name in table}


def markdown(runs: list[str], dice: list[dict[str, float]]) -> list[str]:
    """The lines of a table: a row for each condition, a column for each run, with the change from the images as they are."""
    lines = ["| images | " + " | ".join(runs) + " |", "|---|" + "---|" * len(runs)]
    for number, name in enumerate(dice[0]):
        cells = [
            f"{run[name]:.4f}" + (f" ({run[name] - next(iter(run.values())):+.4f})" if number else "") for run in dice
        ]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return lines


def _settings(run: Path) -> dict[str, Any]:
    settings = read_json(RunFolder(run).config)
    return {name: value for name, value in settings.items() if name not in ("data", "images", "masks")}


if __name__ == "__main__":
    sys.exit(main())
