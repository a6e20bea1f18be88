"""The files of the pictures of one image: written a few rows at a time, they get their names at the end."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path

from minunet.data.class_legend import ClassLegend
from minunet.files.atomic_write import cannot_write, replacing
from minunet.results.png_file import PngFile
from minunet.results.prediction import CLASSES, COMPRESS_LEVELS, NAME_SEPARATOR, Prediction, picture_kinds, result_files


class _PictureFile:
    """One of the pictures.

    Parameters
    ----------
    kind : str
        One of `PICTURES`, or `CLASSES`.
    path, temporary : Path
        The name that it will have, and the name until then.
    height : int
        Of the whole picture.
    legend : ClassLegend or None
        Of a model with classes: the picture of classes has their colours and their names.
    """

    def __init__(self, kind: str, path: Path, temporary: Path, height: int, legend: ClassLegend | None = None):
        self._kind, self._path = kind, path
        shown = legend if kind == CLASSES else None
        palette = None if shown is None else shown.colours
        # A name that holds the separator would be read as two: then the file names no classes.
        named = shown is not None and not any(NAME_SEPARATOR in name for name in shown.names)
        texts = {CLASSES: NAME_SEPARATOR.join(shown.names)} if shown is not None and named else {}
        with self._user_errors():
            self._file = io.BufferedWriter(io.FileIO(temporary, "wb"))
        self._png = PngFile(self._file, height, COMPRESS_LEVELS[kind], palette, texts)

    def write(self, prediction: Prediction) -> None:
        """Append the rows of a prediction."""
        with self._user_errors():
            self._png.write(prediction.pixels(self._kind))

    def finish(self) -> None:
        """Write the end of the file."""
        with self._user_errors():
            self._png.finish()
            self._file.close()

    def close(self) -> None:
        """Close the file, finished or not."""
        with contextlib.suppress(OSError):
            self._file.close()

    @contextlib.contextmanager
    def _user_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise cannot_write(self._path, error) from error


@contextlib.contextmanager
def picture_files(
    stem: Path, height: int, writers: ThreadPoolExecutor, legend: ClassLegend | None = None
) -> Iterator[Callable[[Prediction], None]]:
    """The files of the pictures of an image.

    Parameters
    ----------
    stem : Path
        The folder with the name of the image; missing folders are made.
    height : int
        Of the image.
    writers : ThreadPoolExecutor
        Writes all pictures at the same time: compression takes longer than the network.
    legend : ClassLegend, optional
        Of a model with classes: they are then a further picture.

    Yields
    ------
    callable
        Appends the rows of a `Prediction` to all pictures.

    Raises
    ------
    UserError
        If the system refuses.
    """
    classes = legend is not None
    paths, kinds = result_files(stem, classes=classes), picture_kinds(classes=classes)
    with contextlib.ExitStack() as stack:
        temporaries = [stack.enter_context(replacing(path)) for path in paths]
        pictures = [_PictureFile(*names, height, legend) for names in zip(kinds, paths, temporaries, strict=True)]
        for picture in pictures:
            stack.callback(picture.close)
        jobs: list[Future[None]] = []
        stack.callback(lambda: wait(jobs))

        def write(prediction: Prediction) -> None:
            _wait(jobs)
            jobs[:] = [writers.submit(picture.write, prediction) for picture in pictures]

        yield write
        _wait(jobs)
        jobs[:] = [writers.submit(picture.finish) for picture in pictures]
        _wait(jobs)


def _wait(jobs: list[Future[None]]) -> None:
    for job in jobs:
        job.result()
