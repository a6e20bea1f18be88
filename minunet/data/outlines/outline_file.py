"""Outline files: a file of an annotation program, recognised by its content, with the outlines of one image or of many."""

from __future__ import annotations

import functools
import json
import re
from dataclasses import dataclass, field
from pathlib import Path

from minunet.data.outlines.coco import is_coco, read_coco
from minunet.data.outlines.geojson import is_geojson, read_geojson
from minunet.data.outlines.image_outlines import ImageOutlines
from minunet.data.outlines.labelme import is_labelme, read_labelme
from minunet.data.outlines.via import is_via, read_via
from minunet.data.outlines.yolo import is_yolo, read_yolo
from minunet.errors import UserError
from minunet.files.reading import read_regular
from minunet.wording import shorten

OUTLINE_ENDINGS = {".json", ".geojson", ".txt", ".xml"}  # of files that may hold outlines or boxes
LARGEST = 1_000_000_000  # bytes; the outlines of COCO's 118,000 training images take half of it


@dataclass
class OutlineFile:
    """The outlines in a file.

    Attributes
    ----------
    program : str
        "LabelMe", "COCO", "VIA", "GeoJSON", "YOLO", or "Pascal VOC" or "KITTI", which hold boxes only.
    images : dict of str to ImageOutlines
        By the name of the image file, which may have folders before it.
    single : ImageOutlines or None
        Of the one image that the file belongs to by its own name, in place of `images`.
    text : str
        Of YOLO, whose outlines need the size of the image.
    """

    program: str
    images: dict[str, ImageOutlines] = field(default_factory=dict)
    single: ImageOutlines | None = None
    text: str = ""

    def of_image(self, image: Path, size: tuple[int, int], what: str) -> ImageOutlines:
        """The outlines of an image of a size (width, height)."""
        if self.text:
            return read_yolo(self.text, size, what)
        if self.single is not None:
            return self.single
        found = self.find(image)
        if found is None:
            raise UserError(f"{what} has no entry for {image.name}.")
        return found

    def find(self, image: Path) -> ImageOutlines | None:
        """The outlines of an image in a file of many; of several with the name of its file the one whose folders agree."""
        names = self._names.get(image.name, [])
        if len(names) > 1:
            names = [name for name in names if _ends_with(image, name)]
        return self.images[names[0]] if names else None

    def states_folders_of(self, image: Path) -> bool:
        """Whether a name that the file states has folders, and they are those of an image."""
        return any("/" in name and _ends_with(image, name) for name in self._names.get(image.name, []))

    @functools.cached_property
    def _names(self) -> dict[str, list[str]]:
        """The stated names by the name of the file alone, those with most folders first."""
        names: dict[str, list[str]] = {}
        for name in sorted(self.images, key=lambda name: -name.count("/")):
            names.setdefault(name.rpartition("/")[2], []).append(name)
        return names


def read_outlines(path: Path) -> OutlineFile:
    """Read a file of outlines; it is kept until others are read or it changes.

    Raises
    ------
    UserError
        Naming the file and what is wrong with it.
    """
    try:
        state = path.stat()
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}): check the path.") from error
    return _read(path, state.st_mtime_ns, state.st_size)


@functools.lru_cache(maxsize=4)
def _read(path: Path, _time: int, _size: int) -> OutlineFile:
    try:
        content = read_regular(path, LARGEST)
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror or error}): check the path.") from error
    suffix = path.suffix.lower()
    if suffix == ".xml":
        return _boxes_of_voc(content, path)
    if suffix == ".txt":
        text = content.decode("utf-8", errors="replace")
        if _is_kitti(text):
            return OutlineFile("KITTI", single=ImageOutlines(boxes=len(text.splitlines())))
        if not is_yolo(text) and text.strip():
            raise UserError(f"{path} holds no outlines: it is not a file of LabelMe, COCO, VIA, GeoJSON or YOLO.")
        return OutlineFile("YOLO", text=text or "\n")
    try:
        document = json.loads(content)
    except RecursionError as error:
        raise UserError(f"{path} is not read: its JSON is nested too deeply.") from error
    except ValueError as error:
        raise UserError(f"{path} is not JSON ({shorten(error)}): export it again.") from error
    try:
        if is_labelme(document):
            return OutlineFile("LabelMe", single=read_labelme(document, str(path)))
        if is_coco(document):
            return OutlineFile("COCO", read_coco(document, str(path)))
        if is_via(document):
            return OutlineFile("VIA", read_via(document, str(path)))
        if is_geojson(document):
            return OutlineFile("GeoJSON", single=read_geojson(document, str(path)))
    except RecursionError as error:
        raise UserError(f"{path} is not read: its JSON is nested too deeply.") from error
    raise UserError(f"{path} holds no outlines: it is not a file of LabelMe, COCO, VIA, GeoJSON or YOLO.")


def _boxes_of_voc(content: bytes, path: Path) -> OutlineFile:
    """The number of boxes in an XML file of Pascal VOC, which is searched and not parsed."""
    boxes = len(re.findall(rb"<bndbox\b", content))
    if not boxes and b"<annotation" not in content:
        raise UserError(f"{path} holds no outlines: it is not a file of Pascal VOC.")
    return OutlineFile("Pascal VOC", single=ImageOutlines(boxes=boxes))


def _is_kitti(text: str) -> bool:
    """Whether a text is of KITTI: in each line a class and 14 or 15 numbers, of which four are a box."""
    first = text.split("\n", 1)[0].split()
    return len(first) in (15, 16) and first[0].isalpha() and first[1].replace(".", "", 1).isdigit()


def _ends_with(image: Path, name: str) -> bool:
    """Whether the path of an image ends with a name that may have folders."""
    return image.parts[-name.count("/") - 1 :] == tuple(name.split("/"))
