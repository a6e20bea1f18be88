"""Collected source: the definitions of this package that some functions need, put together as one Python file.

Only what is reached by its name is taken, of a class only the methods that are called; the text is that of the modules, with its
comments and docstrings.
"""

from __future__ import annotations

import ast
import functools
import importlib.util
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

PACKAGE = "minunet"
Place = tuple[str, str]  # a module and a name in it
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_FOR_CHECKERS = re.compile(r"\s*# (type: ignore\[[^\]]*\]|noqa: \S+)")


@dataclass(eq=False)
class ModuleSource:
    """A module of the package: its definitions and what its imported names stand for.

    Attributes
    ----------
    name : str
        Such as "minunet.data.tiling".
    lines : list of str
    summary : str
        The first paragraph of the docstring.
    definitions : dict of str to ast.stmt
        By every name that they bind.
    imports : dict of str to str
        The import statements of other packages, by the name that each binds.
    origins : dict of str to Place
        Where the names come from that are imported from this package.
    """

    name: str
    lines: list[str]
    summary: str
    definitions: dict[str, ast.stmt] = field(default_factory=dict)
    imports: dict[str, str] = field(default_factory=dict)
    origins: dict[str, Place] = field(default_factory=dict)

    @classmethod
    @functools.cache
    def of(cls, name: str) -> ModuleSource:
        """The source of a module, which is read but not run."""
        spec = importlib.util.find_spec(name)
        assert spec is not None and spec.origin is not None, name
        text = Path(spec.origin).read_text(encoding="utf-8")
        tree = ast.parse(text)
        source = cls(name, text.splitlines(), (ast.get_docstring(tree) or "").partition("\n\n")[0])
        for node in tree.body:
            source._add(node)
        return source

    def _add(self, node: ast.stmt) -> None:
        if isinstance(node, ast.Import):
            for alias in node.names:
                text = f"import {alias.name}" + (f" as {alias.asname}" if alias.asname else "")
                self.imports[alias.asname or alias.name.partition(".")[0]] = text
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                if str(node.module).split(".")[0] == PACKAGE:
                    self.origins[alias.asname or alias.name] = str(node.module), alias.name
                else:
                    text = f"from {node.module} import {alias.name}"
                    self.imports[alias.asname or alias.name] = text + (f" as {alias.asname}" if alias.asname else "")
        elif isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            for statement in node.body:  # annotations name them
                self._add(statement)
        elif isinstance(node, (*_FUNCTIONS, ast.ClassDef)):
            self.definitions[node.name] = node
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                for part in ast.walk(target):
                    if isinstance(part, ast.Name):
                        self.definitions[part.id] = node

    def first_line(self, node: ast.stmt) -> int:
        """The line where a definition begins, from 0: that of its decorators, or of the comments directly above it."""
        decorators = getattr(node, "decorator_list", [])
        first = min([node.lineno, *(decorator.lineno for decorator in decorators)]) - 1
        while first and self.lines[first - 1].strip().startswith("#"):
            first -= 1
        return first


class CollectedSource:
    """The definitions that are reached from some of them.

    Parameters
    ----------
    roots : iterable of Place
        The definitions to begin with.
    replaced : mapping of Place to Place
        Definitions in whose place others are taken.

    Raises
    ------
    ValueError
        If a definition uses a module of the package as a whole, or two modules have different things of one name.
    """

    def __init__(self, roots: Iterable[Place], replaced: Mapping[Place, Place] | None = None):
        self._replaced = dict(replaced or {})
        self._taken: dict[Place, ast.stmt] = {}  # in the order in which they are reached
        self._dropped: dict[Place, dict[str, ast.stmt]] = {}  # methods of classes that nobody has called yet
        self._attributes: set[str] = set()
        self._needs: dict[str, set[str]] = {}  # which modules each module uses
        self.imports: set[str] = set()
        for place in roots:
            self._take(place)
        while called := [
            (place, name) for place, methods in self._dropped.items() for name in methods if name in self._attributes
        ]:
            for place, name in called:
                self._use(place[0], self._dropped[place].pop(name))
        self._check_names()

    def sections(self) -> Iterator[tuple[ModuleSource, list[str]]]:
        """Each module with the lines that are taken of it; what a module uses comes before it."""
        for module in self._ordered():
            source = ModuleSource.of(module)
            nodes = dict.fromkeys(node for (home, _), node in self._taken.items() if home == module)
            lines: list[str] = []
            for node in sorted(nodes, key=lambda node: node.lineno):
                apart = isinstance(node, (*_FUNCTIONS, ast.ClassDef))
                part = list(self._text(source, node))
                follows = lines and not apart and not lines[-1].startswith((" ", "\t", ")", "]", "}"))
                lines += [*([] if follows or not lines else ["", ""] if apart else [""]), *part]
            yield source, lines

    def _take(self, place: Place) -> None:
        place = self._replaced.get(place, place)
        if place in self._taken:
            return
        module, name = place
        source = ModuleSource.of(module)
        if name not in source.definitions:
            raise ValueError(f"{module} has no definition of {name}")
        node = source.definitions[name]
        self._taken[place] = node
        if isinstance(node, ast.ClassDef):
            methods = {part.name: part for part in node.body if isinstance(part, _FUNCTIONS) and part.name[:2] != "__"}
            self._dropped[place] = dict(methods)
            parts = [part for part in node.body if part not in methods.values()]
            for part in [*parts, *node.decorator_list, *node.bases]:
                self._use(module, part)
        else:
            self._use(module, node)

    def _use(self, module: str, node: ast.AST) -> None:
        """Take what a piece of code in a module uses."""
        source = ModuleSource.of(module)
        for part in ast.walk(node):
            if isinstance(part, ast.Attribute):
                self._attributes.add(part.attr)
            elif isinstance(part, (ast.Import, ast.ImportFrom)):
                raise ValueError(f"{module}, line {part.lineno}: an import within a function cannot be collected")
            elif isinstance(part, ast.Name):
                if part.id in source.imports:
                    self.imports.add(source.imports[part.id])
                elif part.id in source.definitions:
                    self._take((module, part.id))
                elif part.id in source.origins:
                    home = self._replaced.get(source.origins[part.id], source.origins[part.id])
                    if home[1] != part.id:
                        raise ValueError(f"{module}: {home[1]} is imported under another name, {part.id}")
                    self._take(home)
                    if home[0] != module:
                        self._needs.setdefault(module, set()).add(home[0])

    def _text(self, source: ModuleSource, node: ast.stmt) -> Iterator[str]:
        left_out: set[int] = set()
        if isinstance(node, ast.ClassDef):
            for method in self._dropped.get((source.name, node.name), {}).values():
                first, last = source.first_line(method), method.end_lineno or method.lineno
                left_out |= {*range(first - (not source.lines[first - 1].strip()), last)}
        for number in range(source.first_line(node), node.end_lineno or node.lineno):
            if number not in left_out:
                yield _FOR_CHECKERS.sub("", source.lines[number])

    def _ordered(self) -> list[str]:
        ordered: list[str] = []

        def visit(module: str) -> None:
            if module not in seen:
                seen.add(module)
                for other in sorted(self._needs.get(module, ())):
                    visit(other)
                ordered.append(module)

        seen: set[str] = set()
        for module, _ in self._taken:
            visit(module)
        return ordered

    def _check_names(self) -> None:
        homes: dict[str, set[str]] = {}
        for module, name in self._taken:
            homes.setdefault(name, set()).add(module)
        shared = [f"{name} ({', '.join(sorted(places))})" for name, places in homes.items() if len(places) > 1]
        if shared:
            raise ValueError(f"different things of one name: {'; '.join(sorted(shared))}")
