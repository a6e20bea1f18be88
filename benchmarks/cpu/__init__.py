"""Benchmarks on the CPU beside PyTorch and ONNX Runtime."""
