"""Checks and benchmarks on a GPU: `python -m benchmarks.gpu` runs all of them. benchmarks/README.md lists the others."""
