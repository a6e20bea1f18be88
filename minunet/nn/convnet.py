"""The convolutional network of the paper's Figure 1: convolution, ReLU and pooling, repeated; then fully connected and softmax.

It classifies a whole image, while the U-Net classifies every pixel.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from minunet import functional as F
from minunet.autograd import Tensor, TensorLike
from minunet.functional.layout_advice import layout_advice
from minunet.functional.validation import conform, pair
from minunet.nn.init import generator
from minunet.nn.layers import Conv2d, Linear
from minunet.nn.module import Module


class ConvNet(Module):
    """Class probabilities of images of one size.

    Parameters
    ----------
    in_channels : int
        1 for grey images, 3 for colour.
    num_classes : int
    image_size : int or pair
        Height and width of the images in pixels; each stage halves them.
    channels : sequence of int
        Filters of each stage (3x3 convolution, ReLU, 2x2 max pooling).
    rng : numpy.random.Generator, optional
        Draws the initial weights; None means default_rng(0).

    Raises
    ------
    ValueError
        If an argument does not fit, or the image is too small for the number of stages.

    Examples
    --------
    >>> net = ConvNet(1, 2, image_size=16, channels=(4, 8))
    >>> net(np.zeros((3, 16, 16, 1), np.float32)).shape
    (3, 2)
    """

    def __init__(
        self,
        in_channels: int = 1,
        num_classes: int = 2,
        *,
        image_size: int | tuple[int, int] = 32,
        channels: Sequence[int] = (8, 16),
        rng: np.random.Generator | None = None,
    ):
        height, width = self.image_size = pair("ConvNet", "image_size", image_size, 1)
        if not channels:
            raise ValueError("ConvNet: channels must name at least one stage")
        shrunk = height // 2 ** len(channels), width // 2 ** len(channels)
        if min(shrunk) < 1:
            raise ValueError(f"ConvNet: {len(channels)} poolings leave nothing of images of {height}x{width} pixels")
        self.in_channels, self.num_classes, self.channels = in_channels, num_classes, tuple(channels)
        rng = generator(rng)
        before = [in_channels, *channels]
        self.stages = [
            Conv2d(c_in, c_out, 3, padding=1, activation="relu", rng=rng)
            for c_in, c_out in zip(before, channels, strict=False)
        ]
        self.classifier = Linear(shrunk[0] * shrunk[1] * channels[-1], num_classes, rng=rng)

    def logits(self, x: TensorLike) -> Tensor:
        """Scores before the softmax: what `minunet.functional.cross_entropy` takes.

        Parameters
        ----------
        x : Tensor (N, H, W, in_channels)
            Images of the size that the network was made for.

        Returns
        -------
        Tensor (N, num_classes)

        Raises
        ------
        ValueError
            If the shape is another.

        Examples
        --------
        >>> net = ConvNet(1, 3, image_size=16)
        >>> net.logits(np.zeros((2, 16, 16, 1))).shape
        (2, 3)
        """
        x = conform(x, self.classifier.weight)
        needed = (*self.image_size, self.in_channels)
        if x.ndim != 4 or x.shape[1:] != needed:
            raise ValueError(
                f"ConvNet: x must have shape (N, {', '.join(map(str, needed))}), got {x.shape}"
                + layout_advice(x.shape, self.in_channels)
            )
        for stage in self.stages:
            x = F.max_pool2d(stage(x))
        return self.classifier(F.flatten(x))

    def forward(self, x: TensorLike) -> Tensor:
        """Probabilities (N, num_classes) of images (N, H, W, in_channels); each row sums to 1."""
        return F.softmax(self.logits(x))
