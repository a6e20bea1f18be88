"""`python -m benchmarks.folder DATA PART`: the time of a folder of images with the commands, by processes and by batches.

Parts: "predict" and "evaluate" compare one process with what `--workers auto` chooses; "batches" compares
`predict --batch-size` 1, 4 and 8 in one process. Each command runs in a new process, start included; reports are left out.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from tqdm import tqdm

from benchmarks.results import add_out, save
from benchmarks.timing import alternate
from minunet.cli.argument_types import positive_int
from minunet.data.pairs import find_pairs

PARTS = {
    "predict": {"one process": ["--workers", "1"], "auto": ["--workers", "auto"]},
    "evaluate": {"one process": ["--workers", "1"], "auto": ["--workers", "auto"]},
    "batches": {f"batches of {size}": ["--workers", "1", "--batch-size", str(size)] for size in (1, 4, 8)},
}
CROP_AT = (300, 300)  # of the upper left corner, in pixels


class Command:
    """A command on a folder, which can be run again and again.

    Parameters
    ----------
    arguments : list of str
        Of Python.
    folder : Path
        Of the folders of results, a new one for each time.
    writes : bool
        Whether it takes the flag --out.

    Attributes
    ----------
    peak : int
        Bytes of its largest process, of all times.
    lines : list of str
        What it has printed about its workers.
    hashes : set of str
        Of what it has written, or printed where it writes nothing.
    """

    def __init__(self, arguments: list[str], folder: Path, writes: bool):
        self.arguments, self.folder, self.writes = arguments, folder, writes
        self.peak, self.hashes = 0, set[str]()
        self.lines: list[str] = []
        self._outputs: list[tuple[str, Path | None]] = []

    def __call__(self) -> None:
        """Run it once.

        Raises
        ------
        subprocess.CalledProcessError
            If it fails.
        """
        out = Path(tempfile.mkdtemp(dir=self.folder)) if self.writes else None
        command = [sys.executable, *self.arguments, *([] if out is None else ["--out", str(out)])]
        with tempfile.TemporaryFile("w+", encoding="utf-8") as printed:
            process = subprocess.Popen(command, stdout=printed)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode:
                raise subprocess.CalledProcessError(process.returncode, command)
            printed.seek(0)
            lines = printed.readlines()
        self.lines = [line.strip() for line in lines if line.startswith("workers ")]
        self.peak = max(self.peak, usage.ru_maxrss * 1024)
        self._outputs.append(("".join(line for line in lines if not line.startswith("workers ")), out))

    def finish(self) -> None:
        """Hash what came out, which takes time."""
        for printed, out in self._outputs:
            if out is None:
                self.hashes.add(hashlib.sha256(printed.encode()).hexdigest())
                continue
            digest = hashlib.sha256()
            for path in sorted(path for path in out.rglob("*") if path.is_file()):
                digest.update(str(path.relative_to(out)).encode() + path.read_bytes())
            self.hashes.add(digest.hexdigest())


def main(argv: list[str] | None = None) -> int:
    """Measure, print and save."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.folder", description=__doc__)
    parser.add_argument("data", metavar="DATA", help="folder with images/ and masks/")
    parser.add_argument("part", metavar="PART", choices=PARTS, help=", ".join(PARTS))
    parser.add_argument("--model", default="pretrained", help="default pretrained")
    parser.add_argument(
        "--images", type=positive_int, default=8, metavar="N", help="the first N of the folder (default 8)"
    )
    parser.add_argument(
        "--crop", type=positive_int, metavar="PX", help="a square of this side of each image, as a PNG file"
    )
    parser.add_argument("--rounds", type=positive_int, default=3, help="counted runs of each (default 3)")
    add_out(parser)
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as name:
        data = write_data(Path(args.data), Path(name, "data"), args.images, args.crop)
        contestants = {
            contestant: command_of(args.part, args.model, data, flags, Path(name))
            for contestant, flags in PARTS[args.part].items()
        }
        with tqdm(total=args.rounds, unit="round", leave=False) as bar:
            timings = alternate(contestants, args.rounds, bar.update, 0)
        for command in contestants.values():
            command.finish()
    first, *others = contestants
    figures: dict[str, Any] = {
        "model": args.model,
        "images": args.images,
        "crop": args.crop,
        "times": timings.to_dict(),
        "ratios": {other: timings.ratio([first], other) for other in others},
        "images_a_second": {name: args.images / timings.median(name) for name in contestants},
        "peak_of_the_largest_process": {name: command.peak for name, command in contestants.items()},
        "workers": {name: command.lines for name, command in contestants.items()},
        "same_results": len(set().union(*(command.hashes for command in contestants.values()))) == 1,
    }
    for name, command in contestants.items():
        ratio = figures["ratios"].get(name)
        more = "" if ratio is None else f", {ratio[0]:.2f} times as fast ({ratio[1]:.2f} to {ratio[2]:.2f})"
        print(f"{name:<14} {timings.median(name):7.2f} s{more}; {command.peak / 1e6:.0f} MB {' '.join(command.lines)}")
    print("the results are the same" if figures["same_results"] else "the results differ")
    crop = f" --crop {args.crop}" if args.crop else ""
    said = f"python -m benchmarks.folder DATA {args.part} --images {args.images}{crop}"
    file = f"folder_{args.part}_{args.images}" + (f"_crop{args.crop}" if args.crop else "")
    print(f"wrote {save(file, said, figures, args.out)}")
    return 0


def command_of(part: str, model: str, data: Path, flags: list[str], folder: Path) -> Command:
    """The command of a part, with its flags."""
    if part == "evaluate":
        return Command(["-m", "minunet.evaluate", model, str(data), *flags], folder, writes=False)
    return Command(["-m", "minunet.predict", model, str(data / "images"), "--no-report", *flags], folder, writes=True)


def write_data(data: Path, folder: Path, count: int, crop: int | None) -> Path:
    """A folder with the first images and masks of a data set, or with a square of each."""
    pairs = find_pairs(data)
    if len(pairs) < count:
        raise SystemExit(f"{data} has {len(pairs)} images, fewer than {count}")
    for pair in pairs[:count]:
        for kind, path in (("images", Path(pair.image)), ("masks", Path(pair.mask))):
            target = folder / kind / path.name
            target.parent.mkdir(parents=True, exist_ok=True)
            if crop is None:
                target.symlink_to(path.resolve())
            else:
                left, top = CROP_AT
                pixels = np.asarray(Image.open(path))[top : top + crop, left : left + crop]
                Image.fromarray(pixels).save(target.with_suffix(".png"))
    return folder


if __name__ == "__main__":
    sys.exit(main())
