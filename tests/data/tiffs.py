"""TIFF files of any numbers, written by tifffile without its guesses."""

import numpy as np
import tifffile


def write_tiff(path, values, **options):
    """Write an image (H, W) or (H, W, C); three channels are colours."""
    path.parent.mkdir(parents=True, exist_ok=True)
    colours = values.ndim == 3 and values.shape[2] == 3
    planes = {"planarconfig": "contig"} if values.ndim == 3 else {}
    options = {"photometric": "rgb" if colours else "minisblack", **planes, **options}
    tifffile.imwrite(path, np.ascontiguousarray(values), **options)
    return path
