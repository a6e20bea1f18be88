"""The single file: one Python script with a model inside, which predicts and counts with NumPy and Pillow alone."""
