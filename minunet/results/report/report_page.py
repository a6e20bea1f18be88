"""The report page: what a report contains, as data, and how it becomes one HTML file.

Jinja2, an optional dependency, puts the data into the template `report.html` beside this file and escapes every text. The style
and the script are in the page, which allows no other: a browser that opens it makes no request.
"""

from __future__ import annotations

import base64
import hashlib
import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from minunet.errors import UserError
from minunet.results.report.report_pictures import ReportCase
from minunet.results.report.report_plots import ReportPlot
from minunet.results.report.report_tables import ReportTable

FOLDER = Path(__file__).parent
GENERATOR = '<meta name="generator" content="{}">'  # tells whose report a file is
REMEDY = "python -m pip install 'minunet[report]'"


@dataclass(frozen=True)
class ReportWarning:
    """A warning, with what it is about, such as "epoch 12" or the name of an image."""

    message: str
    about: str = ""


@dataclass(frozen=True)
class ReportSection:
    """A part of the page with a heading; whatever is empty is left out.

    Attributes
    ----------
    name : str
        In links within the page: letters, digits and dashes.
    heading : str
    paragraphs : sequence of str
    commands : sequence of str
        Each on a line of its own, to be copied.
    facts : sequence of (str, str)
        Names and values.
    plots : sequence of ReportPlot
    cases : sequence of ReportCase
        Images with their pictures.
    legend : sequence of ((int, int, int), str)
        Colours, and what they mean.
    table : ReportTable or None
    folded : bool
        Whether the reader opens it to see more than the heading.
    """

    name: str
    heading: str
    paragraphs: Sequence[str] = ()
    commands: Sequence[str] = ()
    facts: Sequence[tuple[str, str]] = ()
    plots: Sequence[ReportPlot] = ()
    cases: Sequence[ReportCase] = ()
    legend: Sequence[tuple[Sequence[int], str]] = ()
    table: ReportTable | None = None
    folded: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing below the heading."""
        return not (self.paragraphs or self.commands or self.facts or self.plots or self.cases or self.table)


@dataclass(frozen=True)
class ReportPage:
    """All that a report contains.

    Attributes
    ----------
    title : str
    summary : sequence of str
        The result in sentences.
    made : str
        When and by which version.
    warnings : sequence of ReportWarning
    numbers : sequence of (str, str)
        The most important numbers, each with its name.
    sections : sequence of ReportSection
    """

    title: str
    summary: Sequence[str] = ()
    made: str = ""
    warnings: Sequence[ReportWarning] = ()
    numbers: Sequence[tuple[str, str]] = ()
    sections: Sequence[ReportSection] = field(default_factory=tuple)


def missing_for_report() -> str | None:
    """A sentence on how to get reports where Jinja2 is missing; None where it is there. Nothing is imported to find out."""
    try:
        installed = importlib.util.find_spec("jinja2") is not None
    except (ImportError, ValueError):  # it was taken out of sys.modules
        installed = False
    return None if installed else f"report.html needs Jinja2, which is not installed: {REMEDY}"


def render_report(page: ReportPage, command: str) -> str:
    """The HTML of a page.

    Parameters
    ----------
    page : ReportPage
    command : str
        The module of the command whose results it shows, such as "minunet.train".

    Returns
    -------
    str

    Raises
    ------
    UserError
        If Jinja2 is not installed.
    """
    try:
        from jinja2 import Environment, FileSystemLoader, StrictUndefined
        from markupsafe import Markup
    except ImportError as error:
        raise UserError(f"report.html needs Jinja2, which cannot be imported: {REMEDY}.") from error
    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["shown"] = shown
    environment.filters["css"] = css_colour
    script = (FOLDER / "report.js").read_text(encoding="utf-8")
    return environment.get_template("report.html").render(
        page=page,
        generator=Markup(GENERATOR.format(command)),
        sections=[section for section in page.sections if not section.is_empty],
        style=Markup((FOLDER / "report.css").read_text(encoding="utf-8")),
        script=Markup(script),
        script_hash=base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii"),
        svg=Markup,
    )


def css_colour(colour: Sequence[int]) -> str:
    """A colour as the style of a page names it.

    Examples
    --------
    >>> css_colour((213, 94, 0))
    '#d55e00'
    """
    return f"#{bytes(colour).hex()}"


def shown(text: object) -> str:
    """A text as a page can show it: letters without a shape, such as those that turn the direction of the text, are escaped."""
    return "".join(letter if letter.isprintable() or letter == "\n" else ascii(letter)[1:-1] for letter in str(text))
