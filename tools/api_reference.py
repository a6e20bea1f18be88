"""The API reference, docs/api.md and the pages of docs/api/, made from the docstrings of minunet's public names.

    python tools/api_reference.py            # say which pages are not up to date, and what docstrings lack
    python tools/api_reference.py --write    # write the pages

A docstring of numpydoc's form has a summary, then sections: Parameters, Returns, Raises, Notes, Examples.
"""

from __future__ import annotations

import argparse
import importlib
import inspect
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

SECTIONS = ("Parameters", "Returns", "Yields", "Raises", "Attributes", "Notes", "References", "See Also", "Examples")
LISTS = ("Parameters", "Returns", "Yields", "Raises", "Attributes")
MADE = "Made from the docstrings by `python tools/api_reference.py --write`: change them, not this page."
# Page -> (title, sentence, the objects on it as "module:name"; "module:*" is its __all__).
PAGES = {
    "models": (
        "Train, predict, count",
        "From images to a trained model, and from a model to probabilities and cells.",
        [
            "minunet:fit",
            "minunet:load_model",
            "minunet:save_model",
            "minunet.checkpoints.trained_model:TrainedModel",
            "minunet.inference.predicted_maps:PredictedMaps",
            "minunet.cells.cell_measures:Cells",
        ],
    ),
    "tensor": (
        "Tensors and derivatives",
        "Arrays that record the operations on them, so that their derivatives can be computed.",
        [
            "minunet:Tensor",
            "minunet:where",
            "minunet:maximum",
            "minunet:minimum",
            "minunet:no_grad",
            "minunet:gradcheck",
        ],
    ),
    "functional": (
        "minunet.functional",
        "The operations of networks as functions: tensors in, tensor out. Images are (N, H, W, C).",
        ["minunet.functional:*"],
    ),
    "nn": (
        "minunet.nn",
        "Layers and networks, which hold their parameters.",
        ["minunet.nn:*"],
    ),
    "optim": ("minunet.optim", "Optimizers, which change parameters by their gradients.", ["minunet.nn.optim:*"]),
    "machine": (
        "Layers and threads",
        "How a network will be computed, and with how many threads.",
        [
            "minunet:describe",
            "minunet.summary.table:Description",
            "minunet:set_num_threads",
            "minunet:get_num_threads",
        ],
    ),
}
# Page -> what its examples need; those that import something themselves need nothing.
IMPORTS = {
    "models": """import tempfile

import numpy as np
from minunet import UNet, save_model
from minunet.cells.cell_measures import Cells, measure_cells
from minunet.checkpoints.trained_model import TrainedModel
from minunet.data.reading.preprocessing import Preprocessing
from minunet.inference.predicted_maps import PredictedMaps""",
    "tensor": "import numpy as np\nfrom minunet import Tensor, gradcheck",
    "functional": "import numpy as np\nfrom minunet.functional import *",
    "nn": "import numpy as np\nfrom minunet.nn import *",
    "optim": "import numpy as np\nfrom minunet import Tensor\nfrom minunet.optim import *",
    "machine": "from minunet import describe, get_num_threads, set_num_threads",
}
# Members that other parts of minunet call, and users do not.
INTERNAL = {
    "Cells": ("count", "index"),
    "Optimizer": ("problems_of", "settings"),
    "Tensor": ("accumulate", "edge"),
}
# Classes most of whose members are for other parts of minunet: those that users call.
PROMISED = {
    "TrainedModel": (
        "cell_settings",
        "cells",
        "device",
        "diameter",
        "estimate_diameter",
        "evaluate",
        "features",
        "precision",
        "predict",
        "predict_many",
        "predict_outputs",
        "save",
        "summary",
        "to",
        "unlike",
    ),
    "PredictedMaps": ("classes", "classes_above"),
}
# Where a name is reached by users, if not where it is defined.
HOMES = {"minunet.nn.optim": "minunet.optim"}


@dataclass
class Docstring:
    """A docstring of numpydoc's form, in parts: the text before the first section, and the sections by their names."""

    text: str
    sections: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, value: Any) -> Docstring:
        lines = (inspect.getdoc(value) or "").splitlines()
        parts: dict[str, list[str]] = {"": []}
        name = ""
        for k, line in enumerate(lines):
            below = lines[k + 1] if k + 1 < len(lines) else ""
            if line in SECTIONS and re.fullmatch("-{3,}", below):
                name = line
                parts[name] = []
            elif not (re.fullmatch("-{3,}", line) and k and lines[k - 1] == name):
                parts[name].append(line)
        texts = {part: "\n".join(content).strip() for part, content in parts.items()}
        return cls(texts.pop(""), texts)

    @property
    def summary(self) -> str:
        """The first paragraph, in one line."""
        return " ".join(self.text.partition("\n\n")[0].split())

    def items(self, section: str) -> list[tuple[str, str]]:
        """(head, description) of the entries of a section such as Parameters."""
        entries: list[tuple[str, list[str]]] = []
        for line in self.sections.get(section, "").splitlines():
            if line and not line.startswith(" "):
                entries.append((line.strip(), []))
            elif entries:
                entries[-1][1].append(line.strip())
        return [(head, " ".join(filter(None, lines))) for head, lines in entries]

    def names(self, section: str) -> set[str]:
        """The names of the entries of a section; "a, b : int" are two."""
        heads = [head.partition(":")[0] for head, _ in self.items(section)]
        return {name.strip().lstrip("*") for head in heads for name in head.split(",")}


@dataclass(frozen=True)
class PublicName:
    """A function, class or method of the reference."""

    path: str  # as users write it, such as "minunet.functional.conv2d" or "Tensor.sum"
    value: Any
    owner: type | None = None  # of a method or property

    @property
    def is_property(self) -> bool:
        return isinstance(self.value, property)

    @property
    def is_result(self) -> bool:
        """Whether it is a class of objects that users get from a function."""
        return inspect.isclass(self.value) and not self.path.startswith("minunet.")

    @property
    def docstring(self) -> Docstring:
        doc = Docstring.of(self.value)
        if self.owner is not None:  # users have the class that is on the page, not its base
            doc.sections = {
                name: text.replace("LoadedModel", self.owner.__name__) for name, text in doc.sections.items()
            }
        return doc

    def parameters(self) -> list[inspect.Parameter]:
        """Those of the call, without self."""
        if self.is_property:
            return []
        call = self.value.__init__ if inspect.isclass(self.value) else self.value
        if call is object.__init__:
            return []
        given = list(inspect.signature(call).parameters.values())
        bound = inspect.isclass(self.value) or (self.owner is not None and inspect.isfunction(self.value))
        return given[1:] if bound else given

    def signature(self) -> str:
        """The call, without types."""
        if self.is_property:
            return self.path
        bare = [p.replace(annotation=inspect.Parameter.empty) for p in self.parameters()]
        return f"{self.path}{inspect.Signature(bare)}"

    def source(self) -> str:
        """The file that defines it, from the root of the repository."""
        value = self.value.fget if self.is_property else inspect.unwrap(self.value)
        return f"{value.__module__.replace('.', '/')}.py"

    def problems(self) -> list[str]:
        """What the docstring lacks."""
        doc = self.docstring
        lacking = [] if doc.summary else ["a summary"]
        if self.is_property:
            return lacking
        known = doc.names("Parameters") | (doc.names("Attributes") if self.is_result else set())
        missing = [p.name for p in self.parameters() if p.name not in known]
        if missing:
            lacking.append(f"parameters {', '.join(missing)}")
        if not inspect.isclass(self.value):
            returned = inspect.signature(self.value).return_annotation
            if returned not in ("None", None) and not {"Returns", "Yields"} & doc.sections.keys():
                lacking.append("Returns")
        if "Raises" not in doc.sections and self._raises():
            lacking.append("Raises")
        if ">>> " not in doc.sections.get("Examples", ""):
            lacking.append("Examples")
        return lacking

    def _raises(self) -> bool:
        try:
            call = self.value.__init__ if inspect.isclass(self.value) else self.value
            return re.search(r"^\s+raise \w", inspect.getsource(inspect.unwrap(call)), re.MULTILINE) is not None
        except (OSError, TypeError):
            return False


def public_names(page: str) -> Iterator[PublicName]:
    """The functions and classes of a page, each class followed by its public methods and properties."""
    for place in PAGES[page][2]:
        module_name, _, chosen = place.partition(":")
        module = importlib.import_module(module_name)
        home = HOMES.get(module_name, module_name)
        for name in sorted(module.__all__, key=str.lower) if chosen == "*" else [chosen]:
            value = getattr(module, name)
            if inspect.ismodule(value):
                continue
            yield PublicName(f"{home}.{name}" if not _is_result(module_name) else name, value)
            if inspect.isclass(value):
                yield from _members(name, value)


def _is_result(module: str) -> bool:
    """Whether users get objects of the class from a function, and do not import it."""
    return module not in ("minunet", "minunet.functional", "minunet.nn", *HOMES)


def _members(name: str, owner: type) -> Iterator[PublicName]:
    """The public methods and properties of a class that are not those of a base class of the reference."""
    bases = [base for base in owner.__mro__[1:] if base.__name__ in ("Module", "Optimizer", "Tensor")]
    for member in sorted(set(dir(owner))):
        if member.startswith("_") or member == "forward" or member in INTERNAL.get(name, ()):
            continue
        if member not in PROMISED.get(name, (member,)):
            continue
        value = inspect.getattr_static(owner, member)
        of_bases = [inspect.getattr_static(base, member) for base in bases if hasattr(base, member)]
        if of_bases and (value in of_bases or not value.__doc__):
            continue  # described at the base class
        if isinstance(value, (staticmethod, classmethod)):
            value = getattr(owner, member)
        if isinstance(value, property) or inspect.isroutine(value):
            yield PublicName(f"{name}.{member}", value, owner)


def page_text(page: str) -> str:
    """A page of the reference in Markdown."""
    title, sentence, _ = PAGES[page]
    lines = [f"# {title}", "", f"{sentence} [All names](../api.md)", "", MADE, ""]
    lines += ["The examples need:", "", "```python", IMPORTS[page], "```", ""]
    for name in public_names(page):
        lines += entry(name)
    return "\n".join(lines).rstrip() + "\n"


def entry(name: PublicName) -> Iterator[str]:
    """The lines of a page on one name."""
    doc = name.docstring
    yield from (f"{'###' if name.owner else '##'} {name.path}", "")
    if not name.is_property:
        yield from ("```text", name.signature(), "```", "")  # no code to be formatted
    yield from (doc.text, "")
    for section in SECTIONS:
        if section not in doc.sections:
            continue
        yield from (f"**{section}**", "")
        if section in LISTS:
            for head, description in doc.items(section):
                name_part, colon, kind = head.partition(" : ")
                yield f"- `{name_part}`{': ' + kind if colon else ''}" + (f": {description}" if description else "")
            yield ""
        elif section == "Examples":
            yield from ("```python", doc.sections[section], "```", "")
        else:
            yield from (doc.sections[section], "")
    if name.owner is None:
        yield from (f"Source: [{name.source()}](../../{name.source()})", "")


def index_text() -> str:
    """docs/api.md: every name with its summary, in a list for each page."""
    lines = [
        "# API reference",
        "",
        "Every public name of `minunet`, with shapes, units, errors and an example that runs in the tests.",
        "",
        MADE,
        "",
    ]
    for page, (title, sentence, _) in PAGES.items():
        lines += [
            f"## {title}",
            "",
            f"{sentence} [The page](api/{page}.md)",
            "",
            "| name | what it is |",
            "| --- | --- |",
        ]
        for name in public_names(page):
            if name.owner is None or not name.is_property:
                summary = name.docstring.summary.replace("|", "\\|")
                lines.append(f"| [{name.path}](api/{page}.md#{anchor(name.path)}) | {summary} |")
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def anchor(heading: str) -> str:
    """The name by which a link reaches a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def pages() -> dict[Path, str]:
    """The text of every page by its path."""
    texts = {ROOT / "docs" / "api" / f"{page}.md": page_text(page) for page in PAGES}
    return {ROOT / "docs" / "api.md": index_text(), **texts}


def main(argv: list[str] | None = None) -> int:
    """Compare or write the pages; 1 if a page is not up to date or a docstring lacks something."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="write the pages")
    arguments = parser.parse_args(argv)
    lacking = [(name.path, problems) for page in PAGES for name in public_names(page) if (problems := name.problems())]
    for path, problems in lacking:
        print(f"{path} lacks {'; '.join(problems)}")
    made = pages()
    old = [path for path, text in made.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    for path in old:
        if arguments.write:
            path.parent.mkdir(exist_ok=True)
            path.write_text(made[path], encoding="utf-8")
        print(f"{path.parent.name}/{path.name} {'was written' if arguments.write else 'is not up to date; --write it'}")
    return 1 if lacking or (old and not arguments.write) else 0


if __name__ == "__main__":
    sys.exit(main())
