"""The pages of the site: links that lead out of docs/, and the navigation."""

import re
from pathlib import Path

import pytest

from tools.site_pages import without_links_outside

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("speed.md", "[all of them](../benchmarks/README.md)", "all of them (`benchmarks/README.md`)"),
        ("gpu.md", "[the\nguide](../CONTRIBUTING.md#change-cuda-code)", "the guide (`CONTRIBUTING.md`)"),
        ("gpu.md", "[CONTRIBUTING.md](../CONTRIBUTING.md)", "`CONTRIBUTING.md`"),
        ("api/nn.md", "[`minunet/nn/unet.py`](../../minunet/nn/unet.py)", "`minunet/nn/unet.py`"),
        ("api/nn.md", "[all](../api.md) [next](tensor.md#where)", "[all](../api.md) [next](tensor.md#where)"),
        ("cells.md", "![sheet](sheet.png) [here](#files)", "![sheet](sheet.png) [here](#files)"),
        ("cells.md", "[site](https://example.org/../x)", "[site](https://example.org/../x)"),
        ("cells.md", "[mail](mailto:a@b.c)", "[mail](mailto:a@b.c)"),
        ("cells.md", "`a[0](../x)`", "`a[0](../x)`"),
        ("cells.md", "```\n[a](../b.md)\n```", "```\n[a](../b.md)\n```"),
    ],
)  # fmt: skip
def test_only_links_to_files_outside_of_docs_become_text(path, text, expected):
    assert without_links_outside(text, path) == expected


def navigation(text):
    """The pages that the navigation of mkdocs.yml names, in order."""
    return re.findall(r"^ +- [^\n]*?: (\S+\.md)$", text.partition("\nnav:\n")[2], re.MULTILINE)


def test_the_navigation_leads_to_every_page_once():
    pages = navigation((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    assert sorted(pages) == sorted(path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md"))


def test_nothing_of_the_site_comes_from_the_network():
    settings = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    assert "font: false" in settings  # else from Google
    assert not re.search(
        r"^(repo_url|extra_css|extra_javascript|  icon|  - (offline|privacy|social))\b", settings, re.MULTILINE
    )
    assert not re.search(r"https?:", settings)


def test_ci_builds_the_site_so_that_warnings_are_errors():
    """With --quiet, MkDocs does not see its own warnings, and --strict passes whatever they are."""
    (command,) = re.findall(
        r"^.* -m mkdocs build .*$", (ROOT / ".ci" / "run").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert "--strict" in command
    assert "--quiet" not in command
    assert " -q" not in command
