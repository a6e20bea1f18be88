"""Image loading: PNG, JPEG, BMP and TIFF files read with Pillow alone, or refused in a sentence that names the file.

What Pillow would read wrongly, such as a TIFF of several channels, is refused too.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from minunet.data.reading.deep_colour import deep_values, is_deep
from minunet.data.reading.orientation import orientation_of
from minunet.data.reading.pillow_files import FORMATS
from minunet.data.reading.pixels import finite, from_pil, grey_if_equal, upright
from minunet.data.reading.unsupported import REMEDY, is_misread
from minunet.errors import UserError

ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".dib", ".tif", ".tiff")


def load_image(path: Path) -> np.ndarray:
    """The pixels of an image file, (H, W) or (H, W, 3), in the numbers that it stores and upright.

    Raises
    ------
    UserError
        Naming the file and what is wrong with it.
    """
    try:
        with warnings.catch_warnings(), open(path, "rb") as file:
            warnings.simplefilter("ignore")  # on damaged metadata, which does not matter here
            Image.MAX_IMAGE_PIXELS = None
            with Image.open(file, formats=FORMATS) as image:
                if is_misread(image):
                    raise UserError(f"it is a TIFF whose numbers are not read here: {REMEDY}.")
                if is_deep(image):  # 16 bits a channel
                    values = deep_values(image, lambda: Image.open(file, formats=FORMATS))
                    return upright(grey_if_equal(values), orientation_of(image))
                return finite(from_pil(image))
    except MemoryError:
        raise
    except UserError as error:
        raise UserError(f"{path}: {problem}" for problem in error.problems) from error
    except UnidentifiedImageError as error:
        raise UserError(f"{path} is not an image that is read here: give a PNG, JPEG, BMP or TIFF file.") from error
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror or error}).") from error
    except Exception as error:  # decoders raise almost anything on damaged data
        raise UserError(f"{path} is damaged ({error}): copy or export it again.") from error


def images_in(folder: Path) -> list[Path]:
    """The image files of a folder and its sub-folders, in the order of their names; hidden ones are left out."""
    return [
        path
        for path in sorted(folder.rglob("*"))
        if path.suffix.lower() in ENDINGS
        and path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    ]
