"""Make the pretrained model, minunet/models/blood_smears.safetensors: draw smears of the wide variety, and train on them alone.

    python tools/make_pretrained.py --work pretrained
    python tools/make_pretrained.py --work pretrained --processes 2 --threads 2

It draws the smears in --work/smears, trains twice with `python -m minunet.train`, first pixels in --work/run_pixels, then also
what separates cells in --work/run_cells, and writes the weights of the best epoch as float16. Stopped at any time, the same command
goes on where it was. The same seed gives the same smears and the same model.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from minunet import train  # noqa: E402
from minunet.checkpoints.model_file import MODEL_FILE, load_model  # noqa: E402
from minunet.checkpoints.model_writing import write_model  # noqa: E402
from minunet.data.synthetic import draw_smear  # noqa: E402

MODEL = ROOT / "minunet" / "models" / "blood_smears.safetensors"
DRAWN_DIAMETER, DRAWN_SIDE = 24.0, 192  # of a red cell, and of an image, as drawn; in pixels
SIDE = 128  # of the images of the training, which are made smaller as photographs will be
NEGATIVES = 8  # every eighth smear becomes a negative, besides those that the wide variety has
SMEARS = 1600
SEED = 101
# First cells are told from the background; then, from these weights, also from each other.
PIXELS: dict[str, object] = {"target": "pixels", "epochs": 8, "lr": 0.002}
CELLS: dict[str, object] = {"target": "cells", "separation": "distance", "augment": "light", "epochs": 4, "lr": 0.001}
SETTINGS: dict[str, object] = {
    "range": "full",
    "split": "0.96,0.02,0.02",
    "augment": "full",
    "lighting": "wide",
    "variant": "classic",
    "batch-size": 4,
}
LARGEST = 8_000_000  # bytes of the file
ABOUT = (
    "A U-Net for red and white blood cells in smears, trained on drawn smears alone, for images whose red cells are about 16 "
    "pixels wide. For research and teaching, not for diagnosis. Made by tools/make_pretrained.py of minunet, and under its "
    "licence. Scores and limits: docs/pretrained.md."
)


def draw(task: tuple[Path, int, int]) -> None:
    """Draw one smear: its photograph, and the numbers of its cells as 16-bit PNG."""
    folder, seed, index = task
    smear = draw_smear(np.random.default_rng([seed, index]), (DRAWN_SIDE, DRAWN_SIDE), "wide", DRAWN_DIAMETER)
    image = 255 - smear.image if index % NEGATIVES == 0 else smear.image
    for part, pixels in (("masks", smear.instances.astype(np.uint16)), ("images", image)):
        path = folder / part / f"smear_{index:05d}.png"
        Image.fromarray(pixels).save(path.with_suffix(".part"), "PNG", compress_level=1)
        os.replace(path.with_suffix(".part"), path)  # the image comes last: where it is, its mask is whole too


def draw_all(folder: Path, count: int, seed: int, processes: int) -> None:
    """Draw the smears that are not there yet."""
    for part in ("images", "masks"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    missing = [index for index in range(count) if not (folder / "images" / f"smear_{index:05d}.png").exists()]
    with ProcessPoolExecutor(processes) as pool:
        drawn = pool.map(draw, [(folder, seed, index) for index in missing], chunksize=8)
        for _ in tqdm(drawn, desc="smears", unit="smear", total=len(missing)):
            pass


def train_on(smears: Path, run: Path, threads: int, settings: dict[str, object]) -> None:
    """Train, or go on with a training that was stopped."""
    if (run / "last.safetensors").exists():
        argv = ["--resume", str(run), "--threads", str(threads)]
    else:
        given = {**SETTINGS, **settings, "size": f"{SIDE}x{SIDE}", "threads": threads, "out": run}
        argv = [str(smears), *(str(part) for name, value in given.items() for part in (f"--{name}", value))]
    if code := train.main(argv):
        sys.exit(code)


def pack(run: Path, path: Path, card: dict[str, object]) -> None:
    """Write the best model of the run as the file that the package holds."""
    model = load_model(run / MODEL_FILE, device="cpu")
    # Photographs have any size, and 8 or 16 bits; cells are brought to the diameter that they have in the training images.
    known = DRAWN_DIAMETER * SIDE / DRAWN_SIDE
    preprocessing = replace(model.preprocessing, size=None, range=None, diameter=known)
    write_model(
        path,
        model.model,
        preprocessing,
        metrics=model.metrics,
        extra={"card": card, "training": model.extra["training"]},
        cell_choice=model.cell_choice,
        training_images=model.training_images,
        outputs=model.outputs,
        about=ABOUT,
        dtype="float16",
    )
    size = path.stat().st_size
    if size > LARGEST:
        sys.exit(f"{path}: {size:,} bytes, and at most {LARGEST:,} are wanted")
    print(f"{path}: {size:,} bytes")


def parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, metavar="DIR", help="folder for the smears and the run")
    parser.add_argument(
        "--out", type=Path, default=MODEL, metavar="FILE", help="the model (default that of the package)"
    )
    parser.add_argument(
        "--smears", type=int, default=SMEARS, metavar="N", help=f"how many are drawn (default {SMEARS})"
    )
    parser.add_argument("--epochs", type=int, metavar="N", help="of both trainings (default 8, then 4)")
    parser.add_argument("--seed", type=int, default=SEED, metavar="S", help=f"default {SEED}")
    parser.add_argument("--processes", type=int, default=1, metavar="N", help="that draw (default 1)")
    parser.add_argument("--threads", type=int, default=1, metavar="N", help="that train (default 1)")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Draw, train and pack."""
    arguments = parse(argv)
    smears, first, second = (arguments.work / name for name in ("smears", "run_pixels", "run_cells"))
    draw_all(smears, arguments.smears, arguments.seed, arguments.processes)
    given = {"seed": arguments.seed, **({} if arguments.epochs is None else {"epochs": arguments.epochs})}
    train_on(smears, first, arguments.threads, {**PIXELS, **given})
    train_on(smears, second, arguments.threads, {**CELLS, **given, "init": first})
    epochs = [{**settings, **given}["epochs"] for settings in (PIXELS, CELLS)]
    card = {"smears": arguments.smears, "seed": arguments.seed, "epochs": epochs, "variety": "wide"}
    pack(second, arguments.out, card)
    print(json.dumps(load_model(arguments.out, device="cpu").metrics["validation"], indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
