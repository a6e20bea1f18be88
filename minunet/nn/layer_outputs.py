"""The outputs of a network's layers, gathered while the network runs."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Mapping
from typing import Any

from minunet.autograd import Tensor
from minunet.kernels.backend import Array


class _Gathering(threading.local):
    """What this thread gathers: the names of the modules by their id, and the outputs so far; None outside of `gather`."""

    current: tuple[Mapping[int, str], dict[str, Array]] | None = None


_GATHERING = _Gathering()


@contextlib.contextmanager
def gather(names: Mapping[int, str]) -> Iterator[dict[str, Array]]:
    """Within the block, keep the output of each module whose id has a name, in the order in which they end."""
    outputs: dict[str, Array] = {}
    outer, _GATHERING.current = _GATHERING.current, (names, outputs)
    try:
        yield outputs
    finally:
        _GATHERING.current = outer


def is_gathering() -> bool:
    """Whether this thread is in such a block."""
    return _GATHERING.current is not None


def note(module: Any, output: Any) -> None:
    """Keep what a module has returned, unless nobody asks for it, or it is that of the last layer in the module."""
    if _GATHERING.current is None:
        return
    names, outputs = _GATHERING.current
    if id(module) not in names:
        return
    name = names[id(module)]
    several = isinstance(output, (tuple, list))
    known = list(outputs.values()) if any(module.children()) else []
    for k, value in enumerate(output if several else [output]):
        if isinstance(value, Tensor) and not any(value.data is array for array in known):
            outputs[_free(f"{name}[{k}]" if several else name, outputs)] = value.data


def _free(name: str, taken: Mapping[str, Array]) -> str:
    """The name, with the number of the call where a layer is used several times: "relu", "relu:2", "relu:3"."""
    free, call = name, 1
    while free in taken:
        call += 1
        free = f"{name}:{call}"
    return free
