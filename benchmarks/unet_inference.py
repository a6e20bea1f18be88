"""`python -m benchmarks.unet_inference`: a U-Net's inference beside PyTorch, ONNX Runtime and OpenVINO."""

import sys

from benchmarks.cpu.unet_comparison import main

if __name__ == "__main__":
    sys.exit(main("inference"))
