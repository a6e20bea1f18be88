"""`python -m benchmarks.few_smears DATA`: what a few annotated images give, from nothing and with `--init pretrained`.

Of the images of DATA nine are kept for the test; of the others 5, 10 and 20 are trained on, each set holding the one before. The
test images are scored at their own size, as `python -m minunet.evaluate --native` does.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.results import add_out, save
from minunet import evaluate, train
from minunet.cli.command import command
from minunet.data.pairs import Pair, find_pairs

TEST_IMAGES = 9
WAYS: dict[str, list[str]] = {
    "from nothing": ["--epochs", "60", "--batch-size", "4"],
    "pretrained": ["--init", "pretrained"],
}
COLUMNS = ("dice", "f1", "minutes")


@command
def main(argv: list[str] | None = None) -> int:
    """Train, score, print a Markdown table, and save."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.few_smears", description=__doc__)
    parser.add_argument("data", metavar="DATA", type=Path, help="folder with images and masks")
    parser.add_argument("--counts", type=int, nargs="+", default=[5, 10, 20], metavar="N", help="default 5 10 20")
    parser.add_argument("--threads", type=int, default=1, metavar="N", help="default 1")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="which images (default 0)")
    add_out(parser)
    args = parser.parse_args(argv)
    pairs = find_pairs(args.data)
    order = [pairs[index] for index in np.random.default_rng(args.seed).permutation(len(pairs))]
    test, others = order[:TEST_IMAGES], order[TEST_IMAGES:]
    rows: list[dict[str, Any]] = []
    print("| images | way | Dice | F1 | minutes |", "|---|---|---|---|---|", sep="\n", flush=True)
    with tempfile.TemporaryDirectory(prefix="few-smears-") as folder:
        data = copy_set(Path(folder) / "none", others[:3], test)
        rows.append({"images": 0, "way": "pretrained", **scores("pretrained", data), "minutes": 0.0})
        print_row(rows[-1])
        for count in args.counts:
            data = copy_set(Path(folder) / str(count), others[:count], test)
            for way, flags in WAYS.items():
                run, begin = Path(folder) / f"run-{count}-{way.replace(' ', '-')}", time.perf_counter()
                flags = [*flags, "--threads", str(args.threads), "--device", "cpu", "--out", str(run)]
                if code := train.main([str(data), *flags]):
                    return code
                minutes = (time.perf_counter() - begin) / 60
                rows.append({"images": count, "way": way, **scores(str(run), data), "minutes": minutes})
                print_row(rows[-1])
    figures = {"test_images": [pair.name for pair in test], "flags": WAYS, "seed": args.seed, "rows": rows}
    print(f"wrote {save('few_smears', 'python -m benchmarks.few_smears DATA', figures, args.out)}", file=sys.stderr)
    return 0


def copy_set(folder: Path, training: Sequence[Pair], test: Sequence[Pair]) -> Path:
    """A data set of these images: the validation images are drawn from those in train/."""
    for side, pairs in (("train", training), ("test", test)):
        for pair in pairs:
            for part, path in (("images", pair.image), ("masks", pair.mask)):
                (folder / side / part).mkdir(parents=True, exist_ok=True)
                shutil.copy(path, folder / side / part / f"{pair.image.stem}{path.suffix}")
    return folder


def scores(model: str, data: Path) -> dict[str, float]:
    """Dice of all pixels and F1 of the cells of the test images."""
    with tempfile.TemporaryDirectory(prefix="few-smears-") as out:
        arguments = [model, str(data), "--side", "test", "--native", "--threads", "1", "--out", out, "--overwrite"]
        if code := evaluate.main(arguments):
            sys.exit(code)
        numbers = json.loads((Path(out) / "metrics.json").read_text(encoding="utf-8"))
    return {"dice": numbers["all_pixels"]["dice"], "f1": numbers["cells"]["cell_f1"]}


def print_row(row: dict[str, Any]) -> None:
    """Print a row of the table."""
    numbers = " | ".join(f"{row[name]:.{1 if name == 'minutes' else 3}f}" for name in COLUMNS)
    print(f"| {row['images']} | {row['way']} | {numbers} |", flush=True)


if __name__ == "__main__":
    sys.exit(main())
