"""Milesial's U-Net, https://github.com/milesial/Pytorch-UNet, the PyTorch code that most U-Nets of users come from.

Its state dict becomes a classic U-Net: each batch normalization, which after training is a factor and a summand for each channel,
is made part of the convolution before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from minunet.errors import UserError
from minunet.exchange.foreign_weights import ForeignWeights
from minunet.exchange.torch_layout import from_torch
from minunet.nn.unet import MAX_DEPTH
from minunet.wording import count_noun, join_names, shorten

HEAD = "outc.conv.weight"  # the name by which such a state dict is recognised
EPSILON = 1e-5  # torch.nn.BatchNorm2d, added to the variance
MOST_LISTED = 5
BILINEAR = (
    "was trained with bilinear=True: its up-sampling has no weights, where a U-Net of minunet has a transposed convolution; only "
    "networks with bilinear=False can be imported"
)
BARE = (
    "a layer without weights may follow it, such as InstanceNorm2d, which no U-Net of minunet has; or the state dict is not whole: "
    "give that of a network with BatchNorm2d, or one whose convolutions have a bias"
)
_COUNTERS = ".num_batches_tracked"
_LAYER = re.compile(r"(?P<layers>.+\.)(?P<place>\d+)\.weight")


@dataclass(frozen=True)
class MilesialUNet:
    """A network that was read.

    Attributes
    ----------
    config : dict
        Of the U-Net, for `minunet.UNet(**config)`.
    weights : dict of str to ndarray
        With the names and the layout of the U-Net.
    n_classes : int
        Of the state dict. Of two classes the U-Net has one logit, that of the second minus that of the first.
    normalized : int
        How many batch normalizations were folded.
    """

    config: dict[str, Any]
    weights: dict[str, np.ndarray]
    n_classes: int
    normalized: int


def is_milesial(weights: ForeignWeights) -> bool:
    """Whether tensors are named as in milesial's U-Net."""
    return any(name == HEAD or name.endswith("." + HEAD) for name in weights.tensors)


def read_milesial(path: Path, weights: ForeignWeights) -> MilesialUNet:
    """Turn the state dict of milesial's U-Net into the weights of a classic U-Net.

    Parameters
    ----------
    path : Path
        Of the file, for messages.
    weights : ForeignWeights

    Raises
    ------
    UserError
        If it was trained with `bilinear=True`, or its layers are not those of milesial's U-Net.
    """
    return _Reader(path, weights).network()


class _Reader:
    """Takes the tensors of a state dict one after the other, and knows which are left."""

    def __init__(self, path: Path, weights: ForeignWeights):
        self.path, self.weights = path, weights
        head = next(name for name in weights.tensors if name == HEAD or name.endswith("." + HEAD))
        prefix = head.removesuffix(HEAD)  # such as "module." of torch.nn.DataParallel
        self.names = {name.removeprefix(prefix): name for name in weights.tensors if name.startswith(prefix)}
        self.left = [name for name in weights.tensors if not name.endswith(_COUNTERS)]
        self.with_weights = {name.rpartition(".")[0] for name in self.names}
        self.normalized = 0
        self.bare: list[str] = []  # convolutions with neither a bias nor something with weights after them

    def network(self) -> MilesialUNet:
        depth = self._count("down")
        if not any(re.match(r"up\d+\.up\.weight", name) for name in self.names):
            raise UserError(f"{self.path}: this network {BILINEAR}.")
        if not 1 <= depth <= MAX_DEPTH or self._count("up") != depth:
            raise UserError(
                f"{self.path}: this network has {depth} steps down and {self._count('up')} up; milesial's U-Net has as many up "
                "as down."
            )
        layers: list[tuple[str, np.ndarray, np.ndarray]] = []
        layers += self._block("inc", "contraction.0")
        for level in range(1, depth + 1):
            layers += self._block(f"down{level}", f"contraction.{level}" if level < depth else "bottleneck")
        for level in range(depth):
            name, place = f"up{level + 1}.up", f"expansion.{level}"
            layers.append((f"{place}.up", self._take(f"{name}.weight"), self._take(f"{name}.bias")))
            layers += self._block(f"up{level + 1}", f"{place}.block")
        weight, bias = self._take(HEAD), self._take("outc.conv.bias")
        n_classes = weight.shape[0]
        if n_classes == 2:  # softmax over two logits is the sigmoid of their difference
            weight, bias = weight[1:] - weight[:1], bias[1:] - bias[:1]
        layers.append(("head", weight, bias))
        if self.left:
            raise self._unknown(self.left)
        if self.bare:
            raise UserError(
                f"{self.path}: the convolution '{self.bare[0]}' has neither a bias nor a batch normalization after it: {BARE}."
            )
        first = layers[0][1]
        config = {
            "in_channels": first.shape[1] if first.ndim == 4 else 0,
            "out_channels": weight.shape[0],
            "base_channels": first.shape[0],
            "depth": depth,
            "variant": "classic",
        }
        named = {}
        for name, layer, summand in layers:
            named[f"{name}.weight"], named[f"{name}.bias"] = from_torch(f"{name}.weight", layer), summand
        return MilesialUNet(config, named, n_classes, self.normalized)

    def _count(self, word: str) -> int:
        return len({match[0] for name in self.names if (match := re.match(rf"{word}\d+\.", name))})

    def _block(self, name: str, place: str) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
        """The two convolutions of a block, under the names of the U-Net."""
        found = self._convolutions(name)
        if len(found) != 2:
            raise UserError(
                f"{self.path}: the block '{name}' has {count_noun(len(found), 'convolution')}, and not two."
            )
        for number, (layers, index) in enumerate(found):
            yield (f"{place}.convs.{number}", *self._folded(f"{layers}{index}", f"{layers}{index + 1}"))

    def _convolutions(self, block: str) -> Sequence[tuple[str, int]]:
        """The convolutions of a block in their order, each as the name of the list of layers and the place in it."""
        found = []
        for name, stored in self.names.items():
            match = _LAYER.fullmatch(name)
            if match and name.startswith(f"{block}.") and len(self.weights.shape(stored)) == 4:
                found.append((match["layers"], int(match["place"])))
        return sorted(found, key=lambda layer: layer[1])

    def _folded(self, conv: str, norm: str) -> tuple[np.ndarray, np.ndarray]:
        """Weight and bias of a convolution, with those of the batch normalization after it, where there is one.

        y = (conv(x) + b - mean) / sqrt(variance + epsilon) * gamma + beta, which is linear in x (Ioffe and Szegedy, 2015,
        algorithm 2).
        """
        weight = self._take(f"{conv}.weight").astype(np.float64)
        bias = self._take(f"{conv}.bias") if f"{conv}.bias" in self.names else np.zeros(len(weight))
        bias = bias.astype(np.float64)
        if f"{norm}.running_mean" in self.names:
            mean, variance = (self._take(f"{norm}.running_{part}").astype(np.float64) for part in ("mean", "var"))
            gamma, beta = (self._take(f"{norm}.{part}").astype(np.float64) for part in ("weight", "bias"))
            if not {len(weight)} == {len(part) for part in (mean, variance, gamma, beta)} or (variance < 0).any():
                raise UserError(f"{self.path}: the batch normalization '{norm}' does not fit its convolution.")
            factor = gamma / np.sqrt(variance + EPSILON)
            weight, bias = weight * factor[:, None, None, None], (bias - mean) * factor + beta
            self.normalized += 1
        elif f"{conv}.bias" not in self.names and norm not in self.with_weights:
            self.bare.append(conv)
        return weight.astype(np.float32), bias.astype(np.float32)

    def _take(self, name: str) -> np.ndarray:
        if name not in self.names:
            raise UserError(
                f"{self.path}: the tensor '{name}' is missing, which milesial's U-Net has; give the whole state dict."
            )
        self.left.remove(self.names[name])
        return self.weights.array(self.path, self.names[name])

    def _unknown(self, names: Sequence[str]) -> UserError:
        listed = join_names((shorten(name, 80) for name in names), MOST_LISTED)
        return UserError(
            f"{self.path}: it holds what milesial's U-Net does not have: {listed}; give the state dict of one."
        )
