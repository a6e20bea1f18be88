"""The update of parameters that ranks share: each clips and updates its share of the values, and gives the others the new ones.

The state of the optimizer, which is needed for that share only, is brought together where it is to be saved (as in stage 1 of
ZeRO: Rajbhandari, Rasley, Ruwase and He 2020, "Memory optimizations toward training trillion parameter models").
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from minunet.kernels.backend import Array, device_of
from minunet.nn.optim import Optimizer
from minunet.ranks import Ranks
from minunet.training.gradient_bucket import ParameterPart
from minunet.training.gradient_sum import GradientSum
from minunet.training.squares import leaf_ends, squared_leaves, sum_of_leaves
from minunet.training.whole_update import WholeUpdate


class SharedUpdate:
    """The step of an optimizer on the gradients that a `GradientSum` has finished.

    Parameters
    ----------
    optimizer : Optimizer
        One that is elementwise.
    gradients : GradientSum
        Of its parameters.
    ranks : Ranks
    """

    def __init__(self, optimizer: Optimizer, gradients: GradientSum, ranks: Ranks):
        self.optimizer, self.gradients, self.ranks = optimizer, gradients, ranks
        self._numbers = {id(p): k for k, p in enumerate(optimizer.params)}
        self._is_state_whole = True

    def take_gradients(self) -> None:
        """Nothing: the own gradients are used where they were summed."""

    def clip(self, limit: float) -> float:
        """As `clip_gradients`, with the same bits on every rank, and for any number of ranks.

        Parameters
        ----------
        limit : float
            The largest norm that is left as it is.

        Returns
        -------
        float
            The norm before clipping.
        """
        norm = self._norm()
        if math.isfinite(norm) and norm > limit:
            for bucket in self.gradients.buckets:
                bucket.total *= bucket.total.dtype.type(limit / norm)
        return norm

    def step(self) -> None:
        """Update the own values, and bring those of all ranks together."""
        own = self._own()
        self._is_state_whole = False
        parts = [(self._numbers[id(part.parameter)], part.values) for part, _ in own]
        self.optimizer.step_parts(parts, [gradient for _, gradient in own])
        self._bring_together([p.data for p in self.optimizer.params])

    def complete_state(self) -> None:
        """Bring together the state of the optimizer, of which each rank has updated its share since the last time."""
        if self._is_state_whole:  # no step was taken, as in an epoch whose last step was taken before a stop
            return
        for arrays in self.optimizer.state.values():
            self._bring_together(arrays)
        self._is_state_whole = True

    def _own(self) -> list[tuple[ParameterPart, Array]]:
        """The own parts of parameters, and their gradients."""
        rank = self.ranks.rank
        return [(part, bucket.total[place]) for bucket in self.gradients.buckets for part, place in bucket.parts[rank]]

    def _norm(self) -> float:
        own: dict[int, list[float]] = {}
        for part, gradient in self._own():
            first, last = part.values.start, part.values.stop
            ends = leaf_ends(part.parameter.size)
            own[self._numbers[id(part.parameter)]] = squared_leaves(
                gradient, tuple(end - first for end in ends if first < end <= last)
            )
        of_ranks = self.ranks.gather(own)
        total = 0.0
        for k, parameter in enumerate(self.optimizer.params):
            leaves = [leaf for of_rank in of_ranks for leaf in of_rank.get(k, ())]
            total += sum_of_leaves(parameter.size, iter(leaves)) if parameter.size else 0.0
        return math.sqrt(total)

    def _bring_together(self, arrays: Sequence[Array]) -> None:
        """Give all ranks the own values of arrays, one for each parameter."""
        exchanges = [(bucket, bucket.exchange) for bucket in self.gradients.buckets if bucket.exchange is not None]
        for bucket, exchange in exchanges:
            own = exchange.own()
            for part, place in bucket.parts[self.ranks.rank]:
                own[place] = self._values(arrays, part)
            exchange.gather()
        for bucket, exchange in exchanges:
            for rank, values in enumerate(exchange.gathered()):
                if rank != self.ranks.rank:
                    for part, place in bucket.parts[rank]:
                        self._values(arrays, part)[...] = values[place]

    def _values(self, arrays: Sequence[Array], part: ParameterPart) -> Array:
        return arrays[self._numbers[id(part.parameter)]].reshape(-1)[part.values]


def update_for(optimizer: Optimizer, gradients: GradientSum, ranks: Ranks) -> SharedUpdate | WholeUpdate:
    """The update of an optimizer on the gradients of a sum, shared where the ranks can share it."""
    if can_share(optimizer, ranks):
        return SharedUpdate(optimizer, gradients, ranks)
    return WholeUpdate(optimizer, gradients)


def can_share(optimizer: Optimizer, ranks: Ranks) -> bool:
    """Whether ranks share the update; GPUs, which take next to no time for it, update all values each.

    So do ranks with parameters of several dtypes, since values are exchanged in one, or where the step of the optimizer was
    replaced, which is that of all values.
    """
    arrays = [p.data for p in optimizer.params]
    return (
        ranks.size > 1
        and optimizer.is_elementwise
        and "step" not in vars(optimizer)
        and all(device_of(array) == "cpu" and isinstance(array, np.ndarray) for array in arrays)
        and all(array.flags.c_contiguous and array.dtype == arrays[0].dtype for array in arrays)
    )
