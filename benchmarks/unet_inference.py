"""`python -m benchmarks.unet_inference`: the U-Net's inference against PyTorch and ONNX Runtime, side by side."""

import sys

from benchmarks.cpu.unet import main

if __name__ == "__main__":
    sys.exit(main("inference"))
