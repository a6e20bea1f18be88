"""The state of a network on which a recorded pass depends: modules, attributes and parameters, but not the parameters' values."""

from __future__ import annotations

from operator import is_

from minunet.kernels.cpu.chain_memory import CannotChain
from minunet.nn.module import Module


class NetworkState:
    """What the modules of a network were when its pass was recorded.

    Parameters
    ----------
    network : Module

    Raises
    ------
    CannotChain
        If a class of its modules has no attribute `operations_are_fixed` of its own, or a method was replaced.
    """

    def __init__(self, network: Module):
        modules = list(network.modules())
        if not all(_has_own_methods(module) for module in modules):
            raise CannotChain
        self._classes = [(kind, kind.forward, kind.__call__) for kind in {type(module) for module in modules}]
        self._attributes = [(vars(module), dict(vars(module))) for module in modules]
        values = [value for now, _ in self._attributes for value in now.values()]
        self._lists = [(value, list(value)) for value in values if isinstance(value, list)]
        self._attributes += [(value, dict(value)) for value in values if isinstance(value, dict)]
        self._parameters = [(p, p.data, p.requires_grad) for p in network.parameters()]

    def is_unchanged(self) -> bool:
        """Whether they have the same attributes and parameters as before, of which the same require a gradient."""
        return (
            all(k.forward is forward and k.__call__ is call for k, forward, call in self._classes)
            and all(
                len(now) == len(then) and all(map(is_, now.values(), then.values())) for now, then in self._attributes
            )
            and all(len(now) == len(then) and all(map(is_, now, then)) for now, then in self._lists)
            and all(p.data is array and p.requires_grad == needed for p, array, needed in self._parameters)
        )


def _has_own_methods(module: Module) -> bool:
    """Whether a module of fixed operations has the methods that were written for it; others in their place may do anything."""
    kind = type(module)
    return (
        bool(vars(kind).get("operations_are_fixed"))
        and not any(callable(getattr(kind, name, None)) for name in vars(module))
        and _is_original(kind, "forward")
        and _is_original(kind, "__call__")
    )


def _is_original(kind: type, name: str) -> bool:
    """Whether the code of a method is in the file of the class that has it."""
    owner = next(base for base in kind.__mro__ if name in vars(base))
    return getattr(vars(owner)[name], "__globals__", {}).get("__name__") == owner.__module__
