"""`python -m benchmarks.unet_inference`: the time and memory of a U-Net's inference, and of PyTorch and ONNX Runtime."""

import sys

from benchmarks.cpu.unet_comparison import main

if __name__ == "__main__":
    sys.exit(main("inference"))
