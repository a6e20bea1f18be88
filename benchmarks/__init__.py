"""Speed and memory, measured side by side with the frameworks: `python -m benchmarks --help`."""
