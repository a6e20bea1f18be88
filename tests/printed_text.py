"""Printed text as one reads it: commands that are folded over several lines, as a shell takes them."""

import re


def unfolded(text):
    """The text with each command in one line."""
    return re.sub(r" \\\n +", " ", text)
