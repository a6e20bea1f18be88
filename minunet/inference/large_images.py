"""The prediction of an image some rows at a time: a large one is never in memory as a whole, nor are its probabilities.

The probabilities are those of `LoadedModel.predict`, and the other maps those of `LoadedModel.predict_outputs`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from minunet.data.appearance import middle_window
from minunet.data.reading.file_workers import ProgressCallback
from minunet.data.reading.image_rows import ImageRows, spans_of
from minunet.data.reading.pixels import as_16_bits
from minunet.data.reading.preprocessing import Preprocessing
from minunet.data.reading.resize import RowsResize, area_weights, linear_weights
from minunet.data.tiling import Tile, tiles_along_axis
from minunet.inference.loaded_model import LoadedModel
from minunet.inference.predicted_maps import PredictedMaps
from minunet.inference.tile_size import tiling

PredictedRows = tuple[np.ndarray, PredictedMaps]  # rows of an image, and what the network says of them

# Of the network's input: more are computed one row of tiles after the other. They take up to 16 bytes each.
MOST_INPUT_PIXELS = 1 << 24


def predict_rows(
    model: LoadedModel, image: ImageRows, progress: ProgressCallback | None = None, diameter: float | None = None
) -> Iterator[PredictedRows]:
    """Predict an image from top to bottom.

    Parameters
    ----------
    model : LoadedModel
    image : ImageRows
        It is read once; twice for a model that resizes its images.
    progress : callable or None
        Called as `progress(parts done, parts in all)` for an image of several parts: tiles, or strips that are read.
    diameter : float or None
        Of its cells, in its own pixels, as for `LoadedModel.predict`.

    Yields
    ------
    pixels : ndarray, (h, W) or (h, W, C)
    maps : PredictedMaps
        Of the same consecutive rows.

    Raises
    ------
    UserError
        If the image cannot be read.
    """
    report = progress or (lambda done, total: None)
    if image.wide and model.preprocessing.range is None:  # then the values of the whole image say what is white
        image = ImageRows.of_array(as_16_bits(image.whole()))
    if diameter is None and model.preprocessing.diameter is not None:
        diameter = estimate_of_rows(model, image) or model.preprocessing.diameter
    preprocessing = model.fitted((image.height, image.width), diameter)
    if preprocessing.size is None and model.is_tiled(image.height, image.width):
        yield from _tiled(model, image, report)
    elif preprocessing is not model.preprocessing and math.prod(preprocessing.size or ()) > MOST_INPUT_PIXELS:
        yield from _scaled(model, preprocessing, image, report)
    elif preprocessing.size is not None and image.is_large:
        yield from _resized(model, preprocessing, image, report)
    else:
        pixels = image.whole()
        yield pixels, model.predict_outputs(pixels, diameter)


def estimate_of_rows(model: LoadedModel, image: ImageRows) -> float | None:
    """As `LoadedModel.estimate_diameter`, for an image that is read by rows."""
    rows, columns = middle_window((image.height, image.width))
    return model.estimate_diameter(next(image.windows([(rows.start, min(rows.stop, image.height))]))[:, columns])


def _tiled(model: LoadedModel, image: ImageRows, report: ProgressCallback) -> Iterator[PredictedRows]:
    """For a model that was trained at native resolution: one row of tiles after the other."""
    side, margin, align = tiling(model.config, image.width)
    bands, columns = (tiles_along_axis(length, side, margin, align) for length in (image.height, image.width))
    done, total = 0, len(bands) * len(columns)
    report(done, total)
    windows = image.windows([(band.start, band.stop) for band in bands])
    for band, window in zip(bands, windows, strict=True):
        pixels = window[band.core]
        stacked = np.empty((*pixels.shape[:2], model.map_count), np.float32)
        for column in columns:
            values = model.preprocessing.values(window[:, column.start : column.stop])
            stacked[:, column.core_start : column.core_stop] = model.maps(values[None])[0, band.core, column.core]
            del values  # before those of the next tile are made
            done += 1
            report(done, total)
        for start, stop in spans_of(len(pixels), image.strip_rows):
            # Copies: who holds on to the last of them does not hold the whole band while the next one is predicted.
            yield pixels[start:stop].copy(), PredictedMaps.of(stacked[start:stop].copy(), model.outputs)
        del window, pixels, stacked  # before those of the next band are made


def _resized(
    model: LoadedModel, preprocessing: Preprocessing, image: ImageRows, report: ProgressCallback
) -> Iterator[PredictedRows]:
    """For an image that is resized: read once to shrink the image, and once more beside the enlarged probabilities."""
    shape = (image.height, image.width)
    size = preprocessing.size or shape[::-1]
    shrink = _to_input(preprocessing, shape)
    groups = _groups(shrink, size[1], image.strip_rows)
    strips = spans_of(image.height, image.strip_rows)
    done, total = 0, len(groups) + len(strips)
    report(done, total)
    parts = []
    for group, window in zip(groups, image.windows([shrink.span(*group) for group in groups]), strict=True):
        parts.append(shrink.rows(preprocessing.values(window), *group))
        done += 1
        report(done, total)
    stacked = model.maps(np.clip(np.concatenate(parts), 0, 1)[None])[0]
    enlarge = RowsResize((stacked.shape[0], stacked.shape[1]), shape[::-1], linear_weights)
    for strip, pixels in zip(strips, image.windows(strips), strict=True):
        start, stop = enlarge.span(*strip)
        rows = enlarge.rows(stacked[start:stop], *strip)
        yield pixels, PredictedMaps.of(np.clip(rows, 0, 1), model.outputs)
        done += 1
        report(done, total)


def _scaled(
    model: LoadedModel, preprocessing: Preprocessing, image: ImageRows, report: ProgressCallback
) -> Iterator[PredictedRows]:
    """For an image that is too large for it even after resizing: one row of tiles of the resized image after the other."""
    shape = (image.height, image.width)
    width, height = preprocessing.size or shape[::-1]
    resize = _to_input(preprocessing, shape)
    back = RowsResize((height, width), shape[::-1], linear_weights)
    side, margin, align = tiling(model.config, width)
    bands, columns = (tiles_along_axis(length, side, margin, align) for length in (height, width))
    ends = [back.complete(band.core_stop) for band in bands[:-1]] + [image.height]
    starts = [0, *ends[:-1]]
    spans = [
        (min(first, start), max(last, end))
        for (first, last), start, end in zip(
            (resize.span(band.start, band.stop) for band in bands), starts, ends, strict=True
        )
    ]
    done, total = 0, len(bands) * len(columns)
    report(done, total)
    kept = np.empty((0, width, model.map_count), np.float32)  # maps from row `top` of the resized image on
    top = 0
    windows = image.windows(spans)
    for band, (first, _), start, end, window in zip(bands, spans, starts, ends, windows, strict=True):
        inputs = np.clip(np.concatenate(list(_input_rows(resize, preprocessing, band, window, first, image))), 0, 1)
        stacked = np.empty((band.core_stop - band.core_start, width, model.map_count), np.float32)
        for column in columns:
            maps = model.maps(inputs[None, :, column.start : column.stop])
            stacked[:, column.core_start : column.core_stop] = maps[0, band.core, column.core]
            del maps
            done += 1
            report(done, total)
        kept = np.concatenate([kept, stacked])
        for offset, stop in spans_of(end - start, image.strip_rows):
            strip = start + offset, start + stop
            lowest, highest = back.span(*strip)
            rows = back.rows(kept[lowest - top : highest - top], *strip)
            yield (
                window[strip[0] - first : strip[1] - first].copy(),
                PredictedMaps.of(np.clip(rows, 0, 1), model.outputs),
            )
        if end < image.height:
            needed = back.span(end, end + 1)[0]
            kept, top = kept[needed - top :], needed
        del window, inputs, stacked  # before those of the next band are made


def _input_rows(
    resize: RowsResize, preprocessing: Preprocessing, band: Tile, window: np.ndarray, first: int, image: ImageRows
) -> Iterator[np.ndarray]:
    """The rows of the network's input for a row of tiles, from rows of the image of which the first is number `first`."""
    top = band.start
    while top < band.stop:
        bottom = top + 1
        start, stop = resize.span(top, bottom)
        while bottom < band.stop and resize.span(top, bottom + 1)[1] - start <= image.strip_rows:
            bottom += 1
            start, stop = resize.span(top, bottom)
        yield resize.rows(preprocessing.values(window[start - first : stop - first]), top, bottom)
        top = bottom


def _to_input(preprocessing: Preprocessing, shape: tuple[int, int]) -> RowsResize:
    """The resizing of `preprocessing.image`, by rows."""
    size = preprocessing.size or shape[::-1]
    enlarged = preprocessing.diameter is not None and size[0] > shape[1]
    return RowsResize(shape, size, linear_weights if enlarged else area_weights)


def _groups(shrink: RowsResize, height: int, rows: int) -> list[tuple[int, int]]:
    """Consecutive rows [top, bottom) of the small image, each group of about so many rows of the large one, or of one row."""
    groups, top = [], 0
    for bottom in range(1, height + 1):
        start, stop = shrink.span(top, min(bottom + 1, height))
        if bottom == height or stop - start > rows:
            groups.append((top, bottom))
            top = bottom
    return groups
