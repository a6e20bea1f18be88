"""The weights as tensor cores take them: in the activations' type and whole chunks of channels, beside the float32 masters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minunet.kernels.cuda.arena import Arena, Place
from minunet.kernels.cuda.elements import BFLOAT16
from minunet.kernels.cuda.fit import fit_into, whole_chunks
from minunet.kernels.cuda.unet_layers import Layer


class WorkingWeights:
    """One working copy per layer, or the master itself where it is already right.

    Parameters
    ----------
    layers : sequence of Layer
    params : sequence of float32 arrays
        The masters, weights and biases.
    arena : Arena
        Where copies live.
    dtype : dtype or BFLOAT16
        The activations'.
    """

    def __init__(self, layers: Sequence[Layer], params: Sequence[Any], arena: Arena, dtype: Any):
        self.layers, self.params = layers, params
        self._copies: dict[int, Place] = {}
        for layer in layers:
            shape = *layer.shape[:2], *(whole_chunks(n, dtype) for n in layer.shape[2:])
            if dtype is BFLOAT16 or shape != layer.shape:
                self._copies[layer.weight] = arena.take(shape, dtype)

    def of(self, layer: Layer) -> Any:
        """The weights to multiply with."""
        return self._copies.get(layer.weight, self.params[layer.weight])

    def written_by_adam(self) -> list[Place | None]:
        """For each parameter the copy that Adam can write beside it: of the same shape, in bfloat16."""
        copies = (self._copies.get(k) for k in range(len(self.params)))
        return [c if c is not None and self._plain(k, c) else None for k, c in enumerate(copies)]

    def follow(self, *, all_copies: bool = False) -> None:
        """Fill the copies that Adam does not write, or all of them, from the masters."""
        for k, copy in self._copies.items():
            if all_copies or not self._plain(k, copy):
                fit_into(self.params[k], copy, 2)

    def _plain(self, k: int, copy: Place) -> bool:
        return copy.dtype is BFLOAT16 and copy.shape == tuple(self.params[k].shape)
