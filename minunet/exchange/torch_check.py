"""The file of `--torch`: written, then loaded into PyTorch, where that is installed, and compared with the model."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from minunet.errors import UserError
from minunet.exchange.export_request import ExportedFile, ExportRequest
from minunet.exchange.extra_packages import is_installed
from minunet.exchange.torch_file import write_torch_file
from minunet.inference.loaded_model import LoadedModel

TORCH_MODULE = Path(__file__).with_name("torch_unet.py")
LARGEST_PART = 256  # pixels, the side of the part of an image that is compared
LARGEST_OFF = 1e-5  # of a logit, as a share of the largest one


def write_torch(request: ExportRequest, path: Path) -> ExportedFile:
    """Write the file, and compare it with the model where PyTorch is installed.

    Raises
    ------
    UserError
        If the file cannot be written, or PyTorch computes something else with it.
    """
    write_torch_file(request.model, path)
    if not is_installed("torch"):
        return ExportedFile(["not compared with the model, because PyTorch is not installed"], {"check": None})
    version, difference = difference_in_torch(path, request.model, request.image)
    if not difference <= LARGEST_OFF:  # NaN too
        raise UserError(
            f"--torch: in PyTorch {version} a logit differs by {difference:.2g} of the largest one, more than {LARGEST_OFF:g}, so "
            "the file was not written; compare another image with --check."
        )
    line = f"checked on {request.image_name}: in PyTorch {version} logits differ by at most {difference:.1e} of the largest one"
    return ExportedFile([line], {"check": {"runtime": f"PyTorch {version}", "largest_difference": difference}})


def difference_in_torch(path: Path, model: LoadedModel, image: np.ndarray) -> tuple[str, float]:
    """The version of PyTorch, and the largest difference of a logit from that of the model, as a share of the largest one.

    Parameters
    ----------
    path : Path
        Of the file that was written.
    model : LoadedModel
    image : ndarray, (H, W) or (H, W, C)
        As `decode` returns it; of a large one the middle is compared.
    """
    import torch

    from minunet.exchange.torch_unet import load_torch_unet

    prepared = model.fitted((image.shape[0], image.shape[1]), model.settled_diameter(image)).image(image)
    top, left = (max(0, (side - LARGEST_PART) // 2) for side in prepared.shape[:2])
    part = prepared[top : top + LARGEST_PART, left : left + LARGEST_PART]
    network, _ = load_torch_unet(str(path))
    with torch.no_grad():
        found = network(torch.from_numpy(np.ascontiguousarray(part.transpose(2, 0, 1)[None])))  # (1, C, h, w)
    logits = model.output_logits(part[None])[0]
    off, largest = np.abs(found.numpy()[0].transpose(1, 2, 0) - logits).max(), np.abs(logits).max()
    return torch.__version__, float(off / largest if largest else off)  # all 0: a network whose ReLUs are dead
