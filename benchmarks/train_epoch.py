"""`python -m benchmarks.train_epoch DATA`: the time of an epoch of `minunet.train`, and of PyTorch for the same work.

An epoch is training with augmentation, and validation. Both keep the decoded images in memory.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import time

import numpy as np
from tqdm import tqdm

import minunet
from benchmarks.machine import installed
from benchmarks.results import add_out, save
from benchmarks.timing import alternate
from minunet.cli.argument_types import image_size
from minunet.cli.command import command
from minunet.data.batches import Batches
from minunet.data.pairs import find_pairs
from minunet.data.reading.preprocessing import Preprocessing
from minunet.data.split import split_pairs
from minunet.functional import binary_cross_entropy_with_logits
from minunet.training.trainer import Trainer

LAYOUTS = ("NCHW", "channels_last")
BATCH = 8
WARM_UP = 1  # one epoch has enough steps to warm up


@command
def main(argv: list[str] | None = None) -> int:
    """Measure, print and save."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.train_epoch", description=__doc__)
    parser.add_argument("data", metavar="DATA", help="folder with images/ and masks/")
    parser.add_argument("--size", type=image_size, default=(256, 192), metavar="WxH", help="default 256x192")
    parser.add_argument("--base", type=int, default=16, help="base channels (default 16)")
    parser.add_argument("--variant", choices=("paper", "classic"), default="paper")
    parser.add_argument("--rounds", type=int, default=3, help="counted epochs of each (default 3)")
    add_out(parser)
    args = parser.parse_args(argv)
    if installed("torch") is None:
        print("error: PyTorch is not installed; it comes with: pip install 'minunet[bench]'", file=sys.stderr)
        return 2
    from benchmarks.peers.torch_train import TorchTraining

    split = split_pairs(find_pairs(args.data))
    preprocessing = Preprocessing(channels="grey", size=args.size)
    training = Batches(split.train, preprocessing, BATCH, augment="light", shuffle=True)
    validation = Batches(split.validation, preprocessing, BATCH)
    training.load()
    validation.load()

    model = minunet.UNet(base_channels=args.base, variant=args.variant)
    arrays = [_whole(split.train, preprocessing), _whole(split.validation, preprocessing)]
    peers = {mode: TorchTraining(model, *arrays, BATCH, mode) for mode in LAYOUTS}
    ours = _Ours(model, training, validation)
    contestants = {"minunet": ours.epoch, **{mode: peer.epoch for mode, peer in peers.items()}}
    with tqdm(total=args.rounds + WARM_UP, unit="round", leave=False) as bar:
        timings = alternate(contestants, args.rounds, bar.update, WARM_UP)
    ratio = timings.ratio(list(LAYOUTS), "minunet")
    waiting = ours.waiting()
    for name in contestants:
        print(f"{name:14} {timings.median(name):7.2f} s an epoch")
    print(f"best of PyTorch / minunet: {ratio[0]:.2f} ({ratio[1]:.2f} to {ratio[2]:.2f})")
    print(f"waiting for data: {waiting:.1%} of minunet's epoch")
    figures = {
        "size": args.size,
        "base": args.base,
        "variant": args.variant,
        "times": timings.to_dict(),
        "ratio": ratio,
        "waiting_for_data": waiting,
    }
    print(f"wrote {save('train_epoch', 'python -m benchmarks.train_epoch DATA', figures, args.out)}")
    return 0


class _Ours:
    """A training of minunet, an epoch at a time, and the time that it waits for batches."""

    def __init__(self, model: minunet.UNet, training: Batches, validation: Batches):
        self.source = _TimedSource(training)
        optimizer = minunet.optim.Adam(model.parameters())
        self.trainer = Trainer(
            model,
            optimizer,
            lambda step: 1e-4,
            binary_cross_entropy_with_logits,
            self.source,
            validation,
            epochs=0,
        )
        self.seconds = 0.0

    def epoch(self) -> None:
        began = time.perf_counter()
        self.trainer.epochs += 1
        self.trainer.fit()
        self.seconds += time.perf_counter() - began

    def waiting(self) -> float:
        """The part of the time spent waiting for the next batch."""
        return self.source.waited / self.seconds


class _TimedSource:
    """A source of batches that measures how long the training waits for each batch."""

    def __init__(self, source: Batches):
        self.source, self.waited = source, 0.0

    def __len__(self) -> int:
        return len(self.source)

    def epoch(self, *args, **kwargs):
        batches = iter(self.source.epoch(*args, **kwargs))
        for _ in itertools.count():
            began = time.perf_counter()
            batch = next(batches, None)
            self.waited += time.perf_counter() - began
            if batch is None:
                return
            yield batch


def _whole(pairs, preprocessing: Preprocessing) -> tuple[np.ndarray, np.ndarray]:
    """All images and masks of one part of the split, in memory."""
    batches = list(Batches(pairs, preprocessing, BATCH).epoch(0))
    return np.concatenate([b[0] for b in batches]), np.concatenate([b[1] for b in batches])


if __name__ == "__main__":
    sys.exit(main())
