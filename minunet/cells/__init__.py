"""Cells: the single cells in a map of probabilities, their measures, their scores, and the files that other programs read."""
