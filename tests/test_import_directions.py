"""Who imports whom in minunet: the table of docs/map.md is the rule, and every import statement is checked against it.

Each row names a package or a module at the top of minunet and what it may import; the rows go upward, so nothing imports a row
that comes later. Inside a package modules may import each other, but never in a circle.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import minunet

PACKAGE = Path(minunet.__file__).parent
MAP = PACKAGE.parent / "docs" / "map.md"
PUBLIC_NAMES = "__init__"  # the row of minunet itself, which only gathers the public names
EVERYTHING = "everything above"
ONLY_FOR = {
    "cli": [
        "runs",
        "inspection",
        "experiments",
        "train",
        "doctor",
        "evaluate",
        "predict",
        "compare",
        "describe",
        "show",
        "export",
        "import_model",
        "synthesize",
        "paper",
        "__main__",
    ]
}
# Tensor's methods are the operations, and the operations are made of Tensor.
CIRCLE_OF_TENSOR = "minunet.autograd"


def layers(text: str) -> dict[str, list[str]]:
    """The table under the heading "The layers": what each package or module may import, in the order of the rows."""
    section = text.partition("## The layers\n")[2].partition("\n## ")[0]
    rows = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("| `")]
    table: dict[str, list[str]] = {}
    for names, *_, allowed in rows:
        above = [*table]
        for name in re.findall(r"`(\w+)`", names):
            assert name not in table, f"{name} has two rows"
            table[name] = above if allowed.strip() == EVERYTHING else re.findall(r"`(\w+)`", allowed)
    return table


def modules() -> dict[str, Path]:
    """Every module of minunet by its name, such as "minunet.nn.unet"."""
    by_name = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        by_name[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return by_name


def row_of(module: str) -> str:
    """The row of the table that a module belongs to."""
    return f"{module}.{PUBLIC_NAMES}".split(".")[1]


def imported(path: Path, known: dict[str, Path]) -> Iterator[str]:
    """The modules of minunet that a file imports anywhere, also inside functions; those named in strings are not seen."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports name the whole path, from minunet..."
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            if name.split(".")[0] == "minunet":
                while name not in known:  # the name of a class or function
                    name = name.rpartition(".")[0]
                yield name


MODULES = modules()
LAYERS = layers(MAP.read_text(encoding="utf-8"))
IMPORTS = {name: sorted(set(imported(path, MODULES))) for name, path in MODULES.items()}


def test_every_package_and_module_has_a_row():
    assert sorted(LAYERS) == sorted({row_of(module) for module in MODULES})


def test_no_row_may_import_one_below_it_in_the_table():
    rows = list(LAYERS)
    upward = {row: set(allowed) - set(rows[: rows.index(row)]) for row, allowed in LAYERS.items()}
    assert not {row: names for row, names in upward.items() if names}


@pytest.mark.parametrize("row", sorted({row_of(module) for module in MODULES}))
def test_imports_are_those_of_the_table(row):
    wrong = [
        f"{module} imports {other}"
        for module, others in IMPORTS.items()
        for other in others
        if row_of(module) == row and row_of(other) not in (row, *LAYERS[row])
    ]
    assert not wrong


def test_what_the_commands_share_is_imported_by_them_only():
    for shared, allowed in ONLY_FOR.items():
        importers = {row_of(module) for module, others in IMPORTS.items() if any(row_of(o) == shared for o in others)}
        assert importers <= {shared, *allowed}


def circles(imports: dict[str, list[str]]) -> list[list[str]]:
    """The groups of modules that import each other in a circle, by way of any others (Tarjan's strongly connected components)."""
    index: dict[str, int] = {}
    lowest: dict[str, int] = {}
    stack: list[str] = []
    groups = []

    def visit(module: str) -> None:
        index[module] = lowest[module] = len(index)
        stack.append(module)
        for other in imports[module]:
            if other not in index:
                visit(other)
                lowest[module] = min(lowest[module], lowest[other])
            elif other in stack:
                lowest[module] = min(lowest[module], index[other])
        if lowest[module] == index[module]:
            group = stack[stack.index(module) :]
            del stack[stack.index(module) :]
            if len(group) > 1:
                groups.append(sorted(group))

    for module in imports:
        if module not in index:
            visit(module)
    return groups


def test_no_modules_import_each_other_in_a_circle():
    wrong = [group for group in circles(IMPORTS) if not all(m.startswith(CIRCLE_OF_TENSOR) for m in group)]
    assert not wrong


def test_the_rules_find_what_breaks_them():
    assert circles({"a": ["b"], "b": ["c"], "c": ["a"], "d": ["a"]}) == [["a", "b", "c"]]
    table = "## The layers\n\n| `a` | first | nothing |\n| `b` `c` | | `a` |\n| `d` | | everything above |\n\n## Next\n| `e` | | |"
    assert layers(table) == {"a": [], "b": ["a"], "c": ["a"], "d": ["a", "b", "c"]}
