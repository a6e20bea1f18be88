"""Synthetic smears: drawn images of blood films with exact masks, for training, testing and teaching."""

from minunet.data.synthetic.smear import SMALLEST_SIDE, Smear, draw_cell, draw_smear
from minunet.data.synthetic.smear_set import set_problems, write_set

__all__ = ["SMALLEST_SIDE", "Smear", "draw_cell", "draw_smear", "set_problems", "write_set"]
