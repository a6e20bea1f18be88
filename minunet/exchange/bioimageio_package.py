"""The bioimage.io package of `--bioimageio`: a ZIP with the network as ONNX, its description, tensors to test it with, and a page.

bioimageio.core, which reads such packages, tests each one before it gets its name.
"""

from __future__ import annotations

import tempfile
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from minunet.data.reading.preprocessing import as_picture
from minunet.errors import UserError
from minunet.exchange.bioimageio_description import (
    WHAT,
    license_problem,
    linear_scale,
    package_description,
    tile_sizes,
)
from minunet.exchange.export_request import ExportedFile, ExportRequest
from minunet.exchange.extra_packages import package_problem, require_package
from minunet.exchange.model_card import UNKNOWN, card_page
from minunet.exchange.onnx_check import check_onnx
from minunet.exchange.onnx_model import joined_maps, onnx_model, onnx_problem
from minunet.inference.loaded_model import LoadedModel
from minunet.inference.mirrored_border import with_mirrored_border
from minunet.results.overlay import overlay
from minunet.results.picture import png_bytes
from minunet.wording import shorten

DESCRIPTION = "rdf.yaml"  # the name that deepImageJ looks for
TEST_SIDE = 256  # pixels, of the tensors in the package, where the image is so large and a tile may be so small
COVER_SIDE = 320  # pixels; two squares beside each other


def package_packages_problem() -> str | None:
    """A sentence on how to get the packages; None where they are there."""
    return package_problem("--bioimageio", "bioimageio.spec", "bioimageio.core", "onnx", "onnxruntime")


def package_problems(request: ExportRequest) -> list[str]:
    """Why the model cannot be a bioimage.io package: sentences, or none."""
    problems = [f"--bioimageio: {problem}" for problem in [onnx_problem(request.model)] if problem]
    if request.card.license is not None and (problem := license_problem(request.card.license)):
        problems.append(problem)
    return problems


def write_package(request: ExportRequest, path: Path) -> ExportedFile:
    """Write and test a bioimage.io package.

    Raises
    ------
    UserError
        If the file cannot be written, or does not pass the test of bioimageio.core.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        line = _write_contents(request, folder)
        version = _test(folder / DESCRIPTION)
        _zip(folder, path)
    lines = [line, f"tested by bioimageio.core {version}, in the specification {_format_version()}"]
    if request.card.authors == (UNKNOWN,) or request.card.license is None:
        lines.append("before you give it to others: say who made it with --author, and what is allowed with --license")
    return ExportedFile(lines, {"name": request.card.name, "tested_by": f"bioimageio.core {version}"})


def _write_contents(request: ExportRequest, folder: Path) -> str:
    """Write the files of the package; returns the line on the check of its network."""
    model, image = request.model, request.image
    (folder / "model.onnx").write_bytes(onnx_model(model, "tiles").SerializeToString())
    try:
        check = check_onnx(folder / "model.onnx", model, image, "tiles")
    except UserError as error:
        raise UserError(f"--bioimageio: {problem}" for problem in error.problems) from error
    prepared = _test_image(model, image)
    gains, offsets = (np.asarray(values, np.float64) for values in linear_scale(model.preprocessing))
    values = ((prepared - offsets) / gains).astype(np.float32)  # in the units of the file
    maps = joined_maps(model.maps(prepared[None])[0], model.outputs)
    np.save(folder / "test_input.npy", values[None].transpose(0, 3, 1, 2))
    np.save(folder / "test_output.npy", np.ascontiguousarray(maps[None].transpose(0, 3, 1, 2)))
    shown = as_picture(prepared)
    if prepared.shape[2] in (1, 3) and maps.shape[2] in (1, 3):
        (folder / "sample_input.png").write_bytes(png_bytes(shown))
        (folder / "sample_output.png").write_bytes(png_bytes(as_picture(maps)))
    (folder / "cover.png").write_bytes(_cover(shown, model.maps(prepared[None])[0, ..., 0]))
    (folder / "README.md").write_text(card_page(model, request.card), encoding="utf-8")
    try:
        described = package_description(model, request.card, folder)
        spec = require_package("bioimageio.spec", WHAT)
        spec.save_bioimageio_yaml_only(described, file=folder / DESCRIPTION)
    except ValueError as error:  # pydantic's, with the fields that do not fit
        raise UserError(f"--bioimageio: bioimageio.spec refuses the description ({shorten(error, 1000)}).") from error
    return check.line(request.image_name)


def _test_image(model: LoadedModel, image: np.ndarray) -> np.ndarray:
    """The middle of an image as the network gets it, (h, w, C), with sides that the description allows."""
    smallest, step, _ = tile_sizes(model)
    prepared = model.fitted((image.shape[0], image.shape[1]), model.settled_diameter(image)).image(image)
    sides = [max(smallest, min(side, TEST_SIDE) // step * step) for side in prepared.shape[:2]]
    wide = with_mirrored_border(prepared[None], (max(sides[0], prepared.shape[0]), max(sides[1], prepared.shape[1])))[0]
    top, left = ((have - want) // 2 for have, want in zip(wide.shape[:2], sides, strict=True))
    return np.ascontiguousarray(wide[top : top + sides[0], left : left + sides[1]])


def _cover(shown: np.ndarray, probability: np.ndarray) -> bytes:
    """The image beside itself with the contours of what is cell, twice as wide as high."""
    side = min(probability.shape)
    image, cell = Image.fromarray(shown).convert("RGB").crop((0, 0, side, side)), probability[:side, :side] > 0.5
    cover = Image.new("RGB", (2 * COVER_SIDE, COVER_SIDE))
    for place, picture in enumerate((image, overlay(image, cell))):
        cover.paste(picture.resize((COVER_SIDE, COVER_SIDE)), (place * COVER_SIDE, 0))
    return png_bytes(cover)


def _zip(folder: Path, path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.iterdir()):
            archive.write(file, file.name)


def _test(path: Path) -> str:
    """Let bioimageio.core load and run the package; returns its version."""
    core = require_package("bioimageio.core", WHAT)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the packages that it imports
        summary = core.test_model(path, weight_format="onnx", devices=["cpu"])
    if summary.status not in ("passed", "valid-format"):
        failed = [f"{detail.name}: {error.msg}" for detail in summary.details for error in detail.errors]
        raise UserError(f"--bioimageio: bioimageio.core refuses the package ({shorten('; '.join(failed), 1000)}).")
    return str(core.__version__)


def _format_version() -> str:
    spec: Any = require_package("bioimageio.spec.model.v0_5", WHAT)
    return str(spec.ModelDescr.implemented_format_version)
