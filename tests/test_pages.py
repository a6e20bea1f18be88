"""The project's pages are true: their links, the files and names that they mention, and the commands that they show."""

import ast
import contextlib
import importlib
import importlib.util
import io
import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = [page for folder in (".", "docs", "docs/api", "benchmarks") for page in sorted((ROOT / folder).glob("*.md"))]
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
FENCED = re.compile(r"^```.*?^```$", flags=re.DOTALL | re.MULTILINE)
CODE = re.compile(r"`([^`\n]+)`")
PATH = re.compile(r"(?:minunet|tests|benchmarks|docs|tools|\.ci)/[\w./-]*")
# "`name` in `path`", also "`one`, `two` and `three` in `path`"; lines may break between any two words.
NAMES_IN_A_FILE = re.compile(r"((?:`[\w.]+`(?:, | and ))*`[\w.]+`) in `([\w./-]+\.\w+)`")
FLAG = re.compile(r"(?<![\w-])--[a-z][\w-]*")
INSTALLING = "--quiet --editable --help"  # flags in the README that are not ours
COMMAND = re.compile(r"python -m ((?:minunet|benchmarks)[\w.]*)")

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def links(page: Path) -> list[str]:
    """The targets of a page's links and pictures, except those on other sites."""
    targets = LINK.findall(CODE.sub("", FENCED.sub("", text_of(page))))
    return [target for target in targets if not re.match(r"[a-z]+:", target)]


def anchors(page: Path) -> list[str]:
    """The names by which links reach the headings of a page: lower case, dashes for spaces, no punctuation."""
    headings = re.findall(r"^#+ (.+)$", FENCED.sub("", text_of(page)), flags=re.MULTILINE)
    return [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings]


def definitions(path: Path) -> set[str]:
    """What a file defines at its top level, and the members of its classes as "Class.member"; of CUDA code, every word."""
    text = text_of(path)
    if path.suffix != ".py":
        return set(re.findall(r"\w+", text))
    names = set()
    for node in ast.parse(text).body:
        names |= set(_named(node))
        if isinstance(node, ast.ClassDef):
            names |= {f"{node.name}.{name}" for member in node.body for name in _named(member)}
    return names


def _named(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.ClassDef | ast.FunctionDef):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return [leaf.id for target in targets for leaf in ast.walk(target) if isinstance(leaf, ast.Name)]


@each_page
def test_every_relative_link_leads_somewhere(page):
    broken = []
    for target in links(page):
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if not file.exists() or (anchor and anchor not in anchors(file)):
            broken.append(target)
    assert not broken


@each_page
def test_every_file_and_folder_that_is_named_exists(page):
    paths = [code for code in CODE.findall(FENCED.sub("", text_of(page))) if PATH.fullmatch(code)]
    assert not [path for path in paths if not (ROOT / path).exists()]


@each_page
def test_every_name_is_defined_in_the_file_that_is_named_with_it(page):
    missing = []
    for names, path in NAMES_IN_A_FILE.findall(" ".join(text_of(page).split())):
        known = definitions(ROOT / path) if (ROOT / path).is_file() else set()
        missing += [f"{name} in {path}" for name in CODE.findall(names) if name not in known]
    assert not missing


@each_page
def test_every_command_exists(page):
    modules = {name.rstrip(".") for name in COMMAND.findall(text_of(page))}
    assert not [name for name in modules if importlib.util.find_spec(name) is None]


def flags_of(command: str) -> set[str]:
    """The flags in the help of a command."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said), pytest.raises(SystemExit) as leaving:
        importlib.import_module(command).main(["--help"])
    assert leaving.value.code == 0
    return set(FLAG.findall(said.getvalue()))


def test_every_flag_of_our_commands_exists():
    uses = [line for page in PAGES for line in re.findall(r"python -m (minunet\.[^`\n#]*)", text_of(page))]
    flags = {command: flags_of(command) for command in {use.split()[0] for use in uses}}
    assert not [use for use in uses if not flags[use.split()[0]].issuperset(FLAG.findall(use))]
    known = set().union(*flags.values())
    assert known >= set(FLAG.findall(text_of(ROOT / "README.md"))) - set(FLAG.findall(INSTALLING))


def test_the_readme_leads_to_every_page():
    targets = {(ROOT / target).resolve() for target in links(ROOT / "README.md")}
    assert not [page.name for page in PAGES if page.parent == ROOT / "docs" and page not in targets]


def examples_of(page: str) -> list[str]:
    """The Python code of a page, block by block."""
    return re.findall(r"^```python\n(.*?)^```$", text_of(ROOT / "docs" / page), re.DOTALL | re.MULTILINE)


def test_the_examples_of_how_it_works_run(capsys):
    first, own_loss = examples_of("how-it-works.md")
    exec(compile(first, "how-it-works.md", "exec"), {})
    assert "winograd" in capsys.readouterr().out
    names: dict[str, Any] = {}
    exec(compile(own_loss, "how-it-works.md", "exec"), names)
    assert names["losses"][-1] < 0.5 * names["losses"][0]


def test_the_example_of_the_numbers_prints_what_the_page_says(capsys):
    pytest.importorskip("scipy")
    (example,) = examples_of("trust.md")
    exec(compile(example, "trust.md", "exec"), {})
    (stated,) = re.findall(r"^```text\n(.*?)^```$", text_of(ROOT / "docs" / "trust.md"), re.DOTALL | re.MULTILINE)
    assert capsys.readouterr().out == stated


def test_the_examples_of_winograd_hold():
    names: dict[str, Any] = {}
    examples = examples_of("winograd.md")
    assert sum(example.count("assert ") for example in examples) >= 6
    for example in examples:
        exec(compile(example, "winograd.md", "exec"), names)


def test_the_kernel_that_is_read_line_by_line_is_that_of_the_file():
    quoted = re.findall(r"^```cuda\n(.*?)^```$", text_of(ROOT / "docs" / "cuda-kernel.md"), re.DOTALL | re.MULTILINE)
    code = text_of(ROOT / "minunet" / "kernels" / "cuda" / "convolution.cu")
    code = code[code.index("#include") :]  # what is before is the comment at its head
    assert [line for line in "".join(quoted).splitlines() if line] == [line for line in code.splitlines() if line]


def test_the_map_is_checked_where_it_names_functions():
    """The checks above find nothing wrong on a page whose names they do not see."""
    text = " ".join(text_of(ROOT / "docs" / "map.md").split())
    assert len(NAMES_IN_A_FILE.findall(text)) > 80
    assert {"Add", "Power"} <= {name for names, _ in NAMES_IN_A_FILE.findall(text) for name in CODE.findall(names)}
    assert definitions(ROOT / "minunet" / "nn" / "unet.py") >= {"UNet", "UNet.forward", "MAX_DEPTH"}
