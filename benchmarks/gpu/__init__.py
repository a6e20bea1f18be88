"""Benchmarks on a GPU: `python -m benchmarks.gpu` runs all of them."""
