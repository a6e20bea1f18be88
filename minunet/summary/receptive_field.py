"""Receptive fields: how much of the image each layer of a U-Net can see.

They follow from kernels, pooling and up-convolutions alone, and are exact: the intervals of pixels are carried through the network.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from minunet.nn.unet import UNet

LENGTH = 64  # positions at the deepest level: more than the receptive field of any layer there


@dataclass(frozen=True)
class Reach:
    """The input pixels that each position of a layer depends on, along one axis, zero padding included.

    Attributes
    ----------
    first, last : ndarray of int
        For each position the first and the last pixel.
    """

    first: np.ndarray
    last: np.ndarray

    def convolved(self, kernel_size: int) -> Reach:
        """After a convolution with stride 1 and "same" padding."""
        first, last = self.first, self.last
        for _ in range(kernel_size // 2):
            first = np.minimum.reduce([first, np.r_[first[0], first[:-1]], np.r_[first[1:], first[-1]]])
            last = np.maximum.reduce([last, np.r_[last[0], last[:-1]], np.r_[last[1:], last[-1]]])
        return Reach(first, last)

    def pooled(self) -> Reach:
        """After 2x2 pooling."""
        return Reach(self.first[::2], self.last[1::2])

    def enlarged(self) -> Reach:
        """After a 2x2 up-convolution with stride 2: two positions from each."""
        return Reach(np.repeat(self.first, 2), np.repeat(self.last, 2))

    def joined(self, other: Reach) -> Reach:
        """After concatenation along the channels."""
        return Reach(np.minimum(self.first, other.first), np.maximum(self.last, other.last))

    @property
    def size(self) -> int:
        """The side of the receptive field in pixels, in the middle of a large image."""
        middle = slice(len(self.first) // 4, -len(self.first) // 4)
        return int((self.last - self.first)[middle].max()) + 1


def receptive_fields(model: UNet) -> dict[str, int]:
    """The side in pixels of the square of the input that each convolution of a U-Net depends on.

    Parameters
    ----------
    model : UNet

    Returns
    -------
    dict of str to int
        By the names of the layers, such as "contraction.0.convs.1", in the order in which they run. An output may depend on less of
        it, where weights or activations are 0, and on the outer pixels always depends less than on those in the middle [1]_.

    References
    ----------
    .. [1] Luo, W., Li, Y., Urtasun, R., Zemel, R. (2016). Understanding the effective receptive field in deep convolutional neural
       networks. NeurIPS.

    Examples
    --------
    >>> import minunet
    >>> fields = receptive_fields(minunet.UNet(base_channels=2, depth=1, variant="classic"))
    >>> fields["contraction.0.convs.0"], fields["contraction.0.convs.1"], fields["head"]
    (3, 5, 18)
    """
    depth = model.config["depth"]
    pixels = np.arange(LENGTH * 2**depth)
    reach, fields = Reach(pixels, pixels), {}
    skips = []

    def run(name: str, convolutions: list, reach: Reach) -> Reach:
        for k, layer in enumerate(convolutions):
            reach = reach.convolved(layer.weight.shape[0])
            fields[f"{name}.convs.{k}"] = reach.size
        return reach

    for k, block in enumerate(model.contraction):
        skips.append(run(f"contraction.{k}", block.convs, reach))
        reach = skips[-1].pooled()
    reach = run("bottleneck", model.bottleneck.convs, reach)
    for k, level in enumerate(model.expansion):
        reach = reach.enlarged()
        fields[f"expansion.{k}.up"] = reach.size
        reach = run(f"expansion.{k}.block", level.block.convs, skips.pop().joined(reach))
    fields["head"] = reach.convolved(model.head.weight.shape[0]).size
    return fields
