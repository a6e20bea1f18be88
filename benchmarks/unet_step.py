"""`python -m benchmarks.unet_step`: the time and memory of a U-Net's training step, and of PyTorch."""

import sys

from benchmarks.cpu.unet_comparison import main

if __name__ == "__main__":
    sys.exit(main("step"))
