"""The sections of a report: those that the reports of all commands share, and the sentences and facts in them."""

from __future__ import annotations

import io
import platform
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from minunet.cells.cell_settings import CellSettings
from minunet.checkpoints.pretrained import is_pretrained
from minunet.data.class_legend import ClassLegend
from minunet.data.reading.channels import describe_channels
from minunet.data.reading.preprocessing import Preprocessing
from minunet.files.json_files import is_finite_number
from minunet.files.reading import file_sha256, open_regular
from minunet.inference.loaded_model import LoadedModel
from minunet.results.matplotlib_figure import MatplotlibMissing
from minunet.results.report.report_page import ReportSection, ReportWarning
from minunet.results.report.report_plots import ReportPlot
from minunet.results.report.report_tables import report_table
from minunet.results.score_tables import TRIVIAL, csv_text
from minunet.runs.report_file import REPORT
from minunet.version import __version__
from minunet.wording import join_names, shorten

PACKAGES = ("numpy", "scipy", "scikit-image", "pillow", "tifffile", "safetensors", "matplotlib", "jinja2", "cupy")
PERCENT = ("count_error", "count_bias")  # scores that are shares
MOST_NAMED = 30  # images among the warnings
NO_PLOTS = "The plots are missing, because matplotlib is not installed: python -m pip install 'minunet[report]'"


def made_by() -> str:
    """When the report is made, and by which version."""
    return f"Made on {time.strftime('%Y-%m-%d at %H:%M')} by minunet {__version__}. All of it is in this file."


def pixel_sentence(what: str, scores: Mapping[str, Any]) -> str:
    """The scores of pixels beside those of the better of two trivial answers: every pixel is cell, every pixel is background."""
    shown = []
    for name, label in (("dice", "Dice"), ("accuracy", "accuracy")):
        if is_finite_number(scores.get(name)):
            beside = ""
            if is_finite_number(scores.get("baseline")):
                beside = f" (trivial: {TRIVIAL[name](1 - scores['baseline']):.4f})"
            shown.append(f"{label} {scores[name]:.4f}{beside}")
    trivial = " Trivial is the better of calling every pixel cell and calling every pixel background."
    return f"{what}: {', '.join(shown)}.{trivial}" if shown else f"{what}."


def score_text(scores: Mapping[str, Any], name: str) -> str:
    """A score as a report shows it; "none" where there is none."""
    value = scores.get(name)
    if not is_finite_number(value):
        return "none"
    assert isinstance(value, (int, float))
    if isinstance(value, int):
        return f"{value:,}"
    if name in PERCENT:
        return f"{100 * value:{'+' if name == 'count_bias' else ''}.1f} %"
    return f"{value:.4f}"


def class_section(
    scores: Mapping[str, Mapping[str, Any]] | None, legend: ClassLegend | None = None, source: str = "metrics.json"
) -> ReportSection:
    """A table with a row for each class; nothing for a model without classes.

    Parameters
    ----------
    scores : mapping or None
        By the name of the class: the columns of its row.
    legend : ClassLegend, optional
        Of the model, whose colours the pictures have.
    source : str
        The file with these numbers.
    """
    if not scores:
        return ReportSection("classes", "Classes")
    labels = {} if legend is None else dict(zip(legend.names, legend.described, strict=True))
    rows = [{"class": labels.get(name, name), **row} for name, row in scores.items()]
    lines = io.StringIO(csv_text(rows), newline="")
    return ReportSection(
        "classes", "Classes", legend=class_colours(legend), table=report_table(lines, "classes", source)
    )


def class_colours(legend: ClassLegend | None) -> list[tuple[Sequence[int], str]]:
    """The colour of each class and its name, for the legend of a section; none for a model without classes."""
    return [] if legend is None else [*zip(legend.colours.tolist(), legend.described, strict=True)]


def plots_section(name: str, heading: str, draw: Callable[[], Sequence[ReportPlot]], **parts: Any) -> ReportSection:
    """A section of plots; without matplotlib it says how to get them. `draw` makes the plots."""
    try:
        return ReportSection(name, heading, plots=draw(), **parts)
    except MatplotlibMissing:
        return ReportSection(name, heading, paragraphs=[NO_PLOTS], **parts)


def named_warnings(notes: Sequence[tuple[str, str]], source: str) -> list[ReportWarning]:
    """A warning for each image with its notes, as (name, notes); images with the same notes share one.

    Where there are many, `source` is the file with all of them.
    """
    names: dict[str, list[str]] = {}
    for name, note in notes:
        names.setdefault(note, []).append(name)
    shown = [*names.items()][:MOST_NAMED]
    warnings = [ReportWarning(note, join_names(of, 3)) for note, of in shown]
    left = len(notes) - sum(len(of) for _, of in shown)
    if left:
        warnings.append(ReportWarning(f"and {left:,} more images: see {source}."))
    return warnings


def reading_section(
    preprocessing: Preprocessing, *, masks: str = "", cells: Sequence[tuple[str, str]] = ()
) -> ReportSection:
    """How masks and images were turned into numbers.

    Parameters
    ----------
    preprocessing : Preprocessing
    masks : str
        Whose masks these are.
    cells : sequence of (str, str)
        How cells are separated.
    """
    reading, image_range, size = preprocessing.reading, preprocessing.range, preprocessing.size
    if preprocessing.diameter is not None:
        brought = f"cells brought to {preprocessing.diameter:g} pixels across"
    else:
        brought = "their own" if size is None else f"resized to {size[0]}x{size[1]} pixels"
    read = "each by a threshold of its own" if reading is None else reading.describe()
    facts = [
        (f"masks{masks}", read),
        (
            "range of the images",
            "the largest number of its type is white in each image" if image_range is None else image_range.describe(),
        ),
        ("channels", describe_channels(preprocessing.channels)),
        ("size", brought),
        *cells,
    ]
    return ReportSection("reading", "How masks and images are read", facts=facts)


def model_facts(model: LoadedModel) -> list[tuple[str, str]]:
    """Which model it is, and what it takes."""
    path = "the one that comes with minunet" if is_pretrained(model.path) else str(model.path)
    return [("model", path), ("network", model.summary())]


def cell_facts(settings: CellSettings, *, chosen: bool) -> list[tuple[str, str]]:
    """How cells are separated."""
    source = "chosen on the validation images" if chosen else "the defaults"
    values = ", ".join(f"{name.replace('_', ' ')} {value:g}" for name, value in settings.to_dict().items())
    return [("cells", f"{values} ({source})")]


def software_section(folder: Path, hashed: Iterable[Path], extra: Sequence[tuple[str, str]] = ()) -> ReportSection:
    """The versions of what was used, and the SHA-256 of files.

    Parameters
    ----------
    folder : Path
        Of the results; files within it are named without it.
    hashed : iterable of Path
        Those that are missing are left out.
    extra : sequence of (str, str)
        Other facts, which come first.
    """
    facts = [
        *extra,
        ("minunet", __version__),
        ("Python", platform.python_version()),
        *((name, found) for name in PACKAGES if (found := _version(name)) is not None),
        ("machine", platform.platform()),
        *(
            (f"SHA-256 of {path.name if path.parent == folder else path}", digest)
            for path in hashed
            if (digest := sha256(path)) is not None
        ),
    ]
    return ReportSection("software", "Versions and hashes", facts=facts, folded=True)


def settings_facts(settings: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Settings by their names."""
    return [(name, shorten(as_text(value), 2000)) for name, value in settings.items()]


def as_text(value: Any) -> str:
    """The value of a setting as text."""
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {as_text(item)}" for name, item in value.items() if item is not None)
    if isinstance(value, (list, tuple)):
        return ", ".join(map(as_text, value))
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "none"}[value]
    return f"{value:g}" if isinstance(value, float) else str(value)


def files_section(folder: Path, contents: Mapping[str, str]) -> ReportSection:
    """The files beside the report, and what they are."""
    there = [(name, what) for name, what in contents.items() if name != REPORT and (folder / name).exists()]
    return ReportSection("files", "Files beside this report", facts=there)


def table_lines(path: Path) -> Iterator[str]:
    """The lines of a CSV file, one at a time."""
    with open_regular(path) as file:
        for line in file:
            yield line.decode("utf-8", "backslashreplace")


def sha256(path: Path) -> str | None:
    """The hash of a file's content, in hexadecimal digits; None where it cannot be read."""
    try:
        return file_sha256(path)
    except OSError:
        return None


def _version(name: str) -> str | None:
    from importlib.metadata import PackageNotFoundError, version  # slow to import

    for package in (name, *(f"{name}-cuda{number}x" for number in (12, 13) if name == "cupy")):
        try:
            return version(package)
        except PackageNotFoundError:
            continue
    return None
