"""`python -m benchmarks.unlike DATA`: how often an image is said to be unlike the training images, rightly and wrongly.

The images are divided at random many times, four fifths to train and one fifth held out. No network is needed.
"""

from __future__ import annotations

import argparse
import sys

import numpy as np
from PIL import Image

from benchmarks.conditions import Condition, blur_condition, gain_condition
from benchmarks.results import add_out, save
from minunet.cli.argument_types import image_size
from minunet.cli.command import command
from minunet.data.appearance import Appearance, measure_appearance
from minunet.data.pairs import find_pairs
from minunet.data.reading.pair_files import read_image
from minunet.data.reading.preprocessing import Preprocessing
from minunet.data.training_images import TrainingImages

SPLITS = 50
HELD_OUT = 0.2


@command
def main(argv: list[str] | None = None) -> int:
    """Measure, print a Markdown table, and save."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.unlike", description=__doc__)
    parser.add_argument("data", metavar="DATA", help="folder with images and masks")
    parser.add_argument("--size", type=image_size, default=(256, 192), metavar="WxH", help="default 256x192")
    parser.add_argument("--every", type=int, default=3, metavar="N", help="change each Nth image (default 3)")
    add_out(parser)
    args = parser.parse_args(argv)
    preprocessing, pairs = Preprocessing(size=args.size), find_pairs(args.data)
    measured: dict[str, dict[int, Appearance]] = {name: {} for name in CHANGES}
    for number, pair in enumerate(pairs):
        image = read_image(pair)
        for name, change in CHANGES.items():
            if name == AS_IT_IS or number % args.every == 0:
                measured[name][number] = measure_appearance(change(image, np.random.default_rng(number)), preprocessing)
    shares = alarms(measured, len(pairs))
    print("| images | said to be unlike the training images |", "|---|---|", sep="\n")
    for name, share in shares.items():
        print(f"| {name} | {share:.1%} |")
    figures = {"size": args.size, "images": len(pairs), "splits": SPLITS, "held_out": HELD_OUT, "alarms": shares}
    print(f"wrote {save('unlike', 'python -m benchmarks.unlike DATA', figures, args.out)}", file=sys.stderr)
    return 0


def alarms(measured: dict[str, dict[int, Appearance]], count: int) -> dict[str, float]:
    """The share of the held-out images that are said to be unlike the training images, for each change."""
    rng = np.random.default_rng(0)
    said: dict[str, list[bool]] = {name: [] for name in measured}
    for _ in range(SPLITS):
        order = rng.permutation(count)
        held_out = set(order[: round(HELD_OUT * count)].tolist())
        training = [appearance for number, appearance in measured[AS_IT_IS].items() if number not in held_out]
        statistics = TrainingImages.of(training)
        for name, images in measured.items():
            said[name] += [bool(statistics.unlike(images[number])) for number in images if number in held_out]
    return {name: float(np.mean(values)) for name, values in said.items()}


def _magnified(factor: int) -> Condition:
    def magnify(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        height, width = image.shape[0] // factor, image.shape[1] // factor
        top, left = (image.shape[0] - height) // 2, (image.shape[1] - width) // 2
        part = Image.fromarray(image[top : top + height, left : left + width])
        return np.asarray(part.resize((image.shape[1], image.shape[0]), Image.Resampling.BICUBIC))

    return magnify


AS_IT_IS = "as they are (false alarms)"
CHANGES: dict[str, Condition] = {
    AS_IT_IS: lambda image, rng: image,
    "12 bits in 16": lambda image, rng: image.astype(np.uint16) * 16,
    "inverted": lambda image, rng: 255 - image,
    "brightness x0.3": gain_condition((0.3,) * 3),
    "brightness x0.5": gain_condition((0.5,) * 3),
    "brightness x0.8": gain_condition((0.8,) * 3),
    "brightness x1.2": gain_condition((1.2,) * 3),
    "brightness x1.5": gain_condition((1.5,) * 3),
    "brightness x2": gain_condition((2.0,) * 3),
    "blur, sigma 4 px": blur_condition(4),
    "blur, sigma 8 px": blur_condition(8),
    "magnified x2": _magnified(2),
    "magnified x3": _magnified(3),
    "stain: red and green exchanged": lambda image, rng: image[..., [1, 0, 2]],
    "stain: blue and green exchanged": lambda image, rng: image[..., [0, 2, 1]],
    "stain: red and blue exchanged": lambda image, rng: image[..., ::-1],
    "lamp: blue x0.75": gain_condition((1, 1, 0.75)),
}

if __name__ == "__main__":
    sys.exit(main())
