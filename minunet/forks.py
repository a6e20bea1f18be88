"""Forks: locks that are free in a forked child, whatever the other threads of its parent were doing.

A child has only the thread that forked. A lock that another thread held at that moment would stay locked in it for ever.
What a lock protects must therefore be whole at any moment, since the other thread may have been in the middle of a change.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable
from typing import Any

_owners: dict[int, tuple[weakref.ref[Any], str, Callable[[], Any]]] = {}  # by a number of their own
_last_number = 0


def renew_in_child(owner: Any, name: str, make: Callable[[], Any]) -> None:
    """Set `owner.name = make()` in every forked child, for as long as the owner lives.

    Parameters
    ----------
    owner : object
        An instance or a module, which is referred to weakly.
    name : str
        The attribute that holds the lock.
    make : callable
        Makes a lock, such as `threading.Lock`.

    Examples
    --------
    >>> import threading
    >>> class Counter:
    ...     def __init__(self):
    ...         self.lock = threading.Lock()
    ...         renew_in_child(self, "lock", threading.Lock)
    """
    global _last_number
    _last_number += 1
    number = _last_number
    owners = _owners  # at the exit of Python the module loses its names before the owners end
    _owners[number] = weakref.ref(owner, lambda _: owners.pop(number, None)), name, make


def _after_fork_in_child() -> None:
    for reference, name, make in list(_owners.values()):
        owner = reference()
        if owner is not None:
            setattr(owner, name, make())


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
