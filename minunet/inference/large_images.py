"""The prediction of an image some rows at a time: a large one is never in memory as a whole, nor are its probabilities.

The probabilities are those of `LoadedModel.predict`.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from minunet.data.reading.file_workers import ProgressCallback
from minunet.data.reading.image_rows import ImageRows, spans_of
from minunet.data.reading.pixels import as_16_bits
from minunet.data.reading.resize import RowsResize, area_weights, linear_weights
from minunet.data.tiling import tiles_along_axis
from minunet.inference.loaded_model import LoadedModel
from minunet.inference.tile_size import tiling

PredictedRows = tuple[np.ndarray, np.ndarray]  # rows of an image, and their probabilities (h, W)


def predict_rows(
    model: LoadedModel, image: ImageRows, progress: ProgressCallback | None = None
) -> Iterator[PredictedRows]:
    """Predict an image from top to bottom.

    Parameters
    ----------
    model : LoadedModel
    image : ImageRows
        It is read once; twice for a model that resizes its images.
    progress : callable or None
        Called as `progress(parts done, parts in all)` for an image of several parts: tiles, or strips that are read.

    Yields
    ------
    pixels : ndarray, (h, W) or (h, W, C)
    probability : ndarray, (h, W) float32 in [0, 1]
        Of the same consecutive rows.

    Raises
    ------
    UserError
        If the image cannot be read.
    """
    report = progress or (lambda done, total: None)
    if image.wide and model.preprocessing.range is None:  # then the values of the whole image say what is white
        image = ImageRows.of_array(as_16_bits(image.whole()))
    if model.is_tiled(image.height, image.width):
        yield from _tiled(model, image, report)
    elif model.preprocessing.size is not None and image.is_large:
        yield from _resized(model, image, report)
    else:
        pixels = image.whole()
        yield pixels, model.predict(pixels)


def _tiled(model: LoadedModel, image: ImageRows, report: ProgressCallback) -> Iterator[PredictedRows]:
    """For a model that was trained at native resolution: one row of tiles after the other."""
    side, margin, align = tiling(model.config, image.width)
    bands, columns = (tiles_along_axis(length, side, margin, align) for length in (image.height, image.width))
    done, total = 0, len(bands) * len(columns)
    report(done, total)
    windows = image.windows([(band.start, band.stop) for band in bands])
    for band, window in zip(bands, windows, strict=True):
        pixels = window[band.core]
        probability = np.empty(pixels.shape[:2], np.float32)
        for column in columns:
            part = model.preprocessing.values(window[:, column.start : column.stop])
            predicted = model.probabilities(part[None])[0]
            probability[:, column.core_start : column.core_stop] = predicted[band.core, column.core]
            done += 1
            report(done, total)
        yield from _in_strips(pixels, probability, image.strip_rows)
        del window, pixels, probability  # before those of the next band are made


def _resized(model: LoadedModel, image: ImageRows, report: ProgressCallback) -> Iterator[PredictedRows]:
    """For a model that resizes its images: read once to shrink the image, and once more beside the enlarged probabilities."""
    preprocessing, shape = model.preprocessing, (image.height, image.width)
    size = preprocessing.size or shape[::-1]
    shrink = RowsResize(shape, size, area_weights)
    groups = _groups(shrink, size[1], image.strip_rows)
    strips = spans_of(image.height, image.strip_rows)
    done, total = 0, len(groups) + len(strips)
    report(done, total)
    parts = []
    for group, window in zip(groups, image.windows([shrink.span(*group) for group in groups]), strict=True):
        parts.append(shrink.rows(preprocessing.values(window), *group))
        done += 1
        report(done, total)
    probability = model.probabilities(np.clip(np.concatenate(parts), 0, 1)[None])[0]
    enlarge = RowsResize(probability.shape, shape[::-1], linear_weights)
    for strip, pixels in zip(strips, image.windows(strips), strict=True):
        start, stop = enlarge.span(*strip)
        rows = enlarge.rows(probability[start:stop], *strip)
        yield pixels, np.clip(rows, 0, 1)
        done += 1
        report(done, total)


def _groups(shrink: RowsResize, height: int, rows: int) -> list[tuple[int, int]]:
    """Consecutive rows [top, bottom) of the small image, each group of about so many rows of the large one, or of one row."""
    groups, top = [], 0
    for bottom in range(1, height + 1):
        start, stop = shrink.span(top, min(bottom + 1, height))
        if bottom == height or stop - start > rows:
            groups.append((top, bottom))
            top = bottom
    return groups


def _in_strips(pixels: np.ndarray, probability: np.ndarray, rows: int) -> Iterator[PredictedRows]:
    for start, stop in spans_of(len(pixels), rows):
        yield pixels[start:stop], probability[start:stop]
