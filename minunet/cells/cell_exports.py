"""Cell exports: the cells of an image in the files of other programs, each with exactly the same pixels.

ImageJ and Fiji read a ZIP of regions of interest, QuPath reads GeoJSON, tools for training read COCO, and OMERO and others read
OME-TIFF.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from minunet.cell_packages import require
from minunet.cells.cell_measures import Cells
from minunet.cells.cell_outlines import signed_area
from minunet.cells.class_measures import ClassifiedCells
from minunet.cells.labels_tiff import narrow_labels, ome_metadata
from minunet.cells.pixel_outlines import pixel_outlines

MEASURED = ("area_px2", "perimeter_px", "equivalent_diameter_px", "circularity", "central_pallor", "confidence")
CELL = {"name": "cell", "color": [0, 205, 90]}  # of QuPath, where cells have no classes
SHAPE_MOVE, SHAPE_LINE, SHAPE_CLOSE = 0.0, 1.0, 4.0  # of a composite region of ImageJ: java.awt.geom.PathIterator


def roi_zip(cells: Cells, name: str, pixel_size: float | None) -> bytes:
    """Regions of interest for ImageJ and Fiji (File, Open, or the ROI Manager); each has the number of its cell as its name."""
    import zipfile  # only these files need it, and it takes long to import

    roifile = require("roifile")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for row, loops in _outlined(cells):
            title = f"{row['id']:05d}"
            if len(loops) == 1:
                roi = roifile.ImagejRoi.frompoints(loops[0], name=title)
                roi.roitype = roifile.ROI_TYPE.TRACED
            else:  # with a hole, or of several parts
                corners = np.concatenate(loops)
                (left, top), (right, bottom) = corners.min(axis=0), corners.max(axis=0)
                roi = roifile.ImagejRoi(
                    roitype=roifile.ROI_TYPE.RECT, name=title, left=left, top=top, right=right, bottom=bottom
                )
                roi.multi_coordinates = np.array([value for loop in loops for value in _shape_path(loop)], np.float32)
                roi.shape_roi_size = roi.multi_coordinates.size
            archive.writestr(f"{title}.roi", roi.tobytes())
    return buffer.getvalue()


def geojson(cells: Cells, name: str, pixel_size: float | None) -> bytes:
    """A GeoJSON of polygons for QuPath (File, Import objects); coordinates are in pixels from the upper left corner."""
    features = [
        {
            "type": "Feature",
            "id": f"{name}-{row['id']}",
            "geometry": _geometry(loops),
            "properties": {
                "objectType": "detection",
                "name": str(row["id"]),
                "classification": _classification(cells, row),
                "measurements": {key: row[key] for key in MEASURED if row[key] is not None},
            },
        }
        for row, loops in _outlined(cells)
    ]
    return _json_bytes({"type": "FeatureCollection", "features": features})


def coco(cells: Cells, name: str, pixel_size: float | None) -> bytes:
    """A COCO file of one image: a polygon a cell, or a run-length code where it has a hole or several parts."""
    height, width = cells.labels.shape
    names = cells.legend.kind_names if isinstance(cells, ClassifiedCells) else ["cell"]
    annotations = []
    for row, loops in _outlined(cells):
        if len(loops) == 1:
            segmentation: Any = [loops[0].ravel().tolist()]
        else:
            left, top = row["box_left_px"], row["box_top_px"]
            box = cells.labels[top : top + row["box_height_px"], left : left + row["box_width_px"]]
            counts = run_lengths(box == row["id"], top, left, (height, width))
            segmentation = {"size": [height, width], "counts": counts}
        annotations.append(
            {
                "id": row["id"],
                "image_id": 1,
                "category_id": 1 + names.index(row.get("class", "cell")),
                "iscrowd": int(len(loops) > 1),  # COCO's readers expect a run-length code where this is 1
                "segmentation": segmentation,
                "area": row["area_px2"],
                "bbox": [row[f"box_{side}_px"] for side in ("left", "top", "width", "height")],
                "score": row["confidence"],
            }
        )
    return _json_bytes(
        {
            "images": [{"id": 1, "file_name": name, "width": width, "height": height}],
            "categories": [{"id": number, "name": kind} for number, kind in enumerate(names, start=1)],
            "annotations": annotations,
        }
    )


def ome_tiff(cells: Cells, name: str, pixel_size: float | None) -> bytes:
    """The labels as an OME-TIFF, with the size of a pixel where it is known."""
    metadata = ome_metadata(name, pixel_size)
    buffer = io.BytesIO()
    require("tifffile").imwrite(
        buffer, narrow_labels(cells.labels), ome=True, metadata=metadata, compression="zlib", photometric="minisblack"
    )
    return buffer.getvalue()


EXPORTS: Mapping[str, tuple[str, Callable[[Cells, str, float | None], bytes]]] = {
    "roi": ("rois.zip", roi_zip),
    "geojson": ("cells.geojson", geojson),
    "coco": ("coco.json", coco),
    "ome": ("labels.ome.tif", ome_tiff),
}  # by the word for --export: the end of the file's name after NAME_, and what makes its content
ZARR = "zarr"  # a further word, for a folder that is not made in memory, see `minunet.results.ome_zarr_file`
ENDINGS: Mapping[str, str] = {**{word: ending for word, (ending, _) in EXPORTS.items()}, ZARR: "cells.ome.zarr"}


def run_lengths(cell: np.ndarray, top: int, left: int, shape: tuple[int, int]) -> list[int]:
    """The uncompressed run-length code of COCO: the lengths of runs down the columns, background first.

    Parameters
    ----------
    cell : ndarray, (h, w) bool
        The box of a cell.
    top, left : int
        Its place in the image.
    shape : (H, W)
        Of the image.
    """
    columns, rows = np.nonzero(cell.T)  # column by column
    places = (columns + left) * shape[0] + rows + top
    begins = np.flatnonzero(np.diff(places, prepend=-2) != 1)
    ends = np.append(begins[1:], len(places))
    edges = np.stack([places[begins], places[ends - 1] + 1], axis=1).ravel()
    lengths = np.diff(edges, prepend=0, append=shape[0] * shape[1]).tolist()
    return lengths if lengths[-1] else lengths[:-1]


def _outlined(cells: Cells) -> Iterator[tuple[Mapping[str, Any], list[np.ndarray]]]:
    """Each row of the table with the outlines of its cell, in the coordinates of the image."""
    for row in cells.table:
        left, top = row["box_left_px"], row["box_top_px"]
        box = cells.labels[top : top + row["box_height_px"], left : left + row["box_width_px"]]
        yield row, [loop + (left, top) for loop in pixel_outlines(box == row["id"])]


def _classification(cells: Cells, row: Mapping[str, Any]) -> dict[str, Any]:
    """The class of a cell as QuPath reads it, with its colour."""
    if not isinstance(cells, ClassifiedCells):
        return CELL
    return {"name": row["class"], "color": [*cells.legend.colour_of(row["class"])]}


def _geometry(loops: Sequence[np.ndarray]) -> dict[str, Any]:
    """A polygon with its holes, or several polygons; each loop ends with its first corner, as GeoJSON wants it."""
    rings = [np.concatenate([loop, loop[:1]]) for loop in loops]
    outer = [ring for ring in rings if signed_area(ring) > 0]  # clockwise, since y points downwards
    holes = [ring for ring in rings if signed_area(ring) < 0]
    polygons = [[ring.tolist(), *(hole.tolist() for hole in holes if _surrounds(ring, hole))] for ring in outer]
    if len(polygons) == 1:
        return {"type": "Polygon", "coordinates": polygons[0]}
    return {"type": "MultiPolygon", "coordinates": polygons}


def _surrounds(ring: np.ndarray, hole: np.ndarray) -> bool:
    return bool((ring.min(axis=0) <= hole.min(axis=0)).all() and (ring.max(axis=0) >= hole.max(axis=0)).all())


def _shape_path(loop: np.ndarray) -> list[float]:
    kinds = [SHAPE_MOVE] + [SHAPE_LINE] * (len(loop) - 1)
    return [value for kind, (x, y) in zip(kinds, loop.tolist(), strict=True) for value in (kind, x, y)] + [SHAPE_CLOSE]


def _json_bytes(value: Any) -> bytes:
    return json.dumps(value, allow_nan=False, ensure_ascii=True).encode()
