"""The weights as tensor cores take them, beside the float32 masters: in bfloat16 or tf32 and whole chunks of channels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minunet.fused.unet_layers import ConvLayer
from minunet.kernels.cuda.arena import Arena, Buffer
from minunet.kernels.cuda.dtypes import BFLOAT16
from minunet.kernels.cuda.pad_channels import copy_padded, padded_channels, round_and_transpose


class WeightCopies:
    """One working copy per layer, or the master itself where it is already right.

    The products of sm_90a read floats as they are, so on it the copies are rounded to tf32; and along the summed channels alone, so
    that there is a second one with the channels exchanged.

    Parameters
    ----------
    layers : sequence of ConvLayer
    params : sequence of float32 arrays
        The masters, weights and biases.
    arena : Arena
        Where copies live.
    dtype : dtype or BFLOAT16
        The activations'.
    """

    def __init__(self, layers: Sequence[ConvLayer], params: Sequence[Any], arena: Arena, dtype: Any):
        self.layers, self.params = layers, params
        self._copies: dict[int, Buffer] = {}
        self._transposed: dict[int, Buffer] = {}
        self._rounded = dtype is not BFLOAT16 and arena.launcher.why_not_sm_90a() is None
        for layer in layers:
            shape = *layer.shape[:2], *(padded_channels(n, dtype) for n in layer.shape[2:])
            if self._rounded and shape == layer.shape and layer.kernel_size == 3:
                self._copies[layer.weight] = arena.alloc(shape, dtype)
                self._transposed[layer.weight] = arena.alloc((*shape[:2], shape[3], shape[2]), dtype)
            elif dtype is BFLOAT16 or shape != layer.shape:
                self._copies[layer.weight] = arena.alloc(shape, dtype)

    def of(self, layer: ConvLayer) -> Any:
        """The weights to multiply with."""
        return self._copies.get(layer.weight, self.params[layer.weight])

    def transposed(self, layer: ConvLayer) -> Buffer | None:
        """The same with input and output channels exchanged, where products need them so."""
        return self._transposed.get(layer.weight)

    def written_by_adam(self) -> list[Buffer | None]:
        """For each parameter the copy that Adam can write beside it: of the same shape, in bfloat16."""
        copies = (self._copies.get(k) for k in range(len(self.params)))
        return [c if c is not None and self._plain(k, c) else None for k, c in enumerate(copies)]

    def follow(self, *, all_copies: bool = False) -> None:
        """Fill the copies that Adam does not write, or all of them, from the masters."""
        for k, copy in self._copies.items():
            if k in self._transposed:
                round_and_transpose(self.params[k], copy, self._transposed[k])
            elif all_copies or not self._plain(k, copy):
                copy_padded(self.params[k], copy, 2, round_to_tf32=self._rounded)

    def _plain(self, k: int, copy: Buffer) -> bool:
        return copy.dtype is BFLOAT16 and copy.shape == tuple(self.params[k].shape)
