"""The API reference, docs/api.md and the pages of docs/api/, made from the docstrings of minunet's public names.

python tools/api_reference.py            # say which pages are not up to date, and what docstrings lack
python tools/api_reference.py --write    # write the pages
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from tools.docstring import SECTIONS  # noqa: E402
from tools.documented_names import PAGES, PublicName, public_names  # noqa: E402

LISTS = ("Parameters", "Returns", "Yields", "Raises", "Attributes")
MADE = "Made from the docstrings by `python tools/api_reference.py --write`: change them, not this page."
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
