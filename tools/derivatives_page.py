"""The table of docs/derivatives.md: every operation with its value and the gradient of each input, from the docstrings.

python tools/derivatives_page.py --write    # write the page; without --write, say whether it is up to date
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

import minunet.autograd  # noqa: E402
import minunet.functional  # noqa: E402
from minunet.autograd import Function  # noqa: E402
from minunet.autograd.arithmetic import Elementwise  # noqa: E402

PAGE = ROOT / "docs" / "derivatives.md"
FORMULA = re.compile(r"(?:y|d[a-z]+)(?:_k|\[.*?\])? = \S")
HEAD = """# Operations and their derivatives

Every operation that tensors record: its value y, and the gradient of the loss with respect to each input; g is the gradient of the
loss with respect to y. `dx = g y` means that each element of the gradient of x is that of g times that of y. Where shapes were
broadcast, the gradient is also summed over the broadcast axes.

Made from the docstrings of the operations by `python tools/derivatives_page.py --write`: change them, not this page. The tests
check the gradients against finite differences with `minunet.gradcheck` ([How it works](how-it-works.md)). What
the backward pass needs is kept by `self.save`; a ReLU keeps its output only, since its gradient depends on y > 0 alone.

"""


def operations() -> Iterator[type[Function]]:
    """The subclasses of Function in autograd and functional; not the base classes."""
    for package in (minunet.autograd, minunet.functional):
        for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            for name, value in vars(importlib.import_module(module.name)).items():
                is_operation = (
                    inspect.isclass(value) and issubclass(value, Function) and value.__module__ == module.name
                )
                is_base = name.startswith("_") or value is Elementwise
                if is_operation and value.forward is not Function.forward and not is_base:
                    yield value


def page() -> str:
    """The text of the page."""
    rows = ["| operation | value and gradients | file |", "| --- | --- | --- |"]
    for operation in operations():
        lines = (inspect.getdoc(operation) or "").splitlines()
        formulas = "<br>".join(_code(line) for line in lines if FORMULA.match(line))
        words = " ".join(_text(line) for line in lines if line and not FORMULA.match(line))
        file = operation.__module__.replace(".", "/") + ".py"
        rows.append(f"| **{operation.__name__}**<br>{words} | {formulas} | `{file}` |")
    return HEAD + "\n".join(rows) + "\n"


def _text(line: str) -> str:
    return re.sub(r"([|*_<>\[\]])", r"\\\1", line) if "`" not in line else line


def _code(formula: str) -> str:
    """A formula as code; a vertical line would end the cell of the table."""
    return f"`{formula}`" if "|" not in formula else f"<code>{formula.replace('|', '&#124;')}</code>"


def main() -> int:
    """Write the page, or say that it is not up to date (exit code 1)."""
    text = page()
    if "--write" in sys.argv[1:]:
        PAGE.write_text(text, encoding="utf-8")
    elif PAGE.read_text(encoding="utf-8") != text:
        print("docs/derivatives.md is not up to date: python tools/derivatives_page.py --write", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
