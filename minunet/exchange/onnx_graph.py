"""The ONNX graph that is being written: nodes one after the other, and the constants that they use.

Each method returns the name of a value, which later nodes take as their input.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from minunet.exchange.extra_packages import require_package


class OnnxGraph:
    """Nodes and constants in the order in which they were added.

    Attributes
    ----------
    nodes : list of onnx.NodeProto
    initializers : list of onnx.TensorProto
        Weights and other constants.
    """

    def __init__(self) -> None:
        self._helper = require_package("onnx.helper", "an ONNX file")
        self._numpy_helper = require_package("onnx.numpy_helper", "an ONNX file")
        self.nodes: list[Any] = []
        self.initializers: list[Any] = []
        self._taken: set[str] = set()

    def add(self, operator: str, *inputs: str, name: str | None = None, **attributes: Any) -> str:
        """Add a node of one output.

        Parameters
        ----------
        operator : str
            Such as "Conv".
        *inputs : str
            Names of values.
        name : str, optional
            Of the output; by default one made of the operator.
        **attributes
            Of the operator.
        """
        output = self._free(name or operator.lower())
        self.nodes.append(self._helper.make_node(operator, list(inputs), [output], name=f"{output}/node", **attributes))
        return output

    def constant(self, value: Any, dtype: str = "int64", name: str = "constant") -> str:
        """Add a constant: a number, a list or an array."""
        free = self._free(name)
        array = np.ascontiguousarray(np.asarray(value, dtype)).reshape(np.shape(value))
        self.initializers.append(self._numpy_helper.from_array(array, free))
        return free

    def size(self, x: str, axis: int, name: str = "size") -> str:
        """The size of a value along an axis, as a number (int64, shape ())."""
        return self.add("Gather", self.add("Shape", x), self.constant(axis), axis=0, name=name)

    def type_of(self, dtype: DTypeLike) -> int:
        """The number by which ONNX knows a type."""
        return int(self._helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))

    def joined(self, *numbers: str) -> str:
        """Numbers (shape ()) as a list (shape (n,)), as operators take shapes and paddings."""
        one = self.constant([1])
        return self.add("Concat", *(self.add("Reshape", number, one) for number in numbers), axis=0)

    def _free(self, name: str) -> str:
        free, number = name, 1
        while free in self._taken:
            number += 1
            free = f"{name}.{number}"
        self._taken.add(free)
        return free
