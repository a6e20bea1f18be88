"""The public names of minunet that the API reference describes, page by page, and what their docstrings lack."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tools.docstring import Docstring

# Page -> (title, sentence, the objects on it as "module:name"; "module:*" is its __all__).
PAGES = {
    "models": (
        "Train, predict, count",
        "From images to a trained model, and from a model to probabilities and cells.",
        [
            "minunet:fit",
            "minunet:load_model",
            "minunet:save_model",
            "minunet.checkpoints.trained_model:TrainedModel",
            "minunet.inference.predicted_maps:PredictedMaps",
            "minunet.cells.cell_measures:Cells",
        ],
    ),
    "tensor": (
        "Tensors and derivatives",
        "Arrays that record the operations on them, so that their derivatives can be computed.",
        [
            "minunet:Tensor",
            "minunet:where",
            "minunet:maximum",
            "minunet:minimum",
            "minunet:no_grad",
            "minunet:gradcheck",
        ],
    ),
    "functional": (
        "minunet.functional",
        "The operations of networks as functions: tensors in, tensor out. Images are (N, H, W, C).",
        ["minunet.functional:*"],
    ),
    "nn": (
        "minunet.nn",
        "Layers and networks, which hold their parameters.",
        ["minunet.nn:*"],
    ),
    "optim": ("minunet.optim", "Optimizers, which change parameters by their gradients.", ["minunet.nn.optim:*"]),
    "machine": (
        "Layers and threads",
        "How a network will be computed, and with how many threads.",
        [
            "minunet:describe",
            "minunet.summary.table:Description",
            "minunet:set_num_threads",
            "minunet:get_num_threads",
        ],
    ),
}
# Members that other parts of minunet call, and users do not.
INTERNAL = {
    "Cells": ("count", "index"),
    "Optimizer": ("problems_of", "settings"),
    "Tensor": ("accumulate", "edge"),
}
# Classes most of whose members are for other parts of minunet: those that users call.
PROMISED = {
    "TrainedModel": (
        "cell_settings",
        "cells",
        "device",
        "diameter",
        "estimate_diameter",
        "evaluate",
        "features",
        "precision",
        "predict",
        "predict_many",
        "predict_outputs",
        "save",
        "summary",
        "to",
        "unlike",
    ),
    "PredictedMaps": ("classes", "classes_above"),
}
# Where a name is reached by users, if not where it is defined.
HOMES = {"minunet.nn.optim": "minunet.optim"}


@dataclass(frozen=True)
class PublicName:
    """A function, class or method of the reference."""

    path: str  # as users write it, such as "minunet.functional.conv2d" or "Tensor.sum"
    value: Any
    owner: type | None = None  # of a method or property

    @property
    def is_property(self) -> bool:
        return isinstance(self.value, property)

    @property
    def is_result(self) -> bool:
        """Whether it is a class of objects that users get from a function."""
        return inspect.isclass(self.value) and not self.path.startswith("minunet.")

    @property
    def docstring(self) -> Docstring:
        doc = Docstring.of(self.value)
        if self.owner is not None:  # users have the class that is on the page, not its base
            doc.sections = {
                name: text.replace("LoadedModel", self.owner.__name__) for name, text in doc.sections.items()
            }
        return doc

    def parameters(self) -> list[inspect.Parameter]:
        """Those of the call, without self."""
        if self.is_property:
            return []
        call = self.value.__init__ if inspect.isclass(self.value) else self.value
        if call is object.__init__:
            return []
        given = list(inspect.signature(call).parameters.values())
        bound = inspect.isclass(self.value) or (self.owner is not None and inspect.isfunction(self.value))
        return given[1:] if bound else given

    def signature(self) -> str:
        """The call, without types."""
        if self.is_property:
            return self.path
        bare = [p.replace(annotation=inspect.Parameter.empty) for p in self.parameters()]
        return f"{self.path}{inspect.Signature(bare)}"

    def source(self) -> str:
        """The file that defines it, from the root of the repository."""
        value = self.value.fget if self.is_property else inspect.unwrap(self.value)
        return f"{value.__module__.replace('.', '/')}.py"

    def problems(self) -> list[str]:
        """What the docstring lacks."""
        doc = self.docstring
        lacking = [] if doc.summary else ["a summary"]
        if self.is_property:
            return lacking
        known = doc.names("Parameters") | (doc.names("Attributes") if self.is_result else set())
        missing = [p.name for p in self.parameters() if p.name not in known]
        if missing:
            lacking.append(f"parameters {', '.join(missing)}")
        if not inspect.isclass(self.value):
            returned = inspect.signature(self.value).return_annotation
            if returned not in ("None", None) and not {"Returns", "Yields"} & doc.sections.keys():
                lacking.append("Returns")
        if "Raises" not in doc.sections and self._raises():
            lacking.append("Raises")
        if ">>> " not in doc.sections.get("Examples", ""):
            lacking.append("Examples")
        return lacking

    def _raises(self) -> bool:
        try:
            call = self.value.__init__ if inspect.isclass(self.value) else self.value
            return re.search(r"^\s+raise \w", inspect.getsource(inspect.unwrap(call)), re.MULTILINE) is not None
        except (OSError, TypeError):
            return False


def public_names(page: str) -> Iterator[PublicName]:
    """The functions and classes of a page, each class followed by its public methods and properties."""
    for place in PAGES[page][2]:
        module_name, _, chosen = place.partition(":")
        module = importlib.import_module(module_name)
        home = HOMES.get(module_name, module_name)
        for name in sorted(module.__all__, key=str.lower) if chosen == "*" else [chosen]:
            value = getattr(module, name)
            if inspect.ismodule(value):
                continue
            yield PublicName(f"{home}.{name}" if not _is_result(module_name) else name, value)
            if inspect.isclass(value):
                yield from _members(name, value)


def _is_result(module: str) -> bool:
    """Whether users get objects of the class from a function, and do not import it."""
    return module not in ("minunet", "minunet.functional", "minunet.nn", *HOMES)


def _members(name: str, owner: type) -> Iterator[PublicName]:
    """The public methods and properties of a class that are not those of a base class of the reference."""
    bases = [base for base in owner.__mro__[1:] if base.__name__ in ("Module", "Optimizer", "Tensor")]
    for member in sorted(set(dir(owner))):
        if member.startswith("_") or member == "forward" or member in INTERNAL.get(name, ()):
            continue
        if member not in PROMISED.get(name, (member,)):
            continue
        value = inspect.getattr_static(owner, member)
        of_bases = [inspect.getattr_static(base, member) for base in bases if hasattr(base, member)]
        if of_bases and (value in of_bases or not value.__doc__):
            continue  # described at the base class
        if isinstance(value, (staticmethod, classmethod)):
            value = getattr(owner, member)
        if isinstance(value, property) or inspect.isroutine(value):
            yield PublicName(f"{name}.{member}", value, owner)
