"""The same images as different cameras store them: sets in many encodings, and a training on each.

`python -m benchmarks.encodings DATA --out DIR --train` prints the table of docs/images.md; without --train it only makes the sets.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tifffile

from minunet.data.pairs import Pair, find_pairs
from minunet.data.reading.channels import luma
from minunet.data.reading.pair_files import read_image, read_mask
from minunet.data.reading.preprocessing import Preprocessing
from minunet.data.reading.resize import resize_area
from minunet.files.atomic_write import write_bytes
from minunet.files.json_files import read_json
from minunet.results.picture import png_bytes
from minunet.runs.history_file import HistoryFile
from minunet.runs.run_folder import RunFolder

SIZE = (320, 240)  # of the sets
# What the table of the page was made with.
TRAINING = ["--size", "128x96", "--base-channels", "8", "--epochs", "25", "--threads", "1"]


class Encoding(NamedTuple):
    """How a camera might store a grey value from 0 to 255."""

    text: str
    values: Callable[[np.ndarray], np.ndarray]


ENCODINGS = {
    "8-bit": Encoding("8 bit", lambda grey: grey),
    "12-in-16": Encoding("12 bit in 16", lambda grey: np.rint(grey * (4095 / 255)).astype(np.uint16)),
    "14-in-16": Encoding("14 bit in 16", lambda grey: np.rint(grey * (16383 / 255)).astype(np.uint16)),
    "16-bit": Encoding("16 bit", lambda grey: grey.astype(np.uint16) * 257),
    "offset": Encoding("33,000 + 15 g", lambda grey: (33000 + 15 * grey.astype(np.int64)).astype(np.uint16)),
    "int32": Encoding("int32, -70,000 + 900 g", lambda grey: (-70000 + 900 * grey.astype(np.int64)).astype(np.int32)),
    "half": Encoding("half, g / 16", lambda grey: (grey / 16).astype(np.float16)),
    "fraction": Encoding("float32, 0 to 1", lambda grey: (grey / 255).astype(np.float32)),
    "negative": Encoding("float32, -3 + g / 50", lambda grey: (-3 + grey / 50).astype(np.float32)),
    "double": Encoding("float64, g x 1e-9", lambda grey: grey * 1e-9),
    "two-channels": Encoding(
        "16 bit, the second of two channels",
        lambda grey: np.dstack([np.full_like(grey, 9), grey]).astype(np.uint16) * 100,
    ),
}


def grey_image(pair: Pair) -> np.ndarray:
    """The image of a pair in 8-bit grey of 320x240 pixels, (H, W) uint8."""
    image = read_image(pair)
    grey = luma(image) if image.ndim == 3 else image
    return np.rint(resize_area(grey[..., None].astype(np.float64), SIZE))[..., 0].astype(np.uint8)


def write_encoded(data: Path, out: Path, name: str) -> Path:
    """Write the pairs of a data set with their images in an encoding: PNG for 8 bits, TIFF for others; returns the folder."""
    folder = out / name
    for pair in find_pairs(data):
        grey = grey_image(pair)
        values = ENCODINGS[name].values(grey)
        for kind in ("images", "masks"):
            (folder / kind).mkdir(parents=True, exist_ok=True)
        stem = pair.name.replace("/", "_")
        mask = Preprocessing(size=SIZE).target(read_mask(pair))[..., 0] > 0
        write_bytes(folder / "masks" / f"{stem}.png", png_bytes(mask))
        if values.dtype == np.uint8:
            write_bytes(folder / "images" / f"{stem}.png", png_bytes(values))
        else:
            planes = {"planarconfig": "contig"} if values.ndim == 3 else {}
            tifffile.imwrite(
                folder / "images" / f"{stem}.tif", values, photometric="minisblack", compression="zlib", **planes
            )
    return folder


def trained_dice(data: Path, run: Path, options: list[str]) -> tuple[float, float, str]:
    """Train with the command; returns the Dice of validation after the last epoch, that of the test, and the range."""
    command = [sys.executable, "-m", "minunet.train", str(data), "--out", str(run), *TRAINING, *options]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    folder = RunFolder(run)
    last_epoch = HistoryFile(folder.history).read()[-1]
    test, stored = read_json(folder.metrics)["test"], read_json(folder.config)["image_range"]
    return last_epoch.val_dice, test["dice"], f"{stored['low']:.6g} to {stored['high']:.6g}"


def main() -> None:
    """Write the sets, and train on each where that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="folder with images and masks")
    parser.add_argument("--out", type=Path, required=True, help="folder of the sets and the runs")
    parser.add_argument("--encodings", nargs="+", choices=ENCODINGS, default=list(ENCODINGS))
    parser.add_argument("--train", action="store_true", help="train on each set, and print a table")
    parser.add_argument("--range", nargs="+", default=["set"], help="ranges to train with")
    arguments = parser.parse_args()
    if arguments.train:
        titles = "images", "`--range`", "black and white", "validation Dice, last epoch", "test Dice"
        print(f"| {' | '.join(titles)} |", "| --- " * len(titles) + "|", sep="\n")
    for name in arguments.encodings:
        folder = write_encoded(arguments.data, arguments.out, name)
        channels = ["--channels", "1"] if name == "two-channels" else []
        for choice in arguments.range if arguments.train else []:
            run = arguments.out / "runs" / f"{name}-{choice}".replace(":", "-")
            validation, test, ends = trained_dice(folder, run, ["--range", choice, *channels])
            print(f"| {ENCODINGS[name].text} | {choice} | {ends} | {validation:.4f} | {test:.4f} |", flush=True)


if __name__ == "__main__":
    main()
