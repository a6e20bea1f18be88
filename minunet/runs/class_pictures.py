"""Class pictures: the classes of the pixels in a folder of predictions, as NAME_classes.png of predict shows and names them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from minunet.data.finding.matching import Pair
from minunet.data.reading.mask_classes import name_problems
from minunet.data.reading.pair_files import read_mask
from minunet.errors import UserError
from minunet.files.reading import open_regular
from minunet.results.prediction import CLASSES, NAME_SEPARATOR


@dataclass(frozen=True)
class ClassPictures:
    """The pictures of a folder.

    Attributes
    ----------
    files : mapping
        The picture of each image, by the name of the image; empty unless every image has one, and all name the same classes.
    names : tuple of str
        Of the classes, in the order of their indices, the background first.
    """

    files: Mapping[str, Path] = field(default_factory=dict)
    names: tuple[str, ...] = ()

    @classmethod
    def find(cls, files: Mapping[str, Path]) -> ClassPictures:
        """Those of images; `files` are their pictures by the names of the images, whether they exist or not."""
        named = {_class_names(path) for path in files.values()}
        names = named.pop() if len(named) == 1 else ()
        return cls(files, names) if names else cls()

    def index(self, name: str) -> np.ndarray:
        """The index (H, W) of the class of each pixel of an image.

        Raises
        ------
        UserError
            If the picture cannot be read, or has an index that none of the classes has.
        """
        path = self.files[name]
        index = read_mask(Pair(name, path, path)).values
        if index.ndim != 2 or int(index.max()) >= len(self.names):
            raise UserError(
                f"{path}: has values that are none of its {len(self.names)} classes; predict the image again."
            )
        return index


NO_PICTURES = ClassPictures()


def _class_names(path: Path) -> tuple[str, ...]:
    """The names that a picture gives to its indices; none where it gives none, or cannot be read."""
    try:
        with open_regular(path) as file, Image.open(file, formats=("PNG",)) as picture:
            text = picture.info.get(CLASSES)
    except (OSError, ValueError, SyntaxError):
        return ()
    names = tuple(text.split(NAME_SEPARATOR)) if isinstance(text, str) else ()
    return () if name_problems(names) else names
