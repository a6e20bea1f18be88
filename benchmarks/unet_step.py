"""`python -m benchmarks.unet_step`: the U-Net's training step against PyTorch, side by side."""

import sys

from benchmarks.cpu.unet import main

if __name__ == "__main__":
    sys.exit(main("step"))
