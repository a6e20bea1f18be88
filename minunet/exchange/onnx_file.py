"""The ONNX file of `--onnx`: written, then compared with the model of which it was made."""

from __future__ import annotations

from pathlib import Path

from minunet.errors import UserError
from minunet.exchange.export_request import ExportedFile, ExportRequest
from minunet.exchange.extra_packages import package_problem
from minunet.exchange.onnx_check import check_onnx
from minunet.exchange.onnx_model import onnx_model, onnx_problem


def onnx_file_problems(request: ExportRequest) -> list[str]:
    """Why the model cannot be exported to ONNX: sentences, or none."""
    problems = [f"--onnx: {problem}" for problem in [onnx_problem(request.model)] if problem]
    if request.onnx_preprocessing and (scale := request.model.preprocessing.scale) is not None:
        problems.append(
            f"--onnx-preprocessing: this model resizes every image by {scale:g}, which is not written into a graph; leave the flag "
            "out, and resize images before."
        )
    if request.onnx_preprocessing and (problem := package_problem("--onnx-preprocessing", "onnxruntime")):
        problems.append(problem)  # the reference implementation of onnx would take minutes for a whole image
    return problems


def onnx_packages_problem() -> str | None:
    """A sentence on how to get the packages; None where they are there."""
    return package_problem("--onnx", "onnx")


def write_onnx(request: ExportRequest, path: Path) -> ExportedFile:
    """Write and check an ONNX file.

    Raises
    ------
    UserError
        If the file cannot be written, or does not predict what the model does.
    """
    form = "images" if request.onnx_preprocessing else "network"
    path.write_bytes(onnx_model(request.model, form).SerializeToString())
    try:
        check = check_onnx(path, request.model, request.image, form)
    except UserError as error:
        raise UserError(f"--onnx: {problem}" for problem in error.problems) from error
    return ExportedFile([check.line(request.image_name)], {"takes": form, "check": check.to_dict()})
