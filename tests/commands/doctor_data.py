"""Small data sets for the tests of `python -m minunet.doctor`, and what it prints."""

import json

import numpy as np
from PIL import Image

from minunet import doctor
from minunet.data.synthetic import draw_smear
from minunet.inspection.page import columns

SIZE = (48, 40)
SMEARS = [draw_smear(np.random.default_rng([11, i]), SIZE) for i in (*range(9), 20)]


def write(folder, count=10, names="smear_{}", change=None):
    """Smears with masks of 0 and 255; `change(number, image, mask)` returns what is stored in their place."""
    for part in ("images", "masks"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    for number in range(count):
        pictures = SMEARS[number].image, SMEARS[number].mask * np.uint8(255)
        if change:
            pictures = change(number, *pictures)
        for part, pixels in zip(("images", "masks"), pictures, strict=True):
            Image.fromarray(pixels).save(folder / part / f"{names.format(number)}.png")
    return folder


def run(capsys, *arguments):
    code = doctor.main([*map(str, arguments)])
    printed = capsys.readouterr()
    assert all(columns(line) <= 80 for line in printed.out.splitlines() if "/" not in line)
    return code, printed.out, printed.err


def document(capsys, *arguments):
    code = doctor.main([*map(str, arguments), "--json"])
    printed = capsys.readouterr()
    found = json.loads(printed.out)
    assert found["exit_code"] == code
    return found
