"""Synthetic smears: drawn images of blood films with exact masks, for training, testing and teaching."""

from minunet.data.synthetic.smear import Smear, draw_cell, draw_smear, drawing_problems
from minunet.data.synthetic.smear_set import set_problems, write_set
from minunet.data.synthetic.variety import VARIETIES

__all__ = ["VARIETIES", "Smear", "draw_cell", "draw_smear", "drawing_problems", "set_problems", "write_set"]
