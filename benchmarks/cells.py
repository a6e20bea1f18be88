"""`python -m benchmarks.cells MODEL IMAGE`: the time from an image to its cells and their table, part by part.

Seconds of processor time, so that other programs disturb little; the fastest of some rounds.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.results import add_out, save
from minunet.cells.cell_measures import measure_cells
from minunet.cells.cell_stain import brightness
from minunet.cells.image_summary import measure_image
from minunet.checkpoints.model_file import load_model
from minunet.cli.command import command
from minunet.data.reading.open_images import open_image
from minunet.kernels.cpu.threads import set_num_threads

ROUNDS = 5


@command
def main(argv: list[str] | None = None) -> int:
    """Measure, print a Markdown table, and save."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cells", description=__doc__)
    parser.add_argument("model", metavar="MODEL", help="model.safetensors or a run folder")
    parser.add_argument("image", metavar="IMAGE", help="such as one of 1600x1200 pixels")
    add_out(parser)
    args = parser.parse_args(argv)
    set_num_threads(1)
    model = load_model(args.model)
    with open_image(args.image) as file:
        pixels = np.asarray(file.load())
    seconds: dict[str, float] = {}

    def fastest(part: str, function: Callable[[], Any]) -> Any:
        for _ in range(ROUNDS):
            start = time.process_time()
            result = function()
            seconds[part] = min(seconds.get(part, np.inf), time.process_time() - start)
        return result

    maps = fastest("prediction", lambda: model.predict_outputs(pixels))
    found = fastest("cells", lambda: model.cell_maps(maps).find(model.cell_settings))
    table = fastest("measures", lambda: measure_cells(found.labels, maps.probability, brightness(pixels)))
    fastest("row of the image", lambda: measure_image("image", found.labels, table))
    print(
        f"| part ({len(table)} cells, {pixels.shape[1]}x{pixels.shape[0]} pixels) | seconds of one core |",
        "|---|---|",
        sep="\n",
    )
    for part, value in {**seconds, "together": sum(seconds.values())}.items():
        print(f"| {part} | {value:.2f} |")
    figures = {"cells": len(table), "size": pixels.shape[1::-1], "seconds": seconds}
    print(f"wrote {save('cells', 'python -m benchmarks.cells MODEL IMAGE', figures, args.out)}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
