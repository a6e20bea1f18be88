"""The training loop: steps, schedule, clipping and losses; it reads no files and prints nothing."""
