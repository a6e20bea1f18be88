"""The table of docs/scale.md: how long a step sends gradients for, by the model of latency and bandwidth that the page states.

`python tools/scale_table.py` prints it. Nothing is measured: the figures follow from the formulas and the assumptions below.
"""

from __future__ import annotations

import math

PARAMETERS = {16: 2_137_025, 64: 34_165_505}  # of the paper's U-Net, by its base channels
STEP = {
    16: 0.07,
    64: 1.1,
}  # seconds: 8 images of 256x256 on a node that is 16 times as fast as the two cores of the page
NETWORKS = {"10 Gb/s Ethernet": (20e-6, 0.8e-9), "100 Gb/s InfiniBand": (2e-6, 0.08e-9)}  # seconds, and seconds a byte
ADDING = 0.25e-9  # seconds a byte
BUCKET = 4 << 20  # bytes
NODES = (2, 8, 16, 32, 64)
BACKWARD = 2 / 3  # of a step


def ring(nodes: int, size: float, latency: float, byte: float, buckets: int = 1) -> float:
    """Seconds of the exchange of gradients and of the gathering of weights, as long as in a ring."""
    share = (nodes - 1) / nodes
    return 2 * (nodes - 1) * latency * buckets + 2 * share * size * byte + share * size * ADDING


def doubling(nodes: int, size: float, latency: float, byte: float) -> float:
    """Seconds of recursive doubling, a tree in which everyone sends the whole gradient at every level."""
    return math.log2(nodes) * (latency + size * byte + size * ADDING)


def efficiency(step: float, sending: float, buckets: int) -> float:
    """The share of a step that is work, where gradients are sent during the backward pass, all but the last bucket."""
    backward, exchange = BACKWARD * step, sending / 2
    hidden = exchange * (buckets - 1) / buckets
    return step / (step - backward + max(backward, hidden) + sending - hidden)


def rows() -> list[str]:
    """The rows of the table."""
    lines = [
        "| network | U-Net | nodes | ring | doubling | efficiency, one after the other | efficiency, overlapped |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, (latency, byte) in NETWORKS.items():
        for base, count in PARAMETERS.items():
            size, buckets = 4 * count, -(-4 * count // BUCKET)
            for nodes in NODES:
                sending, step = ring(nodes, size, latency, byte, buckets), STEP[base]
                lines.append(
                    f"| {name} | base {base} | {nodes} | {1e3 * sending:.1f} ms "
                    f"| {1e3 * doubling(nodes, size, latency, byte):.1f} ms "
                    f"| {100 * step / (step + sending):.0f} % | {100 * efficiency(step, sending, buckets):.0f} % |"
                )
    return lines


if __name__ == "__main__":
    print("\n".join(rows()))
