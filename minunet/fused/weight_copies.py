"""Copies of the weights for the tensor cores: in bfloat16 or tf32, with padded channels, beside the float32 master weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minunet.fused.unet_layers import ConvLayer
from minunet.kernels.cuda.arena import Arena, Buffer
from minunet.kernels.cuda.dtypes import BFLOAT16, DType
from minunet.kernels.cuda.pad_channels import copy_padded, padded_channels, round_and_transpose


class WeightCopies:
    """One copy for each layer whose master weight cannot be multiplied as it is.

    The kernels of sm_90a do not round their factors, so for them the copies are rounded to tf32. They also read weights only along
    the channels that are summed, so for the gradient of the input there is a second copy with the channels exchanged.

    Parameters
    ----------
    layers : sequence of ConvLayer
    params : sequence of float32 arrays
        The master weights and the biases.
    arena : Arena
        The copies are allocated there.
    dtype : dtype or BFLOAT16
        That of the activations.
    """

    def __init__(self, layers: Sequence[ConvLayer], params: Sequence[Any], arena: Arena, dtype: DType):
        self.layers, self.params = layers, params
        self._copies: dict[int, Buffer] = {}
        self._transposed: dict[int, Buffer] = {}
        self._round_to_tf32 = dtype is not BFLOAT16 and arena.launcher.why_not_sm_90a() is None
        for layer in layers:
            shape = *layer.shape[:2], *(padded_channels(n, dtype) for n in layer.shape[2:])
            if self._round_to_tf32 and shape == layer.shape and layer.kernel_size == 3:
                self._copies[layer.weight] = arena.alloc(shape, dtype)
                self._transposed[layer.weight] = arena.alloc((*shape[:2], shape[3], shape[2]), dtype)
            elif dtype is BFLOAT16 or shape != layer.shape:
                self._copies[layer.weight] = arena.alloc(shape, dtype)

    def of(self, layer: ConvLayer) -> Any:
        """The weight to multiply with: the copy, or the master weight where there is none."""
        return self._copies.get(layer.weight, self.params[layer.weight])

    def transposed(self, layer: ConvLayer) -> Buffer | None:
        """The copy with input and output channels exchanged, for layers that have one."""
        return self._transposed.get(layer.weight)

    def written_by_adam(self) -> list[Buffer | None]:
        """For each parameter the copy that the Adam kernel writes too: one in bfloat16 of the same shape."""
        copies = (self._copies.get(k) for k in range(len(self.params)))
        return [c if c is not None and self._adam_writes(k, c) else None for k, c in enumerate(copies)]

    def refresh(self, *, all_copies: bool = False) -> None:
        """Fill the copies that the Adam kernel does not write, or all of them, from the master weights."""
        for k, copy in self._copies.items():
            if k in self._transposed:
                round_and_transpose(self.params[k], copy, self._transposed[k])
            elif all_copies or not self._adam_writes(k, copy):
                copy_padded(self.params[k], copy, 2, round_to_tf32=self._round_to_tf32)

    def _adam_writes(self, k: int, copy: Buffer) -> bool:
        return copy.dtype is BFLOAT16 and copy.shape == tuple(self.params[k].shape)
