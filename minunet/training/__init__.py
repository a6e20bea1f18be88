"""The training loop: steps, learning rates, clipping and losses. It reads no files and prints nothing."""
