"""The command of a script: images in; masks, numbered cells and a table of counts out."""

from __future__ import annotations

import argparse
import csv
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from minunet.data.cell_scale import diameter_problem
from minunet.errors import UserError
from minunet.exchange.single_file.image_loading import images_in, load_image
from minunet.exchange.single_file.script_files import (
    CLASS_PICTURE,
    COUNTS,
    SCRIPT_PICTURES,
    script_pictures,
    write_counts,
    write_pictures,
)
from minunet.exchange.single_file.script_model import ScriptModel
from minunet.exchange.single_file.script_versions import NEEDS, version_problems
from minunet.exchange.single_file.stored_model import SETTINGS, WEIGHTS

MISTAKE, STOPPED, UNREAD = 2, 130, 141
SCRIPT_EPILOG = f"""\
for each image NAME, in the folder --output:
{chr(10).join(f"  NAME_{kind + '.png':<12} {what}" for kind, what in SCRIPT_PICTURES.items())}
  NAME_{CLASS_PICTURE + ".png":<12} of a model with classes: the index of the class, with a palette
  {COUNTS:<17} of all images: their size, their cells, and the share of their pixels that is cell
The table is also printed. PNG, JPEG, BMP and TIFF files are read.

exit code: 0 all done; {MISTAKE} a mistake in what was given, or an image that cannot be read (the others are done);
{STOPPED} stopped by Ctrl-C.
"""


def predict_and_count(argv: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    arguments = _parser().parse_args(argv)
    try:
        if problems := version_problems():
            raise UserError(problems)
        images = _inputs(arguments.images, arguments.output, arguments.overwrite, arguments.diameter)
        return _predict(ScriptModel(SETTINGS, WEIGHTS), images, arguments.output, arguments.diameter)
    except UserError as error:
        _report(error.problems)
        return MISTAKE
    except MemoryError:
        _report(["there is not enough memory: give smaller images."])
        return MISTAKE
    except BrokenPipeError:  # nobody reads the table any more
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return UNREAD
    except KeyboardInterrupt:
        print(f"\ninterrupted: {arguments.output / COUNTS} has the images that are done", file=sys.stderr)
        return STOPPED


def _parser() -> argparse.ArgumentParser:
    described = SETTINGS.get("described", "a trained U-Net for blood-cell images")
    parser = argparse.ArgumentParser(
        description=f"Find and count the cells of images with {described}. It needs {NEEDS}.",
        epilog=SCRIPT_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("images", nargs="+", type=Path, metavar="IMAGE", help="an image file, or a folder of them")
    parser.add_argument(
        "--output", type=Path, metavar="DIR", default=Path("predictions"), help="where to write (default predictions)"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace earlier results")
    parser.add_argument(
        "--diameter", type=float, metavar="D", help="of the cells in all images, in pixels; each is resized by it"
    )
    return parser


def _inputs(paths: list[Path], output: Path, overwrite: bool, diameter: float | None) -> dict[str, Path]:
    """The images by the names of their results; a UserError with everything that is wrong with the arguments."""
    files, problems = dict[Path, None](), []
    if diameter is not None and SETTINGS["known_diameter"] is None:
        problems.append(
            "--diameter: this model does not know how large the cells of its training images are; leave it out."
        )
    elif diameter is not None and (problem := diameter_problem(diameter)):
        problems.append(f"--diameter {diameter:g}: {problem}.")
    for path in paths:
        if path.is_dir():
            found = [image for image in images_in(path) if not _is_result(image)]
            files.update(dict.fromkeys(found))
            if not found:
                problems.append(
                    f"{path}: this folder holds no PNG, JPEG, BMP or TIFF files; give the folder that does."
                )
        elif path.exists():
            files[path] = None
        else:
            problems.append(f"{path}: there is no such file; check the path.")
    names = _result_names(list(files))
    if doubled := sorted({name for name in names if names.count(name) > 1}):
        problems.append(f"several images are named {', '.join(doubled[:5])}: predict one folder at a time.")
    if in_the_way := [folder for folder in (output, *output.parents) if folder.exists() and not folder.is_dir()]:
        problems.append(f"--output {output}: {in_the_way[0]} is a file; name a folder.")
    elif not overwrite and not problems:
        results = [output / COUNTS, *(output / f"{name}_{kind}.png" for name in names for kind in SCRIPT_PICTURES)]
        if there := [path for path in results if path.exists()]:
            problems.append(f"{there[0]}: is there already; name another folder with --output, or give --overwrite.")
    if problems:
        raise UserError(problems)
    return dict(zip(names, files, strict=True))


def _result_names(files: list[Path]) -> list[str]:
    """The name of each image without its ending; with it, as a_png beside a_jpg, where that is not the only one."""
    stems = [path.stem for path in files]
    return [path.stem if stems.count(path.stem) == 1 else f"{path.stem}_{path.suffix[1:].lower()}" for path in files]


def _is_result(path: Path) -> bool:
    """Whether a picture is one that this script wrote."""
    for kind in (*SCRIPT_PICTURES, CLASS_PICTURE):
        if path.name.endswith(f"_{kind}.png"):
            stem = path.name.removesuffix(f"_{kind}.png")
            return all(path.with_name(f"{stem}_{other}.png").is_file() for other in SCRIPT_PICTURES)
    return False


def _predict(model: ScriptModel, images: dict[str, Path], output: Path, diameter: float | None) -> int:
    """Predict the images one after the other; one that cannot be read is reported, and the others are done."""
    kinds = [] if model.legend is None else list(model.legend.kinds)
    columns = ["image", "width", "height", "cells"]
    columns += [f"cells_{model.outputs.classes[kind]}" for kind in kinds] + ["cell_share", "diameter_px"]
    table: list[list[object]] = [list(columns)]
    printed = csv.writer(sys.stdout, lineterminator="\n")
    printed.writerow(columns)
    code, begin = 0, time.monotonic()
    for done, (name, path) in enumerate(images.items()):
        _show_progress(done, len(images), begin)
        try:
            image = load_image(path)
            if model.range is not None and (difference := model.range.mismatch(image.dtype)):
                print(f"warning: {path}: {difference}", file=sys.stderr)
            used = model.settled_diameter(image, diameter)
            maps = model.maps(image, used)
            cells = model.cells(maps)
            write_pictures(output, name, script_pictures(model.display(image), maps, cells, model.legend))
        except UserError as error:
            _report([problem if str(path) in problem else f"{path}: {problem}" for problem in error.problems])
            code = MISTAKE
            continue
        height, width = maps.probability.shape
        counts = [int(np.count_nonzero(cells.classes == kind)) for kind in kinds]
        share, scale = f"{(maps.probability > 0.5).mean():.6g}", "" if used is None else f"{used:.6g}"
        table.append([path.name, width, height, len(cells.classes) - 1, *counts, share, scale])
        printed.writerow(table[-1])
        sys.stdout.flush()
        write_counts(output / COUNTS, table)
    return code


def _show_progress(done: int, count: int, begin: float) -> None:
    """On a terminal, how many images are done and how long the others will take."""
    if done and sys.stderr.isatty():
        left = (time.monotonic() - begin) / done * (count - done)
        print(f"{done} of {count} images, about {left:.0f} s left", end="\r", file=sys.stderr, flush=True)


def _report(problems: list[str]) -> None:
    for problem in problems:
        print(f"error: {problem}", file=sys.stderr)
