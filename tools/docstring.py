"""A docstring of numpydoc's form, taken apart: a summary, then sections such as Parameters, Returns, Raises, Notes, Examples."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass, field
from typing import Any

SECTIONS = ("Parameters", "Returns", "Yields", "Raises", "Attributes", "Notes", "References", "See Also", "Examples")


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
