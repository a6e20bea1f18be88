"""The API reference: up to date with the docstrings, and its examples run (test_public_names.py)."""

import doctest
import io
from typing import Any

import pytest

from tests.tools.test_docstring import good
from tests.tools.test_documented_names import NAMES
from tools import api_reference
from tools.api_reference import IMPORTS, anchor, main, pages
from tools.documented_names import PAGES, PublicName

WRITE = "run: python tools/api_reference.py --write"


@pytest.mark.parametrize("page", PAGES)
def test_every_example_runs(page):
    assert not [name.path for name in NAMES[page] if "+SKIP" in name.docstring.sections.get("Examples", "")]


@pytest.mark.parametrize("page", PAGES)
def test_the_examples_run_with_what_the_page_imports(page):
    """Also those that a class takes from its base; that of `fit` runs with its module."""
    names: dict[str, Any] = {}
    exec(IMPORTS[page], names)
    runner = doctest.DocTestRunner(verbose=False)
    said = io.StringIO()
    for name in NAMES[page]:
        text = name.docstring.sections.get("Examples", "")
        if name.path != "minunet.fit":
            test = doctest.DocTestParser().get_doctest(text, dict(names), name.path, None, None)
            runner.run(test, out=said.write)
    assert runner.failures == 0, said.getvalue()
    assert runner.tries > 3


def test_the_pages_are_up_to_date():
    old = [path.name for path, text in pages().items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    assert not old, WRITE
    assert set((api_reference.ROOT / "docs" / "api").iterdir()) <= set(pages()), "a page that nothing makes"


def test_an_entry_has_the_call_the_sections_and_the_file():
    text = "\n".join(api_reference.entry(PublicName("good", good)))
    assert "## good" in text and "good(x, *, y=1)" in text and "- `x, y`: float: In pixels." in text
    assert "```python\n>>> good(1)\n2\n```" in text and "tests/tools/test_docstring.py" in text


def test_links_reach_the_headings():
    assert anchor("minunet.functional.max_pool2d") == "minunetfunctionalmax_pool2d"


def test_the_tool_says_what_is_old_and_writes_it(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(api_reference, "pages", lambda: {tmp_path / "api" / "x.md": "text"})
    assert main([]) == 1
    assert "x.md is not up to date; --write it" in capsys.readouterr().out
    assert main(["--write"]) == 0
    assert "x.md was written" in capsys.readouterr().out
    assert main([]) == 0
    assert (tmp_path / "api" / "x.md").read_text() == "text"
