"""Training in bfloat16 beside float32 on drawn smears, without a GPU: the GPU's rounding imitated in NumPy.

Activations, their gradients and the working weights are rounded to 8 bits of mantissa wherever the fused step keeps them in
bfloat16; weights, their gradients, sums and Adam stay float32, as there.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

import minunet
from benchmarks.results import save
from minunet.data.synthetic.smear import draw_smear
from minunet.functional import binary_cross_entropy_with_logits
from minunet.kernels.dispatch import Primitive, replace
from minunet.training.metrics import Overlap

# Which results of these primitives are activations or gradients of activations; the others belong to parameters.
CONVOLUTIONS = ("conv2d", "conv_transpose2d")
GRADIENTS = ("conv2d_grads", "conv_transpose2d_grads")


def rounded(value: Any) -> Any:
    """float32 arrays, also inside a tuple, with what bfloat16 cannot hold rounded away, to nearest with ties to even."""
    if isinstance(value, tuple):
        return tuple(rounded(item) for item in value)
    if not isinstance(value, np.ndarray) or value.dtype != np.float32:
        return value
    bits = np.ascontiguousarray(value).view(np.uint32)
    return ((bits + (0x7FFF + (bits >> 16 & 1))) & np.uint32(0xFFFF0000)).view(np.float32).reshape(value.shape)


def in_bfloat16(primitive: Primitive, args: tuple[Any, ...]) -> Any:
    """What the primitive gives on the GPU in bfloat16; for `dispatch.replace`."""
    name = primitive.name
    if name in CONVOLUTIONS:
        sources, weight, bias, *rest = args
        args = rounded(sources), rounded(weight), bias, *rest
        return rounded(primitive.choose(*args).run(*args))
    if name in GRADIENTS:
        grad, sources, weight, *rest = args
        args = rounded(grad), rounded(sources), rounded(weight), *rest
        grad_sources, grad_weight, grad_bias = primitive.choose(*args).run(*args)
        return rounded(grad_sources), grad_weight, grad_bias
    result = primitive.choose(*args).run(*args)
    return result if name in ("adam", "bce_with_logits") else rounded(result)


def drawn(count: int, size: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Grey images (count, size, size, 1) in [0, 1] and their masks."""
    smears = [draw_smear(np.random.default_rng([seed, k]), (size, size)) for k in range(count)]
    images = np.stack([s.image.mean(axis=-1, keepdims=True) / 255 for s in smears]).astype(np.float32)
    return images, np.stack([s.mask[..., None] for s in smears]).astype(np.float32)


def train(precision: str, seed: int, args: argparse.Namespace, training: Any, test: Any) -> float:
    """The Dice coefficient on the test images after training."""
    images, masks = training
    rng = np.random.default_rng(seed)
    model = minunet.UNet(base_channels=args.base, depth=3, variant="classic", rng=np.random.default_rng(seed))
    optimizer = minunet.optim.Adam(model.parameters(), lr=2e-3)
    steps = args.epochs * (len(images) // args.batch)
    with tqdm(total=steps, desc=f"{precision}, seed {seed}", leave=False) as bar, _arithmetic(precision):
        for _ in range(args.epochs):
            for part in np.array_split(rng.permutation(len(images)), len(images) // args.batch):
                optimizer.lr = 2e-3 * (1 - bar.n / steps)
                optimizer.zero_grad()
                loss = binary_cross_entropy_with_logits(model(images[part]), masks[part])
                loss.backward()
                optimizer.step()
                bar.update()
                bar.set_postfix(loss=f"{loss.item():.3f}")
        with minunet.no_grad():
            predicted = np.concatenate([model(image[None]).data > 0 for image in test[0]])
    return Overlap.of(predicted, test[1] >= 0.5).dice


def _arithmetic(precision: str) -> Any:
    return replace(in_bfloat16) if precision == "bf16" else replace(lambda p, args: p.choose(*args).run(*args))


def main(argv: list[str] | None = None) -> int:
    """Print and save the two Dice coefficients of every seed; 1 where their means are more than 0.005 apart."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu_bfloat16", description=__doc__)
    parser.add_argument("--seeds", type=int, default=3, help="trainings in each precision (default 3)")
    parser.add_argument("--epochs", type=int, default=12, help="(default 12)")
    parser.add_argument(
        "--images", type=int, default=48, help="drawn for training, a quarter as many for the test (default 48)"
    )
    parser.add_argument("--size", type=int, default=96, help="side of an image in pixels, a multiple of 8 (default 96)")
    parser.add_argument("--batch", type=int, default=4, help="images a step (default 4)")
    parser.add_argument("--base", type=int, default=8, help="base channels (default 8)")
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder for the JSON (default benchmarks/results)")
    args = parser.parse_args(argv)
    training, test = drawn(args.images, args.size, 0), drawn(max(args.images // 4, 1), args.size, 1)
    dice: dict[str, list[float]] = {"fp32": [], "bf16": []}
    began = time.perf_counter()
    for seed in range(args.seeds):
        for precision, found in dice.items():
            found.append(train(precision, seed, args, training, test))
        print(f"seed {seed}: Dice {dice['fp32'][-1]:.4f} in float32, {dice['bf16'][-1]:.4f} in bfloat16")
    difference = float(np.mean(dice["bf16"]) - np.mean(dice["fp32"]))
    print(f"mean difference {difference:+.4f} ({time.perf_counter() - began:.0f} s)")
    command = "python -m benchmarks.gpu_bfloat16 " + " ".join(
        f"--{name} {getattr(args, name)}" for name in ("seeds", "epochs", "images", "size", "batch", "base")
    )
    print(f"wrote {save('bfloat16_training', command, {'dice': dice, 'difference': difference}, args.out)}")
    return 0 if abs(difference) <= 0.005 else 1


if __name__ == "__main__":
    sys.exit(main())
