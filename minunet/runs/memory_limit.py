"""The memory limit of a training, `--max-memory`: smaller batches and recomputed activations that make its peak fit under it.

Nothing else is changed. Where that is not enough, the error names networks and sizes that would fit.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from minunet.checkpoints.architecture import parameter_shapes
from minunet.cli.console import memory
from minunet.errors import UserError
from minunet.runs.train_config import TrainConfig

SettingChanges = dict[str, Any]  # of settings
Peak = Callable[[TrainConfig, float | None], float]  # `PeakForecast.peak`

MARGIN = 1.02  # of what is proposed, because a process holds a little more one time than another
COPIES_OF_WEIGHTS = 4  # at least: the weights, their gradients, and Adam's two moments


class OverMemoryLimit(UserError):
    """A training cannot be made to fit under its memory limit; nothing of it has begun."""


def fit_settings(
    config: TrainConfig, peak: Peak, *, keep_batches: bool = False, may_recompute: bool = True, multiple: int = 1
) -> tuple[TrainConfig, float]:
    """The settings with which a training fits under its `max_memory`, and its peak with them in bytes.

    Tried in this order: the settings as they are; with `recompute`, which changes no number; then half of the batch size, a
    quarter, and so on, each without and with it.

    Parameters
    ----------
    config : TrainConfig
        Has a `max_memory`.
    peak : callable
    keep_batches : bool
        Whether the batch size must stay, as that of a run that is resumed.
    may_recompute : bool
        Whether activations may be computed again.
    multiple : int
        The channels that are proposed are a multiple of it.

    Raises
    ------
    OverMemoryLimit
        If none of them fits.
    """
    limit, last = _limit(config), config
    for candidate in _candidates(config, keep_batches, may_recompute):
        found, last = peak(candidate, limit), candidate
        if found <= limit:
            return candidate, found
    needed = peak(last, None)
    with_what = f"batches of {last.batch_size}" + (" and --recompute" if last.recompute else "")
    problem = f"--max-memory {_exactly(limit)}: with {with_what} this training takes up to {_exactly(needed)}"
    enough = f"--max-memory {rounded_up(needed * MARGIN)}"
    if keep_batches:
        raise OverMemoryLimit(
            f"{problem}, and a resumed run keeps its batches, its network and its size; give at least {enough}."
        )
    fitting = [f"{flags} ({_exactly(found)})" for flags, found in _proposals(last, peak, multiple)]
    if fitting:
        raise OverMemoryLimit(f"{problem}; give at least {enough}, or what would fit: {', or '.join(fitting)}.")
    raise OverMemoryLimit(f"{problem}, and no smaller network or image would fit; give at least {enough}.")


def check_weights(config: TrainConfig, memory_of_machine: float | None) -> None:
    """An `OverMemoryLimit` where not even the parameters of the network fit under the limit, or into this machine.

    They are counted from the settings, before the network is built.
    """
    values = sum(math.prod(shape) for shape in parameter_shapes(config.architecture()).values())
    needed = COPIES_OF_WEIGHTS * 4 * values  # of float32
    limits = [
        (config.max_memory, f"more than --max-memory {_exactly(config.max_memory or 0)}"),
        (memory_of_machine, f"and this machine or its container has {memory(memory_of_machine or 0)}"),
    ]
    for limit, which in limits:
        if limit is not None and needed > limit:
            raise OverMemoryLimit(
                f"--base-channels {config.base_channels} with --depth {config.depth}: the network has {values:,} parameters, which "
                f"take {memory(needed)} with their gradients and Adam's moments, {which}; lower one of the two."
            )


def describe_choice(given: TrainConfig, chosen: TrainConfig, peak: float) -> str:
    """What was chosen, as a sentence."""
    batches = f"batches of {chosen.batch_size}"
    if chosen.batch_size != given.batch_size:
        batches += f" in place of {given.batch_size}"
    changed = [batches] if chosen.batch_size != given.batch_size else []
    if chosen.recompute != given.recompute:
        changed.append("--recompute")
    what = f"chosen: {' and '.join(changed)}" if changed else f"{batches}, as given"
    return f"{_exactly(_limit(chosen))} at most; {what} (up to {_exactly(peak)})"


def rounded_up(size: float) -> str:
    """A number of bytes as a value of `--max-memory`, rounded up.

    Examples
    --------
    >>> rounded_up(432.1e6), rounded_up(2.57e9)
    ('440MB', '2.6GB')
    """
    return f"{math.ceil(size / 1e8) / 10:g}GB" if size > 990e6 else f"{math.ceil(size / 1e7) * 10}MB"


def rounded_down(size: float) -> str:
    """The same, rounded down, but not to nothing.

    Examples
    --------
    >>> rounded_down(438.1e6), rounded_down(2.57e9), rounded_down(7e6)
    ('430MB', '2.5GB', '10MB')
    """
    return f"{math.floor(size / 1e8) / 10:g}GB" if size >= 1e9 else f"{max(1, math.floor(size / 1e7)) * 10}MB"


def _exactly(size: float) -> str:
    """Bytes to three figures: one of them is compared with another."""
    return f"{size / 1e9:.2f} GB" if size >= 999.5e6 else f"{size / 1e6:.3g} MB"


def _limit(config: TrainConfig) -> int:
    assert config.max_memory is not None
    return config.max_memory


def _candidates(config: TrainConfig, keep_batches: bool, may_recompute: bool) -> Iterator[TrainConfig]:
    size = config.batch_size
    while True:
        yield replace(config, batch_size=size)
        if may_recompute and not config.recompute:
            yield replace(config, batch_size=size, recompute=True)
        if keep_batches or size == 1:
            return
        size //= 2


def _proposals(config: TrainConfig, peak: Peak, multiple: int) -> list[tuple[str, float]]:
    """Flags of the largest network and of the largest image that fit, or of both together; with their peaks."""
    networks, sizes = list(_smaller_networks(config, multiple)), list(_smaller_sizes(config))
    found = [*_first_fitting(config, peak, networks), *_first_fitting(config, peak, sizes)]
    if found:
        return found
    count = max(len(networks), len(sizes))
    both = [
        (f"{flags} {more}".strip(), {**changes, **others})
        for (flags, changes), (more, others) in zip(
            _lengthened(networks, count), _lengthened(sizes, count), strict=True
        )
    ]
    return _first_fitting(config, peak, both)


def _first_fitting(
    config: TrainConfig, peak: Peak, proposals: list[tuple[str, SettingChanges]]
) -> list[tuple[str, float]]:
    for flags, changes in proposals:
        needed = peak(replace(config, **changes), _limit(config))
        if needed * MARGIN <= _limit(config):
            return [(flags, needed)]
    return []


def _lengthened(proposals: list[tuple[str, SettingChanges]], count: int) -> list[tuple[str, SettingChanges]]:
    """So many proposals, of which the last ones are the same."""
    return [*proposals, *(proposals[-1:] or [("", {})]) * (count - len(proposals))]


def _smaller_networks(config: TrainConfig, multiple: int) -> Iterator[tuple[str, SettingChanges]]:
    channels = config.base_channels // 2 // multiple * multiple
    while channels:
        yield f"--base-channels {channels}", {"base_channels": channels}
        channels = channels // 2 // multiple * multiple


def _smaller_sizes(config: TrainConfig) -> Iterator[tuple[str, SettingChanges]]:
    """Halved again and again: sides that the network can halve as often as it does."""
    multiple = 2**config.depth
    height, width = config.height_and_width
    while max(height, width) > multiple:
        height, width = (max(multiple, side // 2 // multiple * multiple) for side in (height, width))
        if config.crop is not None:
            yield f"--crop {width}", {"crop": width}
        else:
            yield f"--size {width}x{height}", {"size": (width, height)}
