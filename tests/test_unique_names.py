"""One name, one thing: no two files, and no two public classes or type names, share a name in minunet.

Where two do, they are the same thing at several layers, and the lists below say so.
"""

import ast
import re
from collections import defaultdict
from pathlib import Path

import minunet

PACKAGE = Path(minunet.__file__).parent

SAME_FILES = {
    "describe.py": "the command, and the function that it prints the result of",
    "activation.py": "ReLU, tanh, sigmoid and softmax: as functions of tensors, as primitives, as CUDA launches",
    "adam.py": "the primitive adam on the CPU and on a GPU",
    "by_channels.py": "a block of channels at a time, in im2col and in Winograd's algorithm",
    "conv.py": "convolution: as functions of tensors, as primitives",
    "epilogue.py": "what is done to the results of a convolution before they are written: on the CPU, on a GPU",
    "loss.py": "losses: as functions of tensors, as primitives, as CUDA launches, and by the name that --loss gives them",
    "optim.py": "the optimizers, and the primitive that they call",
    "pooling.py": "pooling: as functions of tensors, as primitives, as CUDA launches",
}
POOLINGS = ["AvgPool2d", "MaxPool2d", "SumPool2d"]
ACTIVATIONS = ["ReLU", "Sigmoid", "Softmax", "Tanh"]
SAME_NAMES = dict.fromkeys(
    ["Conv2d", "ConvTranspose2d", "Dropout", "Linear", *POOLINGS, *ACTIVATIONS],
    "the operation in minunet.functional, and the layer in minunet.nn that holds its parameters and settings",
)


def shared(places: dict[str, set[str]]) -> dict[str, list[str]]:
    """The names that stand for more than one thing."""
    return {name: sorted(things) for name, things in places.items() if len(things) > 1}


def files() -> dict[str, list[str]]:
    places = defaultdict(set)
    for path in [*PACKAGE.rglob("*.py"), *PACKAGE.rglob("*.cu"), *PACKAGE.rglob("*.cuh")]:
        if path.name != "__init__.py":
            places[path.name].add(str(path.relative_to(PACKAGE)))
    return shared(places)


def names() -> dict[str, list[str]]:
    """Public classes, and type names such as `Size = tuple[int, int]`; a type name may be written twice if it means the same."""
    places = defaultdict(set)
    for path in PACKAGE.rglob("*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].add(f"class in {path.relative_to(PACKAGE)}")
            elif isinstance(node, ast.Assign) and re.fullmatch(r"[A-Z][a-z]\w*", name := ast.unparse(node.targets[0])):
                places[name].add(ast.unparse(node.value))
    return shared(places)


def test_no_two_files_share_a_name():
    assert not {name: things for name, things in files().items() if name not in SAME_FILES}


def test_no_two_classes_or_types_share_a_name():
    assert not {name: things for name, things in names().items() if name not in SAME_NAMES}


def test_the_lists_hold_nothing_that_is_gone():
    assert SAME_FILES.keys() <= files().keys()
    assert SAME_NAMES.keys() <= names().keys()
