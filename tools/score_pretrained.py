"""Score a model on smears that were photographed otherwise: the table of docs/pretrained.md.

    python tools/score_pretrained.py ../shared/data/bbbc041seg
    python tools/score_pretrained.py DATA --every 9 --only "as it is" "inverted"

DATA holds images/ and masks/, whose connected regions are the cells. Each image is scored as it is, and changed: larger, smaller,
inverted, grey, in another light, blurred, noisy. Pixels and cells are scored at the size of the changed image.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import minunet  # noqa: E402
from minunet.cells.cell_scores import AP_NAMES, CellScores  # noqa: E402
from minunet.cells.watershed import find_cells  # noqa: E402
from minunet.data.mask_cells import connected_cells  # noqa: E402
from minunet.data.pairs import survey  # noqa: E402
from minunet.data.reading.pair_files import read_image, read_mask  # noqa: E402

Change = Callable[[Image.Image], Image.Image]


def tones(change: Callable[[np.ndarray], np.ndarray]) -> Change:
    """A change of the values of an image, given as a function of floats from 0 to 1."""

    def changed(image: Image.Image) -> Image.Image:
        values = change(np.asarray(image, np.float32) / 255)
        return Image.fromarray(np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8))

    return changed


def scaled(factor: float) -> Change:
    """The image `factor` times as large."""

    def changed(image: Image.Image) -> Image.Image:
        size = round(image.width * factor), round(image.height * factor)
        return image.resize(size, Image.Resampling.BICUBIC if factor > 1 else Image.Resampling.BOX)

    return changed


def noisy(values: np.ndarray) -> np.ndarray:
    """Noise of a standard deviation of 5 % of white."""
    return values + np.random.default_rng(0).normal(0, 0.05, values.shape)


CHANGES: dict[str, Change] = {
    "as it is": lambda image: image,
    "three times as large": scaled(3),
    "half as large": scaled(0.5),
    "a quarter as large": scaled(0.25),
    "inverted": tones(lambda values: 1 - values),
    "grey": lambda image: image.convert("L").convert("RGB"),
    "warm light": tones(lambda values: values * [1.2, 1.0, 0.7]),
    "cold light": tones(lambda values: values * [0.7, 0.95, 1.2]),
    "half as bright": tones(lambda values: values * 0.5),
    "overexposed": tones(lambda values: values * 1.4),
    "low contrast": tones(lambda values: 0.4 + values * 0.3),
    "dark tones brighter": tones(lambda values: values**0.5),
    "dark tones darker": tones(lambda values: values**2),
    "blurred": lambda image: image.filter(ImageFilter.GaussianBlur(6)),
    "noisy": tones(noisy),
    "uneven light": tones(lambda values: values * np.linspace(1.2, 0.5, values.shape[1])[None, :, None]),
}


def main(argv: list[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", metavar="DATA", help="folder with images and masks")
    parser.add_argument("--model", metavar="FILE", help="a model file or run folder (default the pretrained model)")
    parser.add_argument(
        "--diameter", type=float, metavar="D", help="of a cell in the images in pixels (default estimated)"
    )
    parser.add_argument("--every", type=int, default=1, metavar="N", help="take every N-th image only")
    parser.add_argument("--only", nargs="+", choices=list(CHANGES), metavar="CHANGE", help="of the changes")
    arguments = parser.parse_args(argv)
    model = minunet.load_model(*([arguments.model] if arguments.model else []), device="cpu")
    pairs = survey(arguments.data, contents=False).require().pairs[:: arguments.every]
    print("| image | Dice | lowest | F1 | AP at 0.5 / 0.75 | count error |\n|---|---|---|---|---|---|")
    for name in arguments.only or CHANGES:
        scores, dice = CellScores(), []
        for pair in pairs:
            whole = Image.fromarray(read_image(pair)).convert("RGB")
            image = CHANGES[name](whole)
            # Numbered before they are resized, which closes the gaps between them.
            true = connected_cells(np.asarray(Image.fromarray(read_mask(pair).shown()).convert("L")) > 127)
            true = np.asarray(Image.fromarray(true).resize(image.size, Image.Resampling.NEAREST))
            cell = true > 0
            diameter = (
                {} if arguments.diameter is None else {"diameter": arguments.diameter * image.width / whole.width}
            )
            maps = model.predict_outputs(np.asarray(image), **diameter)
            labels = find_cells(maps.probability, model.cell_settings, maps.separation)
            found = maps.probability > 0.5
            dice.append(2 * np.count_nonzero(found & cell) / max(1, np.count_nonzero(found) + np.count_nonzero(cell)))
            scores.update(true, labels, pair.name)
        result = scores.result()
        f1, ap, better, error = (result[key] for key in ("cell_f1", AP_NAMES[0.5], AP_NAMES[0.75], "count_error"))
        row = f"{name} | {np.mean(dice):.3f} | {min(dice):.3f} | {f1:.3f} | {ap:.3f} / {better:.3f} | {error:.1%}"
        print(f"| {row} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
