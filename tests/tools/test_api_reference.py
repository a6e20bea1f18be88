"""The API reference: complete, up to date with the docstrings, and its examples run (test_public_names.py)."""

import doctest
import inspect
import io
from typing import Any

import pytest

import minunet
from tools import api_reference
from tools.api_reference import (
    IMPORTS,
    INTERNAL,
    PAGES,
    PROMISED,
    Docstring,
    PublicName,
    anchor,
    main,
    pages,
    public_names,
)

NAMES = {page: list(public_names(page)) for page in PAGES}
WRITE = "run: python tools/api_reference.py --write"


@pytest.mark.parametrize("page", PAGES)
def test_every_docstring_has_what_a_reader_needs(page):
    assert not {name.path: lacking for name in NAMES[page] if (lacking := name.problems())}


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


def test_every_public_name_is_on_a_page():
    paths = {name.path for names in NAMES.values() for name in names}
    for home in ("minunet", "minunet.functional", "minunet.nn", "minunet.optim"):
        module = minunet if home == "minunet" else getattr(minunet, home.partition(".")[2])
        for name in module.__all__:
            value = getattr(module, name)
            if (
                callable(value)
                and not inspect.ismodule(value)
                and (home, name) not in {("minunet", "UNet"), ("minunet", "ConvNet")}
            ):
                assert f"{home}.{name}" in paths
    for method in ("sum", "clip", "backward", "pad"):
        assert f"Tensor.{method}" in paths
    assert {"Module.features", "UNet.padded_size", "TrainedModel.predict", "TrainedModel.save"} <= paths
    assert "Conv2d.parameters" not in paths  # described at Module


def test_members_that_are_named_exist():
    owners = {name.path.rpartition(".")[2]: name.value for names in NAMES.values() for name in names if not name.owner}
    for owner, members in (*INTERNAL.items(), *PROMISED.items()):
        assert [member for member in members if not hasattr(owners[owner], member)] == []


def good(x, *, y=1):
    """Add two numbers.

    More words.

    Parameters
    ----------
    x, y : float
        In pixels.

    Returns
    -------
    float
        Their sum.

    Raises
    ------
    ValueError
        If `x` is negative.

    Examples
    --------
    >>> good(1)
    2
    """
    if x < 0:
        raise ValueError("x is negative")
    return x + y


def bad(x, z) -> int:
    """Subtract.

    Parameters
    ----------
    x : int
    """
    raise ValueError


def test_what_a_docstring_lacks_is_found():
    assert PublicName("good", good).problems() == []
    assert PublicName("bad", bad).problems() == ["parameters z", "Returns", "Raises", "Examples"]
    assert PublicName("f", lambda: None).problems() == ["a summary", "Returns", "Examples"]


def test_a_docstring_is_taken_apart():
    doc = Docstring.of(good)
    assert doc.summary == "Add two numbers."
    assert list(doc.sections) == ["Parameters", "Returns", "Raises", "Examples"]
    assert doc.items("Parameters") == [("x, y : float", "In pixels.")]
    assert doc.names("Parameters") == {"x", "y"}
    text = "\n".join(api_reference.entry(PublicName("good", good)))
    assert "## good" in text and "good(x, *, y=1)" in text and "- `x, y`: float: In pixels." in text
    assert "```python\n>>> good(1)\n2\n```" in text and "tests/tools/test_api_reference.py" in text


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
