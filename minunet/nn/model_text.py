"""The text of a module: its layers with their settings, the shapes of their weights and their numbers of parameters.

A network is a table of at most `MAX_LINES` lines, in which the parts of a large one are put together.
"""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from minunet.autograd import Tensor

MAX_LINES = 20
HEADINGS = ("name", "layer", "weights", "parameters")
LONGEST = 48  # characters of the settings of a layer, and of the shapes of a part's weights


class ModelPart(NamedTuple):
    """A row of the table: a layer, a part of the network with all that is in it, or what a part has beside its sub-modules."""

    name: str
    module: Any
    whole: bool


def model_text(module: Any) -> str:
    """One line for a layer, a table for a module with others in it."""
    count = sum(p.size for _, p in module.named_parameters())
    others = {str(p.dtype) for _, p in module.named_parameters()} - {"float32"}
    total = f"{count:,} parameters" + (f" of {', '.join(sorted(others))}" if others else "")
    if module.device != "cpu":
        total += f", on {module.device}"
    first = layer_text(module)
    if not any(module.children()):
        shapes = ", ".join(f"{name} {shape}" for name, shape in own_shapes(module))
        return f"{first}: {shapes}; {total}" if shapes else first
    counted: set[int] = set()
    rows = [HEADINGS, *(_row(part, counted) for part in _parts(module))]
    widths = [max(len(row[k]) for row in rows) for k in range(3)]
    lines = [
        "  " + "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[3]]).rstrip()
        for row in rows
    ]
    most = MAX_LINES - 1
    if len(lines) > most:
        middle = len(lines) - most + 1
        lines[most - 9 : most - 9 + middle] = [f"  ... {middle} more layers ..."]
    return "\n".join([f"{first}: {total}", *lines])


def layer_text(module: Any) -> str:
    """The class with the arguments that make such a module, as far as it keeps them; defaults are left out."""
    text = module.extra_repr()
    return f"{type(module).__name__}({text if len(text) <= 2 * LONGEST else text[: 2 * LONGEST] + '...'})"


def arguments_text(module: Any, *, without: Sequence[str] = (), always: Sequence[str] = ()) -> str:
    """The arguments of the constructor that are attributes of the module (or in its `config`) and differ from the defaults.

    Those named in `without` are left out, those in `always` are shown whatever their value.
    """
    kept = {**getattr(module, "config", {}), **vars(module)}
    shown = []
    for name, parameter in inspect.signature(type(module).__init__).parameters.items():
        if name not in kept or name in without:
            continue
        value = kept[name]
        if isinstance(value, Tensor) or (value is None and isinstance(parameter.default, bool)):
            value = value is not None  # such as a bias
        elif not _is_plain(value):
            continue
        if isinstance(value, tuple) and len(value) == 2 and value[0] == value[1]:
            value = value[0]
        if parameter.default is inspect.Parameter.empty:
            shown.append(repr(value) if parameter.kind is parameter.POSITIONAL_OR_KEYWORD else f"{name}={value!r}")
        elif name in always or value != parameter.default:
            shown.append(f"{name}={value!r}")
    return ", ".join(shown)


def own_shapes(module: Any) -> Iterator[tuple[str, str]]:
    """(name, shape) of the parameters that are attributes of the module itself or in its lists, such as ("weight", "3x3x1x4")."""
    inside = tuple(f"{name}." for name, _ in module.children())
    for name, parameter in module.named_parameters():
        if not name.startswith(inside):
            yield name, _shape(parameter)


def _is_plain(value: Any) -> bool:
    if isinstance(value, (tuple, list)):
        return len(value) <= 8 and all(map(_is_plain, value))
    return value is None or isinstance(value, (bool, int, float, str))


def _shape(parameter: Any) -> str:
    return "x".join(map(str, parameter.shape)) or "1"


def _parts(module: Any) -> list[ModelPart]:
    """The rows of the table: as deep into the module as the lines allow, but at least its own sub-modules."""
    parts = list(_at_depth("", module, 1))
    depth = 2
    while True:
        deeper = list(_at_depth("", module, depth))
        if len(deeper) > MAX_LINES - 2 or deeper == parts:
            return parts
        parts, depth = deeper, depth + 1


def _at_depth(name: str, module: Any, depth: int) -> Iterator[ModelPart]:
    if depth == 0 or not any(module.children()):
        yield ModelPart(name, module, whole=True)
        return
    if any(own_shapes(module)):
        yield ModelPart(name, module, whole=False)
    for child_name, child in module.children():
        yield from _at_depth(f"{name}.{child_name}" if name else child_name, child, depth - 1)


def _row(part: ModelPart, counted: set[int]) -> tuple[str, str, str, str]:
    """The cells of a row; parameters that an earlier row has counted are not counted again."""
    parameters = dict(part.module.named_parameters())
    if not part.whole:
        parameters = {name: parameters[name] for name, _ in own_shapes(part.module)}
    new = {id(p): p.size for p in parameters.values() if id(p) not in counted}
    counted.update(new)
    if part.whole and any(part.module.children()):
        layer = f"{type(part.module).__name__} of {_contents(part.module)}"
        shapes = ", ".join(_shape(p) for p in parameters.values() if p.ndim > 1)
    else:
        layer = layer_text(part.module)
        shapes = ", ".join(f"{name} {_shape(p)}" for name, p in parameters.items())
    count = f"{sum(new.values()):,}" if new else "shared" if parameters else ""
    return part.name, _shorten(layer), _shorten(shapes), count


def _contents(module: Any) -> str:
    """The layers in a part of a network, such as "ConvTranspose2d, 2 Conv2d"."""
    layers = [m for m in module.modules() if m is not module and not any(m.children())]
    counts = Counter(type(layer).__name__ for layer in layers)
    return ", ".join(name if count == 1 else f"{count} {name}" for name, count in counts.items())


def _shorten(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."
